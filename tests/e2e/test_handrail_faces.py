"""The handrails of 乐雪社区 through every face, in a real browser: reported, signed, asked of the grid, mended, answered, judged, seen."""

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e import steps
from tests.e2e.conftest import Visit
from tests.kit.people import deliver
from tests.kit.scenes import GRID, HELPER, LEAD


def test_the_handrail_goes_through_every_face(visit: Visit, here: dict[str, float], pictures: dict[str, Path]) -> None:
    # given a wall that shows the city, and a citizen in the stairwell
    wall = visit("display", viewport={"width": 1920, "height": 1080})
    wall.goto("/screen")
    feed = wall.get_by_role("region", name="最新动态")
    expect(feed).to_be_visible()
    citizen = visit(phone=True, geolocation=here, permissions=["geolocation"])

    # when it is reported
    no, code = steps.report(citizen, pictures["before"])

    # then there is a number, a code that can be read out, and a day
    assert re.fullmatch(r"AS-\d{4}-\d{6}", no)
    assert re.fullmatch(r"[0-9A-Z]{10}", code)
    assert re.search(r"\d{4}年\d{1,2}月\d{1,2}日", steps.written(citizen, "最迟答复"))
    assert "住" in steps.written(citizen, "承办单位")

    # when the office signs, and asks the grid
    office = visit()
    steps.sign_in(office, LEAD)
    expect(office.get_by_role("navigation", name="工作箱")).to_be_visible()
    steps.open_case(office, "待签收", no)
    expect(office.get_by_role("button", name="查看图片 1").first).to_be_visible()
    steps.begin(office, "签收")
    steps.finish(office, "签收")
    steps.state(office, "办理中")
    steps.give_task(office, "到2单元数一下缺几层扶手")

    # then the grid worker sees it on the phone, and finishes it with a picture
    worker = visit(phone=True, geolocation=here, permissions=["geolocation"])
    steps.sign_in(worker, f"grid.{GRID}", "/field/sign-in")
    steps.finish_task(worker, "到2单元数一下缺几层扶手", "缺2至6层，共5段。", pictures["before"])

    # and the office sees the answer without asking for it
    tasks = office.get_by_role("region", name="网格任务")
    expect(tasks.get_by_text("缺2至6层，共5段。")).to_be_visible()
    expect(tasks.get_by_role("button", name="查看图片 1")).to_be_visible()

    # when the helping office adds its part, and the lead office answers
    helper = visit(HELPER)
    steps.open_case(helper, "待协办", no)
    steps.begin(helper, "协办反馈")
    helper.get_by_label("协办情况").fill("已核实住户为残疾人家庭，补贴扶手材料。")
    steps.finish(helper, "协办反馈")
    expect(office.get_by_text("补贴扶手材料").first).to_be_visible()
    steps.begin(office, "答复")
    office.get_by_label("答复内容").fill("扶手已安装完毕，请查看。")
    steps.finish(office, "答复")

    # then the citizen reads it on his phone and judges it
    citizen.goto("/")
    citizen.get_by_role("link", name=no).click()
    expect(citizen.get_by_text("扶手已安装完毕，请查看。").first).to_be_visible()
    citizen.get_by_role("radio", name="解决了", exact=True).check()
    citizen.get_by_role("radio", name="很满意", exact=True).check()
    citizen.get_by_role("button", name="提交评价").click()
    expect(citizen.get_by_text("已办结")).to_be_visible()

    # and the wall shows the closing, naming the matter and the community but nobody
    closing = feed.get_by_role("listitem").filter(has_text=re.compile("结案|办结"))
    expect(closing.first).to_contain_text("乐雪社区")
    expect(wall.get_by_text(no)).to_have_count(0)
    expect(wall.get_by_text("王秀英")).to_have_count(0)

    # and the supervisor sees it ended, and the figures know of it
    deliver()
    boss = visit("supervisor")
    steps.open_case(boss, "已结束", no)
    steps.state(boss, "已办结")
    boss.goto("/desk/oversight?period=today")
    expect(boss.get_by_role("heading", name="监管概览")).to_be_visible()
    assert steps.written(boss, "受理").startswith("1")
    assert steps.written(boss, "办结").startswith("1")
    boss.get_by_role("term").filter(has_text=re.compile("^受理$")).locator("xpath=following-sibling::dd").get_by_role(
        "link"
    ).click()
    expect(boss.get_by_role("link", name=no)).to_be_visible()


def test_the_grid_worker_is_the_one_who_reports(
    visit: Visit, here: dict[str, float], pictures: dict[str, Path]
) -> None:
    worker = visit(phone=True, geolocation=here, permissions=["geolocation"])
    steps.sign_in(worker, f"grid.{GRID}", "/field/sign-in")
    worker.get_by_role("link", name=re.compile("^上报事件")).click()
    with worker.expect_file_chooser() as chooser:
        worker.get_by_role("button", name="拍照").click()
    chooser.value.set_files(pictures["before"])
    worker.get_by_label("发现了什么").fill("3号楼2单元楼梯扶手缺失，老人上下楼容易摔倒。")
    expect(worker.get_by_text("已定位")).to_be_visible()
    with worker.expect_response(lambda answer: answer.url.endswith("/api/field/sync") and answer.ok):
        worker.get_by_role("button", name="保存并上报").click()
    worker.get_by_role("link", name=re.compile("今日上报")).click()
    expect(worker.get_by_text(re.compile(r"AS-\d{4}-\d{6}")).first).to_be_visible()
    no = re.search(r"AS-\d{4}-\d{6}", worker.get_by_role("main").inner_text())
    assert no is not None

    office = visit(LEAD)
    steps.open_case(office, "待签收", no.group())

    expect(office.get_by_role("definition").filter(has_text="乐雪社区").first).to_be_visible()
    expect(office.get_by_role("button", name="查看图片 1").first).to_be_visible()
