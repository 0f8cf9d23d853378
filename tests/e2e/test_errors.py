"""What people see when something goes wrong: nothing they wrote is lost, and the page says what is the matter."""

import re

from playwright.sync_api import Page, expect

from tests.e2e import steps
from tests.e2e.conftest import Visit
from tests.kit.people import HANDRAIL, a_report, citizen, staff
from tests.kit.scenes import LEAD


def a_case() -> str:
    return citizen().post("/api/public/reports", a_report())["no"]


def writing(page: Page, no: str, verb: str, words: str) -> None:
    page.goto(f"/desk/case/{no}")
    steps.begin(page, verb)
    page.get_by_role("form", name=verb).get_by_role("textbox").first.fill(words)


def test_a_session_that_ends_while_somebody_writes_costs_no_word(visit: Visit) -> None:
    no = a_case()
    page = visit(LEAD)
    writing(page, no, "备注", "已联系物业，明早一起上楼查看。")
    page.context.clear_cookies()

    page.get_by_role("button", name="提交备注").click()

    dialog = page.get_by_role("dialog", name="登录已过期")
    expect(dialog).to_be_visible()
    dialog.get_by_label("密码").fill(steps.PASSWORD)
    dialog.get_by_role("button", name="登录").click()
    expect(page.get_by_role("region", name="办理经过").get_by_text("已联系物业，明早一起上楼查看。")).to_be_visible()


def test_who_writes_on_an_old_version_is_shown_what_changed(visit: Visit) -> None:
    no = a_case()
    page = visit(LEAD)
    page.route("**/api/live*", lambda route: route.abort())  # news does not come: only the server's refusal tells
    writing(page, no, "备注", "先备注一句。")
    staff(LEAD).act(no, "sign")

    page.get_by_role("button", name="提交备注").click()

    expect(page.get_by_text("您填写期间，这件工单有了变化。")).to_be_visible()
    expect(page.get_by_text("状态：待签收 → 办理中")).to_be_visible()
    expect(page.get_by_role("form", name="备注").get_by_role("textbox").first).to_have_value("先备注一句。")
    page.get_by_role("button", name="提交备注").click()
    expect(page.get_by_role("region", name="办理经过").get_by_text("先备注一句。")).to_be_visible()


def test_a_citizen_who_goes_offline_keeps_what_he_wrote_and_sends_it_later(visit: Visit) -> None:
    page = visit(phone=True)
    page.goto("/report")
    page.get_by_role("textbox", name="事情经过").fill(HANDRAIL)
    steps.on(page)
    page.get_by_role("button", name="没有照片，继续").click()
    steps.on(page)
    page.get_by_role("radio", name=re.compile("^匿名")).check()
    steps.on(page)
    page.context.set_offline(True)

    page.get_by_role("button", name="提交诉求").click()

    expect(page.get_by_role("alert")).to_contain_text("网络不通")
    expect(page.get_by_text("网络已断开")).to_be_visible()
    expect(page.get_by_text(HANDRAIL)).to_be_visible()
    page.context.set_offline(False)
    page.get_by_role("button", name="提交诉求").click()
    expect(page.get_by_role("heading", name="已经登记")).to_be_visible()
    assert len(staff("supervisor").get("/api/cases")["rows"]) == 1


def test_a_wrong_code_says_so_and_tells_nothing_else(visit: Visit) -> None:
    no = a_case()
    page = visit(phone=True)
    page.goto("/track")
    page.get_by_label("诉求编号").fill(no)
    page.get_by_label("查询码").fill("abcde 23456")

    page.get_by_role("button", name="查询").click()

    expect(page.get_by_role("alert")).to_contain_text("没有查到")


def test_a_code_may_be_typed_as_it_was_read_out(visit: Visit) -> None:
    told = citizen().post("/api/public/reports", a_report())
    page = visit(phone=True)
    page.goto("/track")
    page.get_by_label("诉求编号").fill(told["no"].lower())
    page.get_by_label("查询码").fill(f"{told['token'][:5]} {told['token'][5:]}".lower())

    page.get_by_role("button", name="查询").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text(told["no"])


def test_a_grant_holds_at_an_office(visit: Visit) -> None:
    page = visit("security")
    page.goto("/desk/accounts")
    page.get_by_role("button", name="新建账号").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("用户名").fill("new.hand")
    dialog.get_by_label("姓名").fill("演示新人")
    dialog.get_by_label("初始密码").fill("Long-Enough-2026")
    dialog.get_by_role("combobox", name="岗位").click()
    dialog.get_by_role("option", name="承办", exact=False).first.click()
    dialog.get_by_role("combobox", name="单位").fill("铁东区住房")
    dialog.get_by_role("option", name="铁东区住房").first.click()
    dialog.get_by_role("button", name="创建").click()

    expect(dialog).to_be_hidden()
    search = page.get_by_role("textbox", name="查找用户名或姓名")
    search.fill("new.hand")
    search.press("Enter")
    expect(page.get_by_role("row").filter(has_text="演示新人")).to_contain_text("铁东区住房和城乡建设局")


def test_a_wrong_address_is_a_page_for_people_and_a_problem_for_programs(visit: Visit) -> None:
    page = visit()

    answer = page.goto("/no-such-page")

    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name="没有这个页面")).to_be_visible()
    told = page.request.get("/api/no-such-route", headers={"Accept": "text/html"})
    assert (told.status, told.json()["code"]) == (404, "web.no_route")
