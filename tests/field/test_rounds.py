"""Rounds, cards and gaps in a real browser: a check-in without a net, a card that anybody scans, the desk's page."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from shiyu.demo.accounts import PASSWORD
from shiyu.field.models import CheckIn
from shiyu.kernel import db
from tests.field.test_phone import FAR, GRID, SOON, here, phone, server  # noqa: F401 - fixtures
from tests.kit.axe import grave
from tests.kit.people import staff
from tests.kit.server import Server

HOLDER = f"grid.{GRID}"


def shot(page: Page, name: str) -> None:
    """A picture to look at, where somebody wants one."""
    if folder := os.environ.get("SHIYU_SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def a_plan(**more: Any) -> None:
    body = {"area": GRID, "name": "夜间巡查", "days_a_week": 3, "reach": 50, "valid_from": "2026-01-01"}
    staff("dispatcher").post("/api/patrols", {**body, **more}, status=201)


def a_post() -> dict[str, Any]:
    person = {"name": staff(HOLDER).me["name"], "username": HOLDER}
    body = {"kind": "designated", "area": GRID, "person": person, "valid_from": "2026-01-01"}
    return staff("dispatcher").post("/api/posts", body, status=201)


def check_ins() -> list[CheckIn]:
    with db.reading() as s:
        return list(s.scalars(select(CheckIn)))


def test_a_check_in_made_without_a_net_arrives_once(phone: Callable[..., Page], here: dict[str, float]) -> None:  # noqa: F811
    point = {"lon": here["longitude"], "lat": here["latitude"], "frame": "wgs84"}
    a_plan(points=[{"name": "泵房", "position": point}, {"name": "配电室", "position": point}])
    page = phone()
    page.get_by_role("link", name="夜间巡查").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("今日巡查")
    shot(page, "patrol")
    page.context.set_offline(True)

    page.get_by_role("button", name="签到：泵房").click()
    expect(page.get_by_text("已存入本机，等待上传")).to_be_visible(timeout=SOON)
    page.reload()
    expect(page.get_by_text("已存入本机，等待上传")).to_be_visible(timeout=SOON)
    assert check_ins() == []

    page.context.set_offline(False)
    expect(page.get_by_text("今天已签到")).to_be_visible(timeout=SOON)
    expect(page.get_by_role("button", name="签到：配电室")).to_be_visible()
    assert [(row.point, row.counted) for row in check_ins()] == [(0, True)]
    assert grave(page) == []
    shot(page, "patrol-done")


def test_who_is_far_away_is_told_before_he_checks_in(phone: Callable[..., Page]) -> None:  # noqa: F811
    a_plan()
    page = phone(geolocation=FAR)
    page.goto("/field/patrol")

    page.get_by_role("button", name="签到：夜间巡查").click()

    expect(page.get_by_text("您不在这里")).to_be_visible(timeout=SOON)
    shot(page, "patrol-far")
    page.get_by_role("button", name="仍要签到").click()
    expect(page.get_by_text("上次签到没有计入")).to_be_visible(timeout=SOON)
    assert [row.counted for row in check_ins()] == [False]


def test_a_card_is_shown_without_a_net_and_checked_by_anybody(
    phone: Callable[..., Page],  # noqa: F811
    server: Server,  # noqa: F811
    browser: Browser,
) -> None:
    post = a_post()
    page = phone()
    page.get_by_role("link", name="工作证").click()
    code = page.get_by_role("img", name="二维码")
    expect(code).to_be_visible()
    expect(page.get_by_text(post["no"])).to_be_visible()
    assert grave(page) == []
    shot(page, "card")
    page.context.set_offline(True)
    page.reload()
    expect(code).to_be_visible(timeout=SOON)

    word = staff(HOLDER).get("/api/field/cards")[0]["card"]
    passer_by = browser.new_page(base_url=server.url, locale="zh-CN", viewport={"width": 390, "height": 844})
    passer_by.goto(f"/card/{word}")
    expect(passer_by.get_by_text("这张工作证今天有效")).to_be_visible()
    expect(passer_by.get_by_text(post["person"]["name"])).to_be_visible()
    assert grave(passer_by) == []
    shot(passer_by, "card-check")
    passer_by.goto("/card/guess")
    expect(passer_by.get_by_text("这不是有效的工作证")).to_be_visible()
    passer_by.goto("/")
    passer_by.get_by_role("link", name="谁是我的网格员").click()
    passer_by.get_by_role("button", name="查询").click()
    expect(passer_by.get_by_role("link", name="请写地址")).to_be_visible()
    passer_by.get_by_label("地址").fill("铁东区乐雪社区3号楼")
    passer_by.get_by_role("button", name="查询").click()
    passer_by.get_by_role("button", name=post["area"]["name"], exact=True).click()
    expect(passer_by.get_by_text("专属网格员")).to_be_visible()
    assert grave(passer_by) == []
    shot(passer_by, "my-grid")
    passer_by.close()


def test_the_desk_lists_gaps_and_fills_one(server: Server, browser: Browser) -> None:  # noqa: F811
    a_plan()
    page = browser.new_page(base_url=server.url, locale="zh-CN", viewport={"width": 1440, "height": 900})
    page.goto("/desk")
    page.get_by_label("用户名").fill("dispatcher")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.get_by_role("link", name="网格岗位与巡查").click()
    expect(page.get_by_text("没有符合条件的岗位。")).to_be_visible()
    page.get_by_role("link", name="空岗", exact=True).click()
    expect(page.get_by_role("heading", name="各县区空岗")).to_be_visible()
    shot(page, "desk-gaps")
    assert grave(page) == []

    page.get_by_role("button", name="安排").first.click()
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("link", name="请填写姓名")).to_be_visible()
    page.get_by_label("姓名").fill("王小安")
    shot(page, "desk-fill")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("link", name="岗位", exact=True).click()
    expect(page.get_by_text("王小安")).to_be_visible()
    assert grave(page) == []
    shot(page, "desk-posts")
    page.get_by_role("link", name="巡查", exact=True).click()
    expect(page.get_by_role("cell", name="夜间巡查", exact=True)).to_be_visible()
    assert grave(page) == []
    shot(page, "desk-patrols")
    page.set_viewport_size({"width": 390, "height": 844})
    shot(page, "desk-patrols-phone")
    page.close()
