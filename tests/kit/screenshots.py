"""Pictures of every face, to be looked at: ``python -m tests.kit.screenshots [folder [face]]``, by default ``screenshots/``.

Desktop and telephone, Chinese and English, over a database of its own with the synthetic city and a handful of cases.
The second word is a pattern of faces: ``citizen``, ``desk``, ``field``, ``screen``.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import select, update

from shiyu.channels.seed import seed as register_channels
from shiyu.demo import knowledge
from shiyu.demo.accounts import PASSWORD
from shiyu.demo.people import cast
from shiyu.directory import orgs, posts
from shiyu.directory.gazetteer import gazetteer
from shiyu.directory.people import Person
from shiyu.directory.places import Area
from shiyu.field import patrols
from shiyu.kernel import clock, db, logs
from shiyu.kernel.auth import SYSTEM, Account
from tests.kit import browser as chromium
from tests.kit import postgres, scenes
from tests.kit.people import deliver, staff
from tests.kit.scenes import GRID, HANDRAIL, LEAD, Scenes
from tests.kit.server import live_server

DESKTOP, PHONE = (1440, 900), (390, 844)
WALLS = ((1920, 1080), (3840, 2160), PHONE)
LANGUAGES = {"zh": "zh-CN", "en": "en"}
COUNTY = "210302"
BUILT = date(2026, 1, 5)
"""The day on which the city of the tests is built: its rosters lie around it."""
SAID = (
    "路灯不亮，晚上走路看不清，请尽快修复。",
    "路口井盖破损，车辆经过时响声很大，担心有人掉下去。",
    "垃圾桶满了好几天没有清运，气味很大。",
    "小区暖气不热，室内只有十五度，老人孩子都受不了，多次联系供热公司没有结果，希望协调解决。",
    "工地夜间施工噪声扰民，影响休息。",
)


class Camera:
    """Windows on one server, and the folder that their pictures go to."""

    def __init__(
        self, browser: Browser, url: str, folder: Path, lang: str, here: dict[str, float], photo: Path
    ) -> None:
        self.browser, self.url, self.folder, self.lang = browser, url, folder, lang
        self.here, self.photo = here, photo

    @contextmanager
    def window(self, size: tuple[int, int], username: str | None = None, *, elder: bool = False) -> Iterator[Page]:
        """A window of somebody who has signed in, or of nobody; with ``elder``, in large type."""
        context = self.browser.new_context(
            base_url=self.url,
            locale=LANGUAGES[self.lang],
            timezone_id="Asia/Shanghai",
            viewport={"width": size[0], "height": size[1]},
            is_mobile=size == PHONE,
            has_touch=size == PHONE,
            reduced_motion="reduce",
            geolocation=self.here,
            permissions=["geolocation"],
        )
        context.add_init_script(f"localStorage.setItem('shiyu.lang', JSON.stringify('{LANGUAGES[self.lang]}'))")
        if elder:
            context.add_init_script("localStorage.setItem('shiyu.elder', 'true')")
        if username:
            _enter(context, username)
        try:
            yield context.new_page()
        finally:
            context.close()

    def take(self, page: Page, name: str, path: str | None = None, *, whole: bool = True, grown: bool = True) -> None:
        """A picture of the whole page, in a window ``grown`` as high as the page is; or of what the window shows."""
        if path:
            page.goto(path)
        page.locator("h1").first.wait_for()
        page.wait_for_load_state("networkidle")
        size = page.viewport_size or {"width": 0, "height": 0}
        kind = "phone" if size["width"] == PHONE[0] else str(size["width"])
        file = self.folder / f"{name}-{kind}-{self.lang}.png"
        for _ in range(2 if whole and grown else 0):  # what is measured in windows grows with the window
            height = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": size["width"], "height": max(size["height"], height)})
        page.screenshot(path=file, full_page=whole)
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        print(file)  # noqa: T201 - a command that says what it made

    def choose(self, page: Page, press: Callable[[], None]) -> None:
        """Choose the photo in the file dialog that ``press`` opens."""
        with page.expect_file_chooser() as chooser:
            press()
        chooser.value.set_files(self.photo)


def _enter(context: BrowserContext, username: str) -> None:
    answer = context.request.post("/api/sign-in", data={"username": username, "password": PASSWORD})
    if not answer.ok:
        raise RuntimeError(answer.text())


def _on(page: Page) -> None:
    page.locator("form button[type=submit]").click()
    page.wait_for_load_state("networkidle")


def citizen(camera: Camera, made: Scenes, size: tuple[int, int]) -> None:
    """The citizen's pages, step by step, with what goes wrong."""
    with camera.window(size) as page:
        camera.take(page, "citizen-home", "/")
        page.goto("/report")
        _on(page)
        camera.take(page, "citizen-what-wrong")
        page.goto("/report")
        page.get_by_role("textbox").fill(HANDRAIL)
        page.locator(".understood strong").first.wait_for()
        camera.take(page, "citizen-what")
        _on(page)
        camera.choose(page, page.locator("main button.second").first.click)
        page.wait_for_load_state("networkidle")
        camera.take(page, "citizen-photos")
        _on(page)
        page.locator("main button.second").first.click()
        page.locator(".found strong").nth(1).wait_for()
        camera.take(page, "citizen-where")
        _on(page)
        camera.take(page, "citizen-who")
        _on(page)
        camera.take(page, "citizen-who-wrong")
        page.locator("#phone").fill("13804120001")
        _on(page)
        camera.take(page, "citizen-check")
        camera.take(page, "citizen-home-begun", "/")
        camera.take(page, "citizen-track", "/track")
        _on(page)
        camera.take(page, "citizen-track-wrong")
        page.locator("#no").fill("AS-2026-999999")
        page.locator("#secret").fill("0000")
        _on(page)
        camera.take(page, "citizen-track-unknown")
        camera.take(page, "citizen-replied", f"/case/{made.replied}#t={made.replied_token}")
        camera.take(page, "citizen-handling", f"/case/{made.handling}#t={made.handling_token}")
        page.locator(".more button").first.click()
        camera.take(page, "citizen-supplement")
        page.locator(".more button.danger").click()
        camera.take(page, "citizen-withdraw", whole=False)
        camera.take(page, "citizen-access", "/accessibility")
        camera.take(page, "citizen-privacy", "/privacy")
        camera.take(page, "citizen-lost", "/help/no-such-page")
        page.goto("/grid")
        page.locator("form button[type=submit]").click()
        camera.take(page, "citizen-grid")
    with camera.window(size, elder=True) as page:
        camera.take(page, "citizen-elder-home", "/")
        page.goto("/report")
        page.get_by_role("textbox").fill(HANDRAIL)
        page.locator(".understood strong").first.wait_for()
        camera.take(page, "citizen-elder-what")
        camera.take(page, "citizen-elder-replied", f"/case/{made.replied}#t={made.replied_token}")


