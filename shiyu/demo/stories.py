"""演示故事 — two days that the city likes to tell, played through the verbs: the handrails of 乐雪社区 and the rubble on 烈士山."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from random import Random
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from shiyu.cases.actions import Report, act, act_as_reporter
from shiyu.cases.models import Case, Dispatch
from shiyu.demo import voices
from shiyu.demo.acting import picture, tell
from shiyu.demo.city.areas import LEXUE, MARTYRS_HILL
from shiyu.demo.people import NOBODY, Cast, reporter_of
from shiyu.demo.voices import Spot
from shiyu.directory import orgs
from shiyu.field.actions import answer, assign
from shiyu.kernel import clock
from shiyu.kernel.auth import Viewer
from shiyu.kernel.clock import BEIJING
from shiyu.kernel.db import transaction

HANDRAIL, RUBBLE, LAMP = "扶手", "烈士山", "楼道灯"


@dataclass(slots=True)
class Teller:
    """Plays one story, each act at its hour of the day."""

    cast: Cast
    random: Random
    day: datetime
    no: str = ""

    def hour(self, said: str) -> datetime:
        """A time of the story's day."""
        return datetime.combine(self.day.date(), time.fromisoformat(said), BEIJING)

    def reported(self, at: str, by: Viewer, report: Report, scene: str | None = None) -> str:
        """Somebody says it; its number."""
        with clock.at(self.hour(at)), transaction() as s:
            kept = (picture(s, by, self.random, scene),) if scene else ()
            return tell(s, by, replace(report, file_ids=kept))

    def asked(self, at: str, username: str, worker: str, text: str, done: tuple[str, str, str] | None = None) -> None:
        """The office asks the grid; ``done``: when the worker takes it, when he has done it, and what he says."""
        with clock.at(self.hour(at)), transaction() as s:
            task = assign(s, self.cast.one(username), self.no, text).id
        for moment, verb in zip(done or (), ("accept", "done"), strict=False):
            with clock.at(self.hour(moment)), transaction() as s:
                viewer, finished = self.cast.one(worker), verb == "done"
                shown = [picture(s, viewer, self.random, "stairs", mended=True)] if finished else []
                words = done[2] if done and finished else None
                answer(s, viewer, task, verb, uuid4(), clock.now(), words, shown)

    def done(self, at: str, username: str, verb: str, scene: str | None = None, no: str = "", **brought: Any) -> Case:
        """One act of one of the staff; the reporter's where no name is given."""
        with clock.at(self.hour(at)), transaction() as s:
            if not username:
                case = s.scalars(select(Case).where(Case.no == (no or self.no))).one()
                return act_as_reporter(s, reporter_of(case.id), verb, brought)
            viewer = self.cast.one(username)
            if scene:
                brought["files"] = [picture(s, viewer, self.random, scene, mended=True)]
            return act(s, viewer, no or self.no, verb, brought)


def handrails(cast: Cast, spots: Sequence[Spot], random: Random, day: datetime) -> str:
    """乐雪社区的扶手 — found on the morning's round, handled by four offices together, mended and confirmed within twelve hours."""
    here = next(spot for spot in spots if spot.grid.startswith(LEXUE))
    lon, lat = voices.point_in(random, here.ground)
    story, worker = Teller(cast, random, day), f"grid.{here.grid}"
    text = "巡查发现铁东区乐雪社区3号楼2单元楼梯扶手缺失，楼内有残疾人和高龄老人，上下楼容易摔倒。"
    report = Report(key=voices.KEY + HANDRAIL, channel="field", text=text, kind="help", lon=lon, lat=lat,
                    address="铁东区乐雪社区3号楼2单元")  # fmt: skip
    story.no = story.reported("07:30", cast.one(worker), report, "stairs")
    lead, assists = _offices(story.no)
    story.done(
        "08:05",
        "coordinate.210302",
        "note",
        text="召集住建、残联、卫健和街道会商：住建牵头安装，残联配材料，卫健随访，街道组织住户配合。",
    )
    story.done("08:20", f"handle.{lead}", "sign")
    story.done("08:40", f"handle.{lead}", "contact", text="已与网格员和住户代表通话，约定上午现场量尺。", reached=True)
    said = {
        "canlian": "已核实住户残疾证，无障碍改造材料费由残联补贴。",
        "weijian": "家庭医生已上门随访，提示防跌倒要点。",
    }
    for number, code in enumerate(assists):
        words = said.get(code.rpartition("-")[2], "已通知楼内住户，社区现场配合施工。")
        story.done(f"{10 + number}:15", f"handle.{code}", "assist", text=words)
    story.done("12:25", worker, "note", text="施工队已进场，正在安装二至三层扶手。")
    story.asked("12:30", f"handle.{lead}", worker, "请组织楼内住户配合施工，完工后拍照确认。",
                ("12:40", "17:20", "住户已逐户通知，六层扶手全部装完，晃动测试牢固，照片附后。"))  # fmt: skip
    words = "二单元一至六层楼梯扶手已全部安装完毕，焊点打磨、靠墙侧加装圆管扶手，请查看。"
    story.done("17:40", f"handle.{lead}", "reply", "stairs", text=words, solved=True)
    story.done(
        "19:20", "caller", "call_back", result="reached", solved=True, satisfied=5, text="住户代表和网格员均表示满意。"
    )
    return story.no


