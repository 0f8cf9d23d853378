"""The wall in a real browser: signed in, live, naming nobody, usable without eyes for the map."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shiyu.api import STATIC
from shiyu.demo.accounts import PASSWORD
from tests.analysis.voices import TEXTS, report
from tests.kit.people import deliver, staff
from tests.kit.server import Server, live_server

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
SLOW = 60_000  # a map drawn without a graphics card takes its time


def enter(page: Page, server: Server, username: str = "display") -> None:
    """Sign in to the wall and wait for its figures."""
    assert (STATIC / "screen.html").exists(), "the faces are not built: run `make web`"
    page.goto(f"{server.url}/screen")
    page.get_by_label("账号").fill(username)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()


def figure(page: Page, name: str):
    """The number of one key figure."""
    return page.locator(f"[data-figure={name}] b")


def test_a_new_report_appears_in_the_feed_and_in_the_figures_without_a_reload(city: str, page: Page):
    agent = staff("agent")
    report(agent, TEXTS[2])
    deliver()
    with live_server(city) as server:
        enter(page, server)
        expect(figure(page, "accepted")).to_have_text("1", timeout=SLOW)
        expect(page.get_by_role("banner").get_by_role("status")).to_have_text("实时", timeout=SLOW)
        page.evaluate("window.stayed = true")

        report(agent, TEXTS[0], name="王秀英")
        deliver()

        expect(page.get_by_role("list", name="最新动态")).to_contain_text("乐雪社区", timeout=10_000)
        expect(figure(page, "accepted")).to_have_text("2", timeout=15_000)
        expect(figure(page, "open")).to_have_text("2")
        assert page.evaluate("window.stayed")
        said = page.locator("body").inner_text()
        assert "王秀英" not in said
        assert "AS-" not in said


def test_the_wall_says_that_it_is_not_live_when_the_server_is_gone_and_comes_back_by_itself(city: str, page: Page):
    agent = staff("agent")
    with live_server(city) as server:
        enter(page, server)
        state = page.get_by_role("banner").get_by_role("status")
        expect(state).to_have_text("实时", timeout=SLOW)

        server.kill()
        expect(state).to_contain_text("重连中", timeout=15_000)
        report(agent, TEXTS[0])
        deliver()
        server.start()

        expect(state).to_have_text("实时", timeout=30_000)
        expect(figure(page, "accepted")).to_have_text("1", timeout=15_000)
        expect(page.get_by_role("list", name="最新动态")).to_contain_text("乐雪社区")


def test_the_map_is_drawn_and_has_no_serious_fault_for_who_cannot_see(city: str, page: Page):
    for text in TEXTS:
        report(staff("agent"), text)
    deliver()
    with live_server(city) as server:
        enter(page, server)
        expect(page.locator(".drawing[data-drawn=true]")).to_be_visible(timeout=SLOW)
        expect(page.locator(".chart svg")).to_be_visible(timeout=SLOW)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
        found = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", tags)

    assert [one["id"] for one in found["violations"] if one["impact"] in {"serious", "critical"}] == []


@pytest.mark.parametrize("size", [(1920, 1080), (3840, 2160), (5120, 1440)])
def test_nothing_runs_over_the_edge_of_a_wall(city: str, page: Page, size: tuple[int, int]):
    with live_server(city) as server:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.route(
            "**/areas.geojson*", lambda route: route.abort()
        )  # the map has tests of its own; this is about the frame
        enter(page, server)
        expect(figure(page, "accepted")).to_be_visible(timeout=SLOW)
        edges = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        type_size = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")

    assert edges == list(size)
    assert type_size >= 20


def test_a_county_is_entered_and_left_by_keyboard(city: str, page: Page):
    report(staff("agent"), TEXTS[2])
    report(staff("agent"), TEXTS[0])
    deliver()
    with live_server(city) as server:
        enter(page, server)
        expect(figure(page, "open")).to_have_text("2", timeout=SLOW)

        page.get_by_role("button", name="海城市").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("海城市")
        expect(figure(page, "open")).to_have_text("1")

        page.keyboard.press("Escape")
        expect(figure(page, "open")).to_have_text("2")


def test_who_reads_no_figures_is_told_so(city: str, page: Page):
    with live_server(city) as server:
        enter(page, server, "handle.210302-zhujian")
        expect(page.get_by_role("alert")).to_contain_text("不能查看大屏", timeout=SLOW)


def test_the_wall_speaks_english(city: str, page: Page):
    with live_server(city) as server:
        enter(page, server)
        page.get_by_role("button", name="English").click()
        expect(page.get_by_text("Accepted today")).to_be_visible(timeout=SLOW)
        assert page.evaluate("document.documentElement.lang") == "en"