def receipt(camera: Camera, size: tuple[int, int]) -> None:
    """The receipt of one report, and how it is printed; makes a case."""
    with camera.window(size) as page:
        page.goto("/report")
        page.get_by_role("textbox").fill("路灯不亮，铁东区乐雪社区门口，晚上看不清路。")
        for _ in range(3):
            _on(page)
        page.locator("input[type=radio]").last.check()
        for path in ("**/check", "**/done"):
            page.locator("form button[type=submit]").click()
            page.wait_for_url(path)
        camera.take(page, "citizen-done")
        page.emulate_media(media="print")
        camera.take(page, "citizen-done-printed")
        page.emulate_media(media="screen")
        camera.take(page, "citizen-home-mine", "/")


def desk(camera: Camera, made: Scenes, size: tuple[int, int]) -> None:
    """The desk of the centre, of an office, of the call-back staff, of the administrators."""
    with camera.window(size) as page:
        camera.take(page, "desk-sign-in", "/desk")
        page.locator("input").first.fill("dispatcher")
        page.locator("input[type=password]").fill("wrong")
        _on(page)
        page.locator(".notice").wait_for()
        camera.take(page, "desk-sign-in-wrong")
    with camera.window(size, "dispatcher") as page:
        _dispatcher(camera, made, size, page)
    with camera.window(size, LEAD) as page:
        page.goto(f"/desk/case/{made.handling}")
        page.locator(".actions button").first.click()
        page.locator("[aria-labelledby=tasks] > button.link").click()
        camera.take(page, "desk-case-form")
        page.locator(".reporter button.link").click()
        camera.take(page, "desk-reveal", whole=False)
        camera.take(page, "desk-case", f"/desk/case/{made.replied}")
        page.emulate_media(media="print")
        camera.take(page, "desk-case-printed")
        page.emulate_media(media="screen")
        camera.take(page, "desk-account", "/desk/account")
    with camera.window(size, "caller") as page:
        page.goto(f"/desk/case/{made.replied}")
        page.locator(".actions button").first.click()
        page.locator("form.verb").wait_for()
        camera.take(page, "desk-call-back")
    with camera.window(size, "system") as page:
        page.goto("/desk/channels")
        page.locator("table").first.wait_for()
        camera.take(page, "desk-channels", whole=False)
        camera.take(page, "desk-channel", "/desk/channels/hotline")
    for username, path in (("security", "accounts"), ("audit", "audit")):
        with camera.window(size, username) as page:
            page.goto(f"/desk/{path}")
            page.locator("table.plain").wait_for()
            camera.take(page, f"desk-{path}", whole=False)
            if path == "accounts":
                page.locator("main .head button").click()
                camera.take(page, "desk-account-new", whole=False)


