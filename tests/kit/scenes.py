"""A handful of cases in different states, for tests and pictures that need pages with something on them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

from shiyu.demo import photos
from shiyu.kernel import clock
from tests.kit.people import HANDRAIL, Person, a_report, citizen, deliver, staff

LEAD, HELPER = "handle.210302-zhujian", "handle.210302-canlian"
GRID = "2103020030041001"
"""A grid of 乐雪社区."""


@dataclass(frozen=True)
class Scenes:
    """Numbers and codes of what was made."""

    closed: str
    replied: str
    replied_token: str
    handling: str
    handling_token: str
    signing: str
    unclear: str
    confidential: str
    overdue: str


def a_photo(text: str = HANDRAIL, *, mended: bool = False) -> bytes:
    """A drawn picture of what a text tells of, as a JPEG."""
    return photos.draw(photos.scene_of(text) or "stairs", Random(text), mended=mended)


def upload(person: Person, path: str, content: bytes) -> str:
    """A picture, sent; its id."""
    answer = person.client.post(path, files={"file": ("现场.jpg", content, "image/jpeg")})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def report(text: str, phone: str, **more: Any) -> dict[str, Any]:
    """A citizen's report; its receipt."""
    return citizen().post("/api/public/reports", a_report(text=text, phone=phone, **more))


def phone_says(worker: Person, **item: Any) -> None:
    """One item of a grid worker's phone, received."""
    told = worker.post(
        "/api/field/sync", {"items": [{"client_id": str(uuid4()), "at": clock.now().isoformat(), **item}]}
    )
    assert told["items"][0]["ok"], told


def _to_the_grid(no: str) -> None:
    given = staff(LEAD).post(f"/api/cases/{no}/tasks", {"text": "到2单元看一下缺几层扶手，拍照。", "area": GRID})
    worker = staff(f"grid.{GRID}")
    seen = [upload(worker, "/api/files", a_photo())]
    phone_says(worker, type="task_done", task=given["id"], text="缺2至6层，共5段。", files=seen)


def _handled(no: str, words: str) -> None:
    lead = staff(LEAD)
    mended = upload(lead, "/api/files", a_photo(mended=True))
    staff(HELPER).act(no, "assist", text="已核实住户情况，补贴扶手材料。")
    lead.act(no, "reply", text=words, files=[mended])


def build(now: datetime | None = None) -> Scenes:
    """Make them, over the last month; the news has gone round."""
    today = now or clock.now()

    def ago(days: float, then: Callable[[], Any]) -> Any:
        with clock.at(today - timedelta(days=days)):
            return then()

    overdue = ago(26, lambda: report("铁东区乐雪社区2号楼3单元楼道扶手松动，一碰就晃，请检修。", "13804120007"))
    closed = ago(6, lambda: report(HANDRAIL, "13804120001", files=[upload(citizen(), "/api/public/files", a_photo())]))
    ago(5.9, lambda: staff(LEAD).act(closed["no"], "sign"))
    ago(5, lambda: _handled(closed["no"], "扶手已经全部装好，请查看。"))
    key = {"no": closed["no"], "token": closed["token"]}
    ago(4.9, lambda: citizen().post("/api/public/call_back", {**key, "solved": True, "satisfied": 5}))
    replied = ago(3, lambda: report("铁东区乐雪社区7号楼1单元楼梯扶手缺失，老人下楼没有抓手。", "13804120002"))
    ago(2.9, lambda: staff(LEAD).act(replied["no"], "sign"))
    ago(2.5, lambda: _to_the_grid(replied["no"]))
    ago(1, lambda: _handled(replied["no"], "断开的扶手已更换，并检查了整个单元。"))
    handling = ago(
        1.5,
        lambda: report(
            "铁东区乐雪社区5号楼2单元扶手缺失，请安装。",
            "13804120003",
            files=[upload(citizen(), "/api/public/files", a_photo())],
        ),
    )
    ago(1.4, lambda: staff(LEAD).act(handling["no"], "sign"))
    ago(1.3, lambda: staff(LEAD).act(handling["no"], "contact", text="已与诉求人通话，约定明天上门。"))
    ago(0.2, lambda: _task_waiting(handling["no"]))
    signing = ago(0.1, lambda: report("铁东区乐雪社区9号楼楼梯扶手生锈，容易划伤手。", "13804120004"))
    unclear = ago(0.05, lambda: report("有一堆东西放在路边好几天了，没有人管，希望处理。", "13804120005"))
    confidential = ago(
        0.04, lambda: report("铁东区乐雪社区3号楼扶手又被人拆走卖钱。", "13804120006", confidential=True)
    )
    deliver()
    return Scenes(
        closed=closed["no"],
        replied=replied["no"],
        replied_token=replied["token"],
        handling=handling["no"],
        handling_token=handling["token"],
        signing=signing["no"],
        unclear=unclear["no"],
        confidential=confidential["no"],
        overdue=overdue["no"],
    )


def _task_waiting(no: str) -> None:
    staff(LEAD).post(f"/api/cases/{no}/tasks", {"text": "请到5号楼2单元核实扶手缺失情况，拍照回传。", "area": GRID})
