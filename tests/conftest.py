"""What every test may ask for: a database of its own, and a browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from shiyu.kernel import db
from tests.kit import browser as chromium
from tests.kit import postgres


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        postgres.begin_run()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        postgres.end_run()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What uses the database is what is run again on another PostgreSQL; what opens a page needs a browser."""
    for item in items:
        wants = getattr(item, "fixturenames", ())
        if "cluster" in wants:
            item.add_marker("server")
        if "browser" in wants:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    """The PostgreSQL server of this run."""
    with postgres.cluster() as server:
        yield server


@pytest.fixture(scope="session")
def template(cluster: postgres.Cluster) -> str:
    """The migrated database that ``database`` copies; made once a run, and once only if it cannot be made."""
    return postgres.template(cluster)


@pytest.fixture
def database(cluster: postgres.Cluster, template: str) -> Iterator[str]:
    """A migrated database of this test alone, bound to ``shiyu.kernel.db``; its address."""
    with postgres.copy_of(cluster, template) as url:
        db.bind(url)
        yield url
        db.unbind()


@pytest.fixture(scope="session")
def city_template(cluster: postgres.Cluster) -> str:
    """The database that ``city`` copies: law, a small synthetic city, accounts."""
    return postgres.template(cluster, "city")


@pytest.fixture
def city(cluster: postgres.Cluster, city_template: str) -> Iterator[str]:
    """A database of this test alone with the law, a small synthetic city and its people's accounts; its address."""
    with postgres.copy_of(cluster, city_template) as url:
        db.bind(url)
        yield url
        db.unbind()


@pytest.fixture
def empty_database(cluster: postgres.Cluster) -> Iterator[str]:
    """A database of this test alone with nothing in it, bound to ``shiyu.kernel.db``; its address."""
    with postgres.copy_of(cluster, "template0") as url:
        db.bind(url)
        yield url
        db.unbind()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium a worker; a test without one fails."""
    with sync_playwright() as playwright:
        opened = chromium.launch(playwright)
        yield opened
        opened.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A visitor of this test alone, in Chinese, in Beijing time."""
    opened = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai")
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A window of that visitor."""
    return context.new_page()