def lamp(cast: Cast, spots: Sequence[Spot], random: Random, now: datetime) -> str:
    """乐雪社区的楼道灯 — still open: seen this morning, signed, and the grid is asked to look."""
    here = next(spot for spot in spots if spot.grid.startswith(LEXUE))
    lon, lat = voices.point_in(random, here.ground)
    story, worker = Teller(cast, random, clock.beijing(now)), f"grid.{here.grid}"
    hours = [clock.beijing(now - timedelta(hours=back)) for back in (3, 2.5, 2)]
    story.day = hours[0]
    text = "铁东区乐雪社区5号楼1单元楼道灯不亮，声控开关失灵，夜里上楼看不清台阶。"
    report = Report(
        key=voices.KEY + LAMP, channel="field", text=text, lon=lon, lat=lat, address="铁东区乐雪社区5号楼1单元"
    )
    story.no = story.reported(f"{hours[0]:%H:%M}", cast.one(worker), report, "lamp")
    lead, _ = _offices(story.no)
    if lead is None:
        return story.no
    story.day = hours[1]
    story.done(f"{hours[1]:%H:%M}", f"handle.{lead}", "sign")
    story.day = hours[2]
    story.asked(f"{hours[2]:%H:%M}", f"handle.{lead}", worker, "请现场查看线路是否老化，拍照反馈。")
    return story.no


def rubble(cast: Cast, random: Random, day: datetime) -> str:
    """烈士山的建筑垃圾 — two walkers report the same heap at dawn; it is handled once, cleared by noon, and both are told."""
    story = Teller(cast, random, day)
    lon, lat = MARTYRS_HILL
    words = {"kind": "report", "lon": lon, "lat": lat, "address": "铁东区烈士山"}
    first = Report(key=voices.KEY + RUBBLE + "/1", channel="portal", name="刘先生（演示）", phone="+864120000001",
                   text="早上到烈士山晨练，发现山上有建筑垃圾，在步道旁堆了一大片，是夜里偷倒的。", **words)  # fmt: skip
    again = Report(key=voices.KEY + RUBBLE + "/2", channel="wechat", name="陈女士（演示）", phone="+864120000002",
                   text="烈士山上有建筑垃圾，步道边一大堆挡住了晨练的路，请尽快清走。", **words)  # fmt: skip
    story.no = story.reported("05:50", NOBODY, first, "heap")
    second = story.reported("06:25", NOBODY, again)
    lead, assists = _offices(story.no)
    if not lead:
        story.done("07:30", "dispatcher", "dispatch", lead_org="210302-chengguan", assist_orgs=["210302006"])
        lead, assists = _offices(story.no)
    story.done(
        "07:40",
        "dispatcher",
        "merge",
        no=second,
        into=story.no,
        text="与在办工单为同一地点同一问题，合并办理，一并答复。",
    )
    story.done("08:10", f"handle.{lead}", "sign")
    story.done("08:15", f"handle.{lead}", "contact", text="已联系反映人，执法队员赶赴现场。", reached=True)
    for number, code in enumerate(assists):
        story.done(f"{9 + number:02d}:30", f"handle.{code}", "assist", text="已到场配合清运和取证，调取周边监控。")
    words = {"text": "现场建筑垃圾约六立方米已全部清运，查到夜间倾倒车辆一台并立案处罚，步道口已设限行桩。"}
    story.done("11:50", f"handle.{lead}", "reply", "heap", **words, solved=True)
    story.done("12:30", "", "call_back", result="reached", solved=True, satisfied=5, text="清得很快，谢谢。")
    return story.no


def days_before(now: datetime, days: int) -> datetime:
    """A Beijing day in the past."""
    return clock.beijing(now - timedelta(days=days))


def _offices(no: str) -> tuple[str | None, list[str]]:
    """The codes of the lead and the assisting offices."""
    with transaction() as s:
        return _codes(s, no)


def _codes(s: Session, no: str) -> tuple[str | None, list[str]]:
    query = select(Dispatch.org_id, Dispatch.part).join(Case, Case.id == Dispatch.case_id)
    rows = s.execute(query.where(Case.no == no, Dispatch.ended_at.is_(None)).order_by(Dispatch.at, Dispatch.id)).all()
    names = orgs.labels(s)
    codes = {part: [names[row.org_id][0] for row in rows if row.part == part] for part in ("lead", "assist")}
    return next(iter(codes["lead"]), None), codes["assist"]
