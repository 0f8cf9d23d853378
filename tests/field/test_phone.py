"""The grid worker's face in a real browser: without a net nothing is lost, with one again nothing is doubled."""

import gzip
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from shiyu.cases.models import Case, CaseFile
from shiyu.demo.accounts import PASSWORD
from shiyu.directory.gazetteer import gazetteer
from shiyu.field.models import Sighting
from shiyu.kernel import db
from tests.kit import browser as chromium
from tests.kit.people import a_report, citizen, staff
from tests.kit.server import Server, live_server

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "shiyu" / "static"
GRID = "2103020030041001"
FAR = {"longitude": 116.4, "latitude": 39.9, "accuracy": 9}
SOON = 60_000  # milliseconds; the pauses between tries grow


@pytest.fixture
def server(city: str) -> Iterator[Server]:
    """The platform, answering."""
    with live_server(city) as running:
        yield running


@pytest.fixture
def here(city: str) -> dict[str, float]:
    """In the middle of the grid, as a phone measures it."""
    with db.reading() as s:
        lineage = gazetteer(s).by_code(GRID)
        assert lineage is not None
        point = gazetteer(s).boundary(lineage.area_id).representative_point()
    return {"longitude": point.x, "latitude": point.y, "accuracy": 8}


@pytest.fixture
def phone(browser: Browser, server: Server, here: dict[str, float]) -> Iterator[Callable[..., Page]]:
    """A telephone of a grid worker, signed in and ready to be taken off the net."""
    opened: list[BrowserContext] = []

    def pick_up(**more: Any) -> Page:
        context = browser.new_context(
            **{
                "base_url": server.url,
                "locale": "zh-CN",
                "timezone_id": "Asia/Shanghai",
                "viewport": {"width": 390, "height": 844},
                "device_scale_factor": 2,
                "has_touch": True,
                "geolocation": here,
                "permissions": ["geolocation"],
                **more,
            }
        )
        opened.append(context)
        page = context.new_page()
        sign_in(page)
        governed(page)
        return page

    yield pick_up
    for context in opened:
        context.close()


def sign_in(page: Page, username: str = f"grid.{GRID}") -> None:
    page.goto("/field/sign-in")
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("您好", timeout=SOON)


def governed(page: Page) -> None:
    """Wait until the worker answers for the page: from then on no net is needed."""
    page.evaluate(
        """async () => {
            await navigator.serviceWorker.ready
            if (!navigator.serviceWorker.controller)
                await new Promise((go) => navigator.serviceWorker.addEventListener('controllerchange', go))
        }"""
    )


def a_photo(colour: str = "darkred") -> dict[str, Any]:
    drawn = BytesIO()
    Image.new("RGB", (640, 480), colour).save(drawn, "JPEG")
    return {"name": "现场.jpg", "mimeType": "image/jpeg", "buffer": drawn.getvalue()}


def report(page: Page, text: str, *, photo: bool = False) -> None:
    """Through the form, as a thumb does it."""
    page.get_by_role("navigation").get_by_role("link", name="上报").click()
    if photo:
        page.locator("input[data-for=shots][data-kind=camera]").set_input_files(a_photo())
        expect(page.get_by_alt_text("照片 1")).to_be_visible()
    page.get_by_label("发现了什么").fill(text)
    expect(page.get_by_text("已定位")).to_be_visible(timeout=SOON)
    page.get_by_role("button", name="保存并上报").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("您好")


def cases() -> list[Case]:
    with db.reading() as s:
        return list(s.scalars(select(Case).order_by(Case.accepted_at)))


def test_a_report_made_without_a_net_survives_a_reload_and_becomes_one_case(
    phone: Callable[..., Page], here: dict[str, float]
) -> None:
    page = phone()
    page.context.set_offline(True)

    report(page, "三号楼二单元楼梯扶手断了", photo=True)
    expect(page.get_by_text("没有网络，1 条存在本机")).to_be_visible(timeout=SOON)
    page.reload()

    expect(page.get_by_role("heading", level=1)).to_contain_text("您好")
    expect(page.get_by_text(re.compile("1 条"))).to_be_visible(timeout=SOON)
    assert cases() == []
    page.get_by_role("navigation").get_by_role("link", name="待传").click()
    expect(page.get_by_text("三号楼二单元楼梯扶手断了")).to_be_visible()
    expect(page.get_by_text("1 张照片")).to_be_visible()

    page.context.set_offline(False)
    expect(page.get_by_text("全部已上传")).to_be_visible(timeout=SOON)
    page.reload()
    expect(page.get_by_text("全部已上传")).to_be_visible(timeout=SOON)

    found = cases()
    assert [case.text for case in found] == ["三号楼二单元楼梯扶手断了"]
    with db.reading() as s:
        row = s.scalars(select(Sighting)).one()
        assert row.lon == pytest.approx(here["longitude"])
        assert row.accuracy == here["accuracy"]
        assert row.grid_id == found[0].grid_id
        assert row.seen_at < row.received_at
        assert len(s.scalars(select(CaseFile).where(CaseFile.case_id == found[0].id)).all()) == 1


