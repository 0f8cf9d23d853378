"""The knowledge base on the faces: an agent finds, copies and uses; an office writes; a citizen is answered before he reports."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from shiyu.demo import knowledge, people
from shiyu.kernel import clock, db
from tests.e2e.conftest import Visit, opener
from tests.kit.axe import grave
from tests.kit.people import staff
from tests.kit.server import live_server
from tests.services.shelf import OWNER

SAID = "您好，我的社保卡丢了，想问问去哪里补办"


@pytest.fixture
def visit(browser: Browser, city: str) -> Iterator[Visit]:
    """People who come to a city with some answers on its shelf."""
    expect.set_options(timeout=15_000)
    with db.reading() as s:
        cast = people.cast(s)
    knowledge.fill(cast, clock.now())
    opened: list[BrowserContext] = []
    with live_server(city) as server:
        yield opener(browser, server.url, opened)
        for context in opened:
            context.close()


def box(page: Page, label: str) -> None:
    page.get_by_role("button", name=label, exact=True).click()


def test_an_agent_copies_an_answer_while_writing_and_its_use_is_recorded(visit):
    page = visit("agent", permissions=["clipboard-read", "clipboard-write"])
    page.goto("/desk/new")
    page.get_by_label("来电内容").fill(SAID)
    panel = page.get_by_role("region", name="知识库答案")
    expect(panel.get_by_text("社会保障卡丢失后怎么补办？")).to_be_visible()
    panel.get_by_role("button", name="复制答复").first.click()
    assert "先挂失" in page.evaluate("navigator.clipboard.readText()")
    assert grave(page) == []
    page.get_by_role("button", name=re.compile("登记")).click()
    expect(page).to_have_url(re.compile("/desk/case/"))

    page.goto("/desk/knowledge")
    page.get_by_role("link", name="社会保障卡丢失后怎么补办？").click()
    expect(page.get_by_text("已引用 1 次")).to_be_visible()


def test_an_agent_notes_what_has_no_answer(visit):
    page = visit("agent")
    page.goto("/desk/new")
    page.get_by_label("来电内容").fill("楼下要建充电站，想了解选址规划")
    box(page, "记为未答问题")
    expect(page.get_by_text("已记为未答问题")).to_be_visible()

    page.goto("/desk/knowledge")
    page.get_by_role("link", name="未答问题").click()
    expect(page.get_by_text("选址规划")).to_be_visible()
    assert grave(page) == []


def test_an_office_writes_and_the_centre_publishes(visit):
    page = visit(OWNER)
    page.goto("/desk/knowledge")
    box(page, "新建条目")
    box(page, "保存草稿")
    expect(page.get_by_role("link", name="请填写答复")).to_be_visible()
    page.get_by_label(re.compile("^问题")).fill("老旧小区加装扶手找谁申请？")
    page.get_by_label("答复", exact=True).fill("向所在社区提出，由区住建部门核实后统一安装。")
    page.get_by_label(re.compile("^办理步骤")).fill("向社区提出\n等待核实")
    assert grave(page) == []
    box(page, "保存草稿")
    expect(page.get_by_role("heading", name="老旧小区加装扶手找谁申请？")).to_be_visible()
    box(page, "送审")
    expect(page.get_by_text("待审", exact=True)).to_be_visible()

    centre = visit("dispatcher")
    centre.goto(page.url)
    box(centre, "退回修改")
    expect(centre.get_by_text("请写明理由后再提交").first).to_be_visible()
    box(centre, "发布")
    expect(centre.get_by_text("第 1 版").first).to_be_visible()
    assert grave(centre) == []


def test_what_changed_is_shown_before_and_after_publishing(visit):
    entry = staff("agent").get("/api/knowledge", text="社会保障卡丢失")["rows"][0]
    page = visit("agent")
    page.goto(f"/desk/knowledge/{entry['no']}")
    box(page, "修订")
    box(page, "修改")
    page.get_by_label("答复", exact=True).fill("先挂失，再补办。凭身份证当场领取。")
    box(page, "保存")
    expect(page.get_by_role("heading", name="正在修改的内容")).to_be_visible()
    expect(page.locator("ins").first).to_contain_text("凭身份证当场领取。")
    expect(page.locator("del").first).to_be_visible()
    assert grave(page) == []


def test_a_citizen_is_answered_before_he_reports(visit):
    page = visit(phone=True)
    page.goto("/report")
    page.get_by_role("textbox", name="事情经过").fill(SAID)
    expect(page.get_by_role("heading", name="也许这就是您要找的答案")).to_be_visible()
    page.get_by_text("社会保障卡丢失后怎么补办？").click()
    expect(page.get_by_text("带身份证到就近的服务银行网点")).to_be_visible()
    assert grave(page) == []
    box(page, "已解决我的问题")
    expect(page.get_by_text("很高兴帮到您")).to_be_visible()
    assert staff("agent").get("/api/knowledge", text="社会保障卡丢失")["rows"][0]["uses"] == 1


def test_a_citizen_whose_trouble_has_no_answer_sees_nothing(visit):
    page = visit(phone=True)
    page.goto("/report")
    with page.expect_response(re.compile("/api/public/knowledge")):
        page.get_by_role("textbox", name="事情经过").fill("铁东区乐雪社区3号楼楼梯扶手缺失")
    expect(page.get_by_text("也许这就是您要找的答案")).to_have_count(0)


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_the_pages_keep_nobody_out_in_either_language_and_on_a_phone(visit, lang):
    for phone in (False, True):
        page = visit("dispatcher", lang=lang, phone=phone)
        for path in (
            "/desk/knowledge",
            "/desk/knowledge?tab=questions",
            "/desk/knowledge?tab=feedback",
            "/desk/knowledge/K-000001",
        ):
            page.goto(path)
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            page.wait_for_load_state("networkidle")
            assert grave(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_an_entry_that_is_not_there_says_so(visit):
    page = visit("agent")
    page.goto("/desk/knowledge/K-999999")
    expect(page.get_by_role("alert")).to_contain_text("没有这个知识条目")
