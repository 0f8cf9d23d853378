"""The platform answering on a port, and people who open it: each in a window of his own, with his own screen and language."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from shiyu.demo.accounts import PASSWORD
from shiyu.directory.gazetteer import gazetteer
from shiyu.kernel import db
from tests.kit.scenes import GRID
from tests.kit.server import Server, live_server

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
SOON = 15_000  # milliseconds: the longest that a page may take, on one busy core


@pytest.fixture(autouse=True)
def patience() -> None:
    """Conditions are waited for, and never longer than this."""
    expect.set_options(timeout=SOON)


@pytest.fixture
def server(city: str) -> Iterator[Server]:
    """The platform, answering over the synthetic city."""
    with live_server(city) as running:
        yield running


@pytest.fixture
def here(city: str) -> dict[str, float]:
    """A point in a grid of 乐雪社区, as a telephone measures it."""
    with db.reading() as s:
        lineage = gazetteer(s).by_code(GRID)
        assert lineage is not None
        point = gazetteer(s).boundary(lineage.area_id).representative_point()
    return {"longitude": point.x, "latitude": point.y, "accuracy": 8}


class Visit(Protocol):
    """Opens a window; with a user name, of somebody who has signed in already."""

    def __call__(
        self, username: str | None = None, *, phone: bool = False, lang: str = "zh-CN", **more: Any
    ) -> Page: ...


def opener(browser: Browser, url: str, opened: list[BrowserContext]) -> Visit:
    """Windows on one server, kept to be closed."""

    def visit(username: str | None = None, *, phone: bool = False, lang: str = "zh-CN", **more: Any) -> Page:
        size = {"viewport": PHONE, "has_touch": True, "is_mobile": True} if phone else {"viewport": DESKTOP}
        fixed = {"base_url": url, "locale": "zh-CN", "timezone_id": "Asia/Shanghai", "reduced_motion": "reduce"}
        context = browser.new_context(**{**fixed, **size, **more})
        context.set_default_timeout(SOON)
        opened.append(context)
        if lang != "zh-CN":  # what the language button remembers
            context.add_init_script(f"localStorage.setItem('shiyu.lang', JSON.stringify('{lang}'))")
        if username:
            answer = context.request.post("/api/sign-in", data={"username": username, "password": PASSWORD})
            assert answer.ok, answer.text()
        return context.new_page()

    return visit


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    """People who come to the platform of this test."""
    opened: list[BrowserContext] = []
    yield opener(browser, server.url, opened)
    for context in opened:
        context.close()


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, Path]:
    """Files on somebody's telephone: the place before and after the work."""
    from tests.kit.scenes import a_photo

    kept = {"before": tmp_path / "现场.jpg", "after": tmp_path / "完工.jpg"}
    kept["before"].write_bytes(a_photo())
    kept["after"].write_bytes(a_photo(mended=True))
    return kept