def test_the_queue_goes_by_itself_when_the_net_is_back(phone: Callable[..., Page]) -> None:
    page = phone()
    page.context.set_offline(True)
    report(page, "路灯不亮，晚上看不见")
    report(page, "井盖破损")
    expect(page.get_by_text("没有网络，2 条存在本机")).to_be_visible(timeout=SOON)

    page.context.set_offline(False)

    expect(page.get_by_text("全部已上传")).to_be_visible(timeout=SOON)
    assert [case.text for case in cases()] == ["路灯不亮，晚上看不见", "井盖破损"]


def test_a_server_that_died_while_answering_gets_the_same_again_and_has_it_once(
    phone: Callable[..., Page], server: Server
) -> None:
    page = phone()
    swallowed: list[str] = []

    def swallow(route: Any) -> None:
        if swallowed:
            route.continue_()
            return
        route.fetch()  # the server has it, the phone never hears so
        swallowed.append(route.request.post_data)
        route.abort()

    page.context.route("**/api/field/sync", swallow)

    report(page, "下水道堵了往外冒水", photo=True)

    expect(page.get_by_text("全部已上传")).to_be_visible(timeout=SOON)
    assert swallowed
    assert len(cases()) == 1


def test_a_refused_report_is_set_aside_with_its_reason_and_the_others_go(
    phone: Callable[..., Page], here: dict[str, float]
) -> None:
    page = phone()
    page.context.set_offline(True)
    page.context.set_geolocation(FAR)
    report(page, "这一条位置不对")
    page.context.set_geolocation(here)
    report(page, "这一条位置对")
    page.context.set_offline(False)

    page.get_by_role("navigation").get_by_role("link", name="待传").click()

    expect(page.get_by_text("这个位置不在本市范围内", exact=False).first).to_be_visible(timeout=SOON)
    assert [case.text for case in cases()] == ["这一条位置对"]

    page.get_by_role("link", name="修改").click()
    expect(page.get_by_label("发现了什么")).to_have_value("这一条位置不对")
    page.get_by_role("button", name="不附带位置").click()
    page.get_by_label("地址或楼门号").fill("乐雪社区3号楼")
    page.get_by_role("button", name="保存并上报").click()
    expect(page.get_by_text("全部已上传")).to_be_visible(timeout=SOON)
    assert {case.text for case in cases()} == {"这一条位置不对", "这一条位置对"}


def test_a_task_done_with_a_photo_stands_on_the_timeline_of_its_case(phone: Callable[..., Page]) -> None:
    told = citizen().post("/api/public/reports", a_report(text="铁东区乐雪社区3号楼楼梯扶手缺失，请安装。"))
    desk = staff("dispatcher")
    desk.act(told["no"], "relocate", area=GRID)
    desk.post(f"/api/cases/{told['no']}/tasks", {"text": "请核实3号楼扶手"})
    page = phone()
    page.get_by_role("link", name="请核实3号楼扶手").click()
    page.context.set_offline(True)

    page.get_by_role("button", name="完成任务").click()
    page.locator("input[data-for=shots][data-kind=camera]").set_input_files(a_photo("darkgreen"))
    page.get_by_label("办理情况").fill("二单元缺三米扶手。")
    page.get_by_role("button", name="完成并提交").click()
    expect(page.get_by_text("已存在本机，等待上传")).to_be_visible()
    page.context.set_offline(False)
    page.get_by_role("navigation").get_by_role("link", name="待传").click()
    expect(page.get_by_text("全部已上传")).to_be_visible(timeout=SOON)

    said = staff("dispatcher").get(f"/api/cases/{told['no']}")["timeline"][-1]
    assert said["verb"] == "note"
    assert "二单元缺三米扶手。" in said["text"]
    assert len(said["files"]) == 1
    page.get_by_role("navigation").get_by_role("link", name="任务").click()
    expect(page.get_by_text("已完成")).to_be_visible(timeout=SOON)


