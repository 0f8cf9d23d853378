"""Pictures of every face, to be looked at: ``python -m tests.kit.screenshots [folder]``, by default ``screenshots/``.

Desktop and telephone, Chinese and English, over a database of its own with the synthetic city and a handful of cases.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from shiyu.demo.accounts import PASSWORD
from shiyu.kernel import db, logs
from tests.kit import browser as chromium
from tests.kit import postgres, scenes
from tests.kit.scenes import GRID, HANDRAIL, LEAD, Scenes
from tests.kit.server import live_server

DESKTOP, PHONE = (1440, 900), (390, 844)
WALLS = ((1920, 1080), (3840, 2160))
LANGUAGES = {"zh": "zh-CN", "en": "en"}


class Camera:
    """Windows on one server, and the folder that their pictures go to."""

    def __init__(self, browser: Browser, url: str, folder: Path, lang: str) -> None:
        self.browser, self.url, self.folder, self.lang = browser, url, folder, lang

    @contextmanager
    def window(self, size: tuple[int, int], username: str | None = None) -> Iterator[Page]:
        """A window of somebody who has signed in, or of nobody."""
        context = self.browser.new_context(
            base_url=self.url,
            locale=LANGUAGES[self.lang],
            timezone_id="Asia/Shanghai",
            viewport={"width": size[0], "height": size[1]},
            is_mobile=size == PHONE,
            has_touch=size == PHONE,
            reduced_motion="reduce",
        )
        context.add_init_script(f"localStorage.setItem('shiyu.lang', JSON.stringify('{LANGUAGES[self.lang]}'))")
        if username:
            _enter(context, username)
        try:
            yield context.new_page()
        finally:
            context.close()

    def take(self, page: Page, name: str, path: str | None = None, *, whole: bool = True) -> None:
        """A picture of the whole page, or of what the window shows."""
        if path:
            page.goto(path)
        page.locator("h1").first.wait_for()
        page.wait_for_load_state("networkidle")
        size = page.viewport_size or {"width": 0}
        kind = "phone" if size["width"] == PHONE[0] else str(size["width"])
        file = self.folder / f"{name}-{kind}-{self.lang}.png"
        page.screenshot(path=file, full_page=whole)
        print(file)  # noqa: T201 - a command that says what it made


def _enter(context: BrowserContext, username: str) -> None:
    answer = context.request.post("/api/sign-in", data={"username": username, "password": PASSWORD})
    if not answer.ok:
        raise RuntimeError(answer.text())


def citizen(camera: Camera, made: Scenes, size: tuple[int, int]) -> None:
    """The citizen's pages, step by step."""
    with camera.window(size) as page:
        camera.take(page, "citizen-home", "/")
        page.goto("/report")
        page.get_by_role("textbox").fill(HANDRAIL)
        page.locator(".understood strong").first.wait_for()
        for name in ("what", "photos", "where", "who"):
            camera.take(page, f"citizen-{name}")
            if name == "who":
                page.locator("#phone").fill("13804120001")
            page.locator("form button[type=submit]").click()
            page.wait_for_load_state("networkidle")
        camera.take(page, "citizen-check")
        camera.take(page, "citizen-track", "/track")
        camera.take(page, "citizen-replied", f"/case/{made.replied}#t={made.replied_token}")
        camera.take(page, "citizen-handling", f"/case/{made.handling}#t={made.handling_token}")
        camera.take(page, "citizen-access", "/accessibility")


def receipt(camera: Camera, size: tuple[int, int]) -> None:
    """The receipt of one report, and how it is printed; makes a case."""
    with camera.window(size) as page:
        page.goto("/report")
        page.get_by_role("textbox").fill("路灯不亮，铁东区乐雪社区门口，晚上看不清路。")
        for _ in range(3):
            page.locator("form button[type=submit]").click()
            page.wait_for_load_state("networkidle")
        page.locator("input[type=radio]").last.check()
        for path in ("**/check", "**/done"):
            page.locator("form button[type=submit]").click()
            page.wait_for_url(path)
        camera.take(page, "citizen-done")
        page.emulate_media(media="print")
        camera.take(page, "citizen-done-printed")


def desk(camera: Camera, made: Scenes, size: tuple[int, int]) -> None:
    """The desk of the centre, of an office, of the administrators."""
    with camera.window(size) as page:
        camera.take(page, "desk-sign-in", "/desk")
    with camera.window(size, "dispatcher") as page:
        camera.take(page, "desk-list", "/desk/")
        camera.take(page, "desk-case-unclear", f"/desk/case/{made.unclear}")
        page.goto("/desk/new")
        page.locator("#new-text").fill(HANDRAIL)
        page.locator("[aria-labelledby=suggestion]").wait_for()
        camera.take(page, "desk-new")
        page.goto("/desk/oversight")
        page.locator("svg[role=img]").wait_for()
        camera.take(page, "desk-oversight")
    with camera.window(size, LEAD) as page:
        page.goto(f"/desk/case/{made.handling}")
        page.locator(".actions button").first.click()
        page.locator("[aria-labelledby=tasks] > button.link").click()
        camera.take(page, "desk-case-form")
        camera.take(page, "desk-case", f"/desk/case/{made.replied}")
        page.emulate_media(media="print")
        camera.take(page, "desk-case-printed")
    for username, path in (("security", "accounts"), ("audit", "audit")):
        with camera.window(size, username) as page:
            page.goto(f"/desk/{path}")
            page.locator("table.plain").wait_for()
            camera.take(page, f"desk-{path}", whole=False)


def field(camera: Camera) -> None:
    """The grid worker's telephone."""
    with camera.window(PHONE) as page:
        camera.take(page, "field-sign-in", "/field/sign-in")
        page.locator("#username").fill(f"grid.{GRID}")
        page.locator("#password").fill(PASSWORD)
        page.locator("form button[type=submit]").click()
        page.get_by_role("navigation").wait_for()
        for path in ("", "report", "queue", "tasks", "sightings", "area", "settings"):
            camera.take(page, f"field-{path or 'home'}", f"/field/{path}")
        page.goto("/field/tasks")
        page.locator("a.card").first.click()
        camera.take(page, "field-task")


def screen(camera: Camera) -> None:
    """The wall."""
    for size in WALLS:
        with camera.window(size, "display") as page:
            page.goto("/screen")
            page.locator("section.feed").wait_for()
            camera.take(page, "screen", whole=False)


def main(folder: Path, only: str = "") -> None:
    """All pictures, or those of the faces whose name fits ``only``."""
    folder.mkdir(parents=True, exist_ok=True)
    postgres.begin_run()  # names the data directory: before anything reads the settings
    logs.set_up("WARNING")
    try:
        with postgres.cluster() as server, postgres.copy_of(server, postgres.template(server, "city")) as url:
            db.bind(url)
            made = scenes.build()
            with live_server(url) as running, sync_playwright() as playwright:
                browser = chromium.launch(playwright)
                for lang in LANGUAGES:
                    camera = Camera(browser, running.url, folder, lang)
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
                browser.close()
            db.unbind()
    finally:
        postgres.end_run()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots"), *sys.argv[2:3])
