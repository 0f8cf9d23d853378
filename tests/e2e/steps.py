"""What people do on the faces, in the words of the faces."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from shiyu.demo.accounts import PASSWORD
from tests.kit.people import HANDRAIL


def sign_in(page: Page, username: str, path: str = "/desk") -> None:
    """Through the form, as everybody does in the morning."""
    page.goto(path)
    page.get_by_label(re.compile("用户名|账号")).fill(username)
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="登录").click()


def on(page: Page) -> None:
    """To the next question."""
    page.get_by_role("button", name="继续", exact=True).click()


def report(page: Page, photo: Path, text: str = HANDRAIL) -> tuple[str, str]:
    """我要反映, with a picture and the telephone's position; number and code of the receipt."""
    page.goto("/")
    page.get_by_role("link", name="我要反映").click()
    page.get_by_role("textbox", name="事情经过").fill(text)
    expect(page.get_by_text("楼梯扶手缺失")).to_be_visible()
    on(page)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="从相册选择").click()
    chooser.value.set_files(photo)
    expect(page.get_by_role("group", name="有照片吗").get_by_text("已上传", exact=True)).to_be_visible()
    on(page)
    page.get_by_role("button", name="使用我现在的位置").click()
    expect(page.get_by_text("已记录位置")).to_be_visible()
    expect(page.get_by_text("乐雪社区")).to_be_visible()
    on(page)
    page.get_by_label("怎么称呼您").fill("王秀英")
    page.get_by_label("手机或固定电话").fill("13804120001")
    on(page)
    page.get_by_role("button", name="提交诉求").click()
    expect(page.get_by_role("heading", name="已经登记")).to_be_visible()
    return written(page, "诉求编号"), written(page, "查询码").replace(" ", "")


def written(page: Page, term: str) -> str:
    """What stands beside a term of a list of facts."""
    terms = page.get_by_role("term").filter(has_text=re.compile(f"^{term}$"))
    return terms.locator("xpath=following-sibling::dd").inner_text().strip()


def open_case(page: Page, box: str, no: str) -> None:
    """From a box of the desk to one case."""
    page.goto("/desk")
    page.get_by_role("navigation", name="工作箱").get_by_role("link", name=re.compile(f"^{box}")).click()
    page.get_by_role("link", name=no).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(no)


def begin(page: Page, verb: str) -> None:
    """Open the form of a verb."""
    page.get_by_role("region", name="可办理的操作").get_by_role("button", name=verb, exact=True).click()


def finish(page: Page, verb: str) -> None:
    """Send it; the desk says that it was done."""
    page.get_by_role("form", name=verb).get_by_role("button", name=f"提交{verb}").click()
    expect(page.get_by_role("status").filter(has_text=f"已{verb}")).to_be_visible()


def state(page: Page, word: str) -> None:
    """The case on the desk stands so."""
    expect(page.locator("header").get_by_text(word, exact=True).first).to_be_visible()


def finish_task(page: Page, task: str, words: str, photo: Path) -> None:
    """The grid worker opens a task on the phone and finishes it with a picture; it reaches the server."""
    page.get_by_role("link", name=task).click()
    page.get_by_role("button", name="完成任务").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="拍照").click()
    chooser.value.set_files(photo)
    expect(page.get_by_alt_text("照片 1")).to_be_visible()
    page.get_by_label("办理情况").fill(words)
    with page.expect_response(lambda answer: answer.url.endswith("/api/field/sync") and answer.ok):
        page.get_by_role("button", name="完成并提交").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("网格任务")


def give_task(page: Page, words: str) -> None:
    """An office asks the grid of the case."""
    tasks = page.get_by_role("region", name="网格任务")
    tasks.get_by_role("button", name="交给网格").click()
    tasks.get_by_label("任务要求").fill(words)
    tasks.get_by_role("button", name="指派任务").click()
    expect(tasks.get_by_text("待接受")).to_be_visible()
