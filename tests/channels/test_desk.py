"""The registry on the desk: the keeper registers a channel, gives out a key that is shown once, and explains a code."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from shiyu.channels import actions
from shiyu.channels.seed import seed
from shiyu.demo.accounts import PASSWORD
from shiyu.kernel import db
from tests.kit.axe import grave
from tests.kit.server import live_server

SOON = 15_000


@pytest.fixture
def desk(city: str, page: Page) -> Iterator[Page]:
    """The system administrator's window, with the registry of the demonstration."""
    expect.set_options(timeout=SOON)
    with db.transaction() as s:
        seed(s)
        row = actions.queries.registered(s, "line_12319")
        assert row is not None
        actions.note_unknown(s, row.id, "C-77")
    with live_server(city) as server:
        page.request.post(f"{server.url}/api/sign-in", data={"username": "system", "password": PASSWORD})
        page.goto(f"{server.url}/desk/channels/line_12319")
        yield page


def test_the_keeper_of_channels_does_a_round(desk: Page) -> None:
    expect(desk.get_by_role("heading", level=1)).to_contain_text("城建服务热线")
    desk.get_by_role("combobox", name="C-77 对应的事项").click()
    desk.keyboard.type("路灯不亮")
    desk.get_by_role("option", name=re.compile("路灯不亮")).first.click()
    expect(desk.get_by_role("region", name="事项对照").get_by_text("010301")).to_be_visible()
    desk.get_by_role("textbox", name="用途").fill("城建平台")
    desk.get_by_role("button", name="发放密钥").click()
    secret = desk.locator("code.secret").inner_text()
    assert secret.startswith("sy_")
    assert grave(desk) == []
    desk.get_by_role("button", name="已抄存").click()
    expect(desk.get_by_role("region", name="接口密钥").get_by_text(secret[:9])).to_be_visible()
    assert secret not in desk.content()

    desk.get_by_role("button", name="停用", exact=True).click()
    dialog = desk.get_by_role("dialog")
    dialog.get_by_role("button", name="停用").click()
    expect(dialog.get_by_text("须填写")).to_be_visible()
    dialog.get_by_role("textbox").fill("并入12345")
    dialog.get_by_role("button", name="停用").click()
    expect(desk.get_by_role("heading", level=1)).to_contain_text("停用")

    desk.get_by_role("link", name="返回渠道一览").click()
    desk.get_by_role("textbox", name="代码、名称或号码").fill("12329")
    desk.get_by_role("button", name="搜索").click()
    expect(desk.get_by_role("link", name="住房公积金热线")).to_be_visible()
    expect(desk.get_by_role("row")).to_have_count(2)
    desk.get_by_role("button", name="登记渠道").click()
    desk.get_by_role("button", name="保存").click()
    expect(desk.get_by_role("dialog").get_by_text("请填写代码").first).to_be_visible()
    assert grave(desk) == []