def _dispatcher(camera: Camera, made: Scenes, size: tuple[int, int], page: Page) -> None:
    page.goto("/desk/")
    page.locator(".cases").wait_for()
    camera.take(page, "desk-list", whole=False)
    page.locator(".filters .link").first.click()
    camera.take(page, "desk-list-filters", whole=False)
    if size == PHONE:
        page.locator("button.menu").click()
        camera.take(page, "desk-menu", whole=False)
    else:
        page.locator("button.keys").click()
        camera.take(page, "desk-keys", whole=False)
    camera.take(page, "desk-list-empty", "/desk/?q=nothing-is-like-this")
    camera.take(page, "desk-case-unclear", f"/desk/case/{made.unclear}")
    page.goto(f"/desk/case/{made.overdue}")
    page.locator("form.verb").wait_for()
    camera.take(page, "desk-dispatch")
    page.goto("/desk/?q=井盖")
    page.locator(".cases a").first.click()
    page.locator("[aria-labelledby=place] button").click()
    page.locator("canvas").wait_for()
    page.wait_for_timeout(1500)  # the map draws itself
    camera.take(page, "desk-case-map")
    camera.take(page, "desk-case-missing", "/desk/case/AS-2026-999999")
    page.goto("/desk/new")
    page.locator("#new-text").fill(HANDRAIL)
    page.locator("[aria-labelledby=suggestion]").wait_for()
    camera.take(page, "desk-new")
    page.goto("/desk/oversight")
    page.locator("svg[role=img]").wait_for()
    camera.take(page, "desk-oversight")
    camera.take(page, "desk-lost", "/desk/no-such-page")
    for path in ("knowledge", "posts"):
        page.goto(f"/desk/{path}")
        page.locator("table").first.wait_for()
        camera.take(page, f"desk-{path}")
    camera.take(page, "desk-case-recused", f"/desk/case/{made.confidential}")


def field(camera: Camera) -> None:
    """The grid worker's telephone, with and without a signal."""
    with camera.window(PHONE) as page:
        camera.take(page, "field-sign-in", "/field/sign-in")
        page.locator("form button[type=submit]").click()
        camera.take(page, "field-sign-in-wrong")
        page.locator("#username").fill(f"grid.{GRID}")
        page.locator("#password").fill(PASSWORD)
        page.locator("form button[type=submit]").click()
        page.get_by_role("navigation").wait_for()
        for path in ("", "report", "queue", "tasks", "sightings", "area", "patrol", "card", "settings"):
            camera.take(page, f"field-{path or 'home'}", f"/field/{path}")
        page.goto("/field/tasks")
        page.locator("a.card").first.click()
        camera.take(page, "field-task")
        page.locator("main button.wide").nth(1).click()
        camera.take(page, "field-task-done")
        page.goto("/field/report")
        page.locator("form button[type=submit]").click()
        camera.take(page, "field-report-wrong")
        page.goto("/field/report")
        page.context.set_offline(True)
        camera.choose(page, page.locator("main form button").first.click)
        page.locator("main form img").first.wait_for()
        page.locator("#text").fill("3号楼2单元楼道堆放旧家具，堵住消防通道。")
        camera.take(page, "field-report-filled")
        page.locator("form button[type=submit]").click()
        page.locator("nav.nav").wait_for()
        page.locator("nav.nav a").nth(3).click()
        camera.take(page, "field-queue-waiting")
        page.locator("nav.nav a").first.click()
        camera.take(page, "field-home-offline")
        page.locator("nav.nav a").nth(4).click()
        page.locator("[role=switch], main input[type=checkbox]").first.click()
        camera.take(page, "field-settings-elder")
        page.locator("nav.nav a").first.click()
        camera.take(page, "field-home-elder")


