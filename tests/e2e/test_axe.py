"""Every page of every face, in both languages, on the screens it is made for: nothing that keeps people out."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from shiyu.kernel import db
from tests.e2e import steps
from tests.e2e.conftest import Visit, opener
from tests.kit import postgres, scenes
from tests.kit.axe import grave
from tests.kit.scenes import GRID, LEAD, Scenes
from tests.kit.server import live_server

LANGUAGES = ("zh-CN", "en")


@dataclass(frozen=True)
class City:
    """A platform with a handful of cases, and people who open it."""

    made: Scenes
    visit: Visit


@pytest.fixture(scope="module")
def peopled(cluster: postgres.Cluster, city_template: str, browser: Browser) -> Iterator[City]:
    """One city for all pages: nothing here changes it."""
    opened: list[BrowserContext] = []
    with postgres.copy_of(cluster, city_template) as url:
        db.bind(url)
        made = scenes.build()
        with live_server(url) as server:
            yield City(made, opener(browser, server.url, opened))
            for context in opened:
                context.close()
        db.unbind()


def look(page: Page, path: str, there: Callable[[Page], None] | None = None) -> list[str]:
    """Open a page, wait until it stands, and judge it."""
    page.goto(path)
    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    if there:
        there(page)
    page.wait_for_load_state("networkidle")
    return grave(page)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_citizens_pages(peopled: City, lang: str) -> None:
    page = peopled.visit(phone=True, lang=lang)
    paths = ["/", "/track", "/privacy", "/accessibility", "/help", "/report"]
    found = [bad for path in paths for bad in look(page, path)]

    page.goto("/report")
    page.get_by_role("textbox").fill(scenes.HANDRAIL)
    for _ in range(4):
        found += grave(page)
        page.locator("form button[type=submit]").click()
        page.wait_for_load_state("networkidle")
    expect(page.get_by_role("alert")).to_be_visible()  # no telephone was given
    found += grave(page)
    made = peopled.made
    for no, code in ((made.replied, made.replied_token), (made.handling, made.handling_token)):
        found += look(page, f"/case/{no}#t={code}", lambda page: expect(page.locator(".timeline")).to_be_visible())

    assert found == []


def test_the_citizens_large_type_and_wide_screen(peopled: City) -> None:
    page = peopled.visit()
    found = look(page, "/")
    page.get_by_role("button", name="长辈版").click()
    found += grave(page)

    assert found == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_desk_of_an_office(peopled: City, lang: str) -> None:
    page = peopled.visit(LEAD, lang=lang)
    made = peopled.made

    def with_a_form(page: Page) -> None:
        page.locator(".actions button").first.click()
        expect(page.locator("form.verb")).to_be_visible()
        page.locator("[aria-labelledby=tasks] > button.link").click()
        expect(page.locator("form.give")).to_be_visible()

    found = look(page, "/desk/", lambda page: expect(page.locator(".cases")).to_be_visible())
    found += look(page, f"/desk/case/{made.handling}", with_a_form)
    found += look(page, f"/desk/case/{made.replied}")
    found += look(page, "/desk/account") + look(page, "/desk/no-such-page")

    assert found == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_desk_of_the_centre(peopled: City, lang: str) -> None:
    page = peopled.visit("dispatcher", lang=lang)
    made = peopled.made
    found = look(page, "/desk/", lambda page: expect(page.locator(".cases")).to_be_visible())
    found += look(page, f"/desk/case/{made.unclear}")
    found += look(page, f"/desk/case/{made.confidential}")
    found += look(page, "/desk/new", lambda page: page.locator("#new-text").fill(scenes.HANDRAIL))
    found += look(page, "/desk/oversight", lambda page: expect(page.locator("svg[role=img]")).to_be_visible())

    assert found == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_desk_of_the_administrators(peopled: City, lang: str) -> None:
    page = peopled.visit("security", lang=lang)
    found = look(page, "/desk/accounts", lambda page: expect(page.get_by_role("table")).to_be_visible())
    page.get_by_role("main").get_by_role("button", name=re.compile("新建账号|New account")).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    found += grave(page)
    page = peopled.visit("audit", lang=lang)
    found += look(page, "/desk/audit", lambda page: expect(page.locator("table.plain")).to_be_visible())
    page = peopled.visit(lang=lang)
    found += look(page, "/desk/")

    assert found == []


def test_the_desk_on_a_telephone(peopled: City) -> None:
    page = peopled.visit("dispatcher", phone=True)
    found = look(page, "/desk/", lambda page: expect(page.locator(".cases")).to_be_visible())
    page.get_by_role("button", name="菜单").click()
    found += grave(page)
    found += look(page, f"/desk/case/{peopled.made.handling}")

    assert found == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_grid_workers_pages(peopled: City, lang: str) -> None:
    page = peopled.visit(phone=True, lang=lang)
    found = look(page, "/field/sign-in")
    page.locator("#username").fill(f"grid.{GRID}")
    page.locator("#password").fill(steps.PASSWORD)
    page.locator("form button[type=submit]").click()
    expect(page.get_by_role("navigation")).to_be_visible()
    for path in ("", "report", "queue", "tasks", "sightings", "area", "settings"):
        found += look(page, f"/field/{path}")
    page.goto("/field/tasks")
    page.locator("a.card").first.click()
    expect(page.locator("dl")).to_be_visible()
    found += grave(page)

    assert found == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_wall(peopled: City, lang: str) -> None:
    found = look(peopled.visit(lang=lang), "/screen")
    page = peopled.visit("display", lang=lang, viewport={"width": 1920, "height": 1080})
    found += look(page, "/screen", lambda page: expect(page.locator("section.feed")).to_be_visible())

    assert found == []