def test_the_end_of_a_session_stops_the_sending_and_nothing_else(phone: Callable[..., Page]) -> None:
    page = phone()
    page.context.clear_cookies()

    report(page, "楼道堆放杂物堵住消防通道")

    expect(page.get_by_text("登录已过期")).to_be_visible(timeout=SOON)
    assert cases() == []
    page.get_by_role("link", name="登录").click()
    expect(page.get_by_label("用户名")).to_have_value(f"grid.{GRID}")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_text("全部已上传")).to_be_visible(timeout=SOON)
    assert len(cases()) == 1


def test_a_queue_is_sent_by_its_owner_alone(phone: Callable[..., Page]) -> None:
    page = phone()
    page.context.set_offline(True)
    report(page, "乱倒建筑垃圾")
    page.context.route("**/api/field/sync", lambda route: route.abort())
    page.context.set_offline(False)
    page.get_by_role("navigation").get_by_role("link", name="我的").click()
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_text("还有 1 条没有上传")).to_be_visible()
    page.get_by_role("button", name="仍要退出").click()
    expect(page.get_by_role("heading", name="网格员登录")).to_be_visible()
    page.context.unroute_all(behavior="ignoreErrors")

    sign_in(page, "grid.2103020060061001")

    expect(page.get_by_text("本机另有 1 条属于其他账号")).to_be_visible(timeout=SOON)
    assert cases() == []


def test_what_was_read_can_be_read_without_a_net(phone: Callable[..., Page]) -> None:
    page = phone()
    expect(page.get_by_text("没有待办任务")).to_be_visible(timeout=SOON)
    page.get_by_role("link", name="辖区热力").click()
    expect(page.locator("figure svg[role=img] path").first).to_be_visible(timeout=SOON)
    page.context.set_offline(True)

    page.reload()

    expect(page.locator("figure svg[role=img] path").first).to_be_visible(timeout=SOON)
    expect(page.get_by_text("现在连不上服务器").first).to_be_visible(timeout=SOON)
    page.get_by_role("navigation").get_by_role("link", name="任务").click()
    expect(page.get_by_text("没有待办任务")).to_be_visible()


def test_the_face_can_be_installed(browser: Browser, server: Server) -> None:
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder:  # a private window can never be installed from
        context = browser.browser_type.launch_persistent_context(
            folder, executable_path=chromium.find_browser(), args=[*sandbox, *chromium.QUIET]
        )
        page = context.new_page()
        page.goto(f"{server.url}/field/")
        governed(page)

        found = context.new_cdp_session(page).send("Page.getInstallabilityErrors")

        context.close()
    assert found["installabilityErrors"] == []


AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


PAGES = ["", "report", "queue", "tasks", "sightings", "area", "patrol", "card", "settings", "sign-in"]


def test_no_page_has_a_serious_fault_of_accessibility(phone: Callable[..., Page]) -> None:
    page = phone()
    bad: list[tuple[str, str, str]] = []

    for path in PAGES:
        page.goto(f"/field/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.wait_for_load_state("networkidle")
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("tags => axe.run({ runOnly: tags })", TAGS)
        grave = [one for one in found["violations"] if one["impact"] in {"serious", "critical"}]
        bad += [(path, one["id"], one["nodes"][0]["html"]) for one in grave]

    assert bad == []


def test_both_languages_say_the_same_things() -> None:
    here = ROOT / "web" / "src" / "field"
    zh, en = (json.loads((here / f"{name}.json").read_text(encoding="utf-8")) for name in ("zh-CN", "en"))

    assert zh.keys() == en.keys()
    names = re.compile(r"\{\w+\}")
    assert {key: set(names.findall(zh[key])) for key in zh} == {key: set(names.findall(en[key])) for key in en}


def test_the_first_load_stays_within_its_budget() -> None:
    page = (STATIC / "field.html").read_text(encoding="utf-8")
    wanted = set(re.findall(r'(?:src|href)="/(assets/[^"]+)"', page))

    size = sum(len(gzip.compress((STATIC / name).read_bytes())) for name in wanted)

    assert 10_000 < size <= 150_000


def test_the_worker_governs_its_own_face_alone(server: Server) -> None:
    import httpx2 as httpx

    worker = httpx.get(f"{server.url}/field/sw.js")
    manifest = httpx.get(f"{server.url}/field/manifest.webmanifest")
    moved = httpx.get(f"{server.url}/field", follow_redirects=False)

    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["cache-control"] == "no-cache"
    assert manifest.headers["content-type"] == "application/manifest+json"
    assert manifest.json()["scope"] == "/field/"
    assert (moved.status_code, moved.headers["location"]) == (307, "/field/")
    for icon in manifest.json()["icons"]:
        drawn = Image.open(BytesIO(httpx.get(server.url + icon["src"]).content))
        assert f"{drawn.width}x{drawn.height}" == icon["sizes"]