def screen(camera: Camera) -> None:
    """The wall."""
    with camera.window(WALLS[0]) as page:
        camera.take(page, "screen-sign-in", "/screen", whole=False)
    for size in WALLS:
        with camera.window(size, "display") as page:
            for name, path in (("screen", "/screen"), ("screen-county", f"/screen?area={COUNTY}")):
                page.goto(path)
                page.locator("section.feed").wait_for()
                page.locator(".link[data-link=live]").wait_for()
                page.locator("canvas").wait_for()
                page.wait_for_timeout(1500)  # the map draws itself
                camera.take(page, name, whole=size == PHONE, grown=False)
            page.locator(".tools button").last.click()
            page.wait_for_timeout(1500)
            camera.take(page, "screen-towns", whole=False)


def _inside(code: str) -> dict[str, float]:
    with db.reading() as s:
        lineage = gazetteer(s).by_code(code)
        assert lineage is not None
        point = gazetteer(s).boundary(lineage.area_id).representative_point()
    return {"lon": point.x, "lat": point.y}


def _fill(made: Scenes) -> None:
    """What the scenes lack for pictures: cases on the map, in many towns; what a grid worker saw; who is on duty;
    a grid's post and patrol plan, the channels, answers to questions, an office that must step back.
    """
    with db.reading() as s:
        grids = list(s.scalars(select(Area.code).where(Area.level == "grid").order_by(Area.code)))
    now = clock.now()
    for number, code in reversed(list(enumerate([GRID, GRID, *grids[::5]]))):
        with clock.at(now - timedelta(hours=1 + 2.3 * number)):
            phone = f"1380413{number:04}"
            scenes.report(SAID[number % len(SAID)], phone, position=_inside(code), address=f"{number + 1}号楼附近")
    worker = staff(f"grid.{GRID}")
    seen: list[dict[str, Any]] = [
        {"text": "楼道堆放纸箱和旧家具，堵住通道。", "urgency": "urgent"},
        {"text": "单元门口积雪结冰，已撒融雪剂清除。", "solved_on_spot": True, "solved_text": "已清除。"},
    ]
    for item in seen:
        files = [scenes.upload(worker, "/api/files", scenes.a_photo(item["text"]))]
        scenes.phone_says(worker, type="sighting", position=_inside(GRID), files=files, **item)
    with db.transaction() as s:
        register_channels(s)
        grid = s.scalars(select(Area).where(Area.code == GRID)).one()
        person = s.scalars(
            select(Person).join(Account, Account.id == Person.account_id).where(Account.username == f"grid.{GRID}")
        ).one()
        shown = posts.Shown(public_name=person.name, telephone=True)
        posts.fill(s, SYSTEM, kind="designated", area=grid, person=person, valid_from=posts.today(), shown=shown)
        patrols.plan(s, SYSTEM, area=grid, name="日常巡查", days_a_week=3, reach=150, valid_from=posts.today())
    with db.reading() as s:
        everybody = cast(s)
    knowledge.fill(everybody, now - timedelta(days=20))
    staff("supervisor").act(
        made.confidential, "bar", org=LEAD.removeprefix("handle."), accused=True, text="反映的正是该单位。"
    )
    with db.transaction() as s:
        s.execute(update(orgs.Roster).values(day=orgs.Roster.day + (orgs.today() - BUILT).days))
    deliver()


def main(folder: Path, only: str = "") -> None:
    """All pictures, or those of the faces whose name fits ``only``."""
    folder.mkdir(parents=True, exist_ok=True)
    postgres.begin_run()  # names the data directory: before anything reads the settings
    logs.set_up("WARNING")
    try:
        with postgres.cluster() as server, postgres.copy_of(server, postgres.template(server, "city")) as url:
            db.bind(url)
            made = scenes.build()
            _fill(made)
            point = _inside(GRID)
            here = {"longitude": point["lon"], "latitude": point["lat"], "accuracy": 8}
            with live_server(url) as running, sync_playwright() as playwright, TemporaryDirectory() as held:
                photo = Path(held, "photo.jpg")
                photo.write_bytes(scenes.a_photo())
                browser = chromium.launch(playwright)
                for lang in LANGUAGES:
                    _all(Camera(browser, running.url, folder, lang, here, photo), made, only)
                browser.close()
            db.unbind()
    finally:
        postgres.end_run()


def _all(camera: Camera, made: Scenes, only: str) -> None:
    for size in (DESKTOP, PHONE):
        if re.search(only, "citizen"):
            citizen(camera, made, size)
        if re.search(only, "desk"):
            desk(camera, made, size)
    if re.search(only, "field"):
        field(camera)
    if re.search(only, "screen"):
        screen(camera)
    if re.search(only, "citizen"):
        receipt(camera, PHONE)
        deliver()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots"), *sys.argv[2:3])
