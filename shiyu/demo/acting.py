"""演示经办 — one word of a case's fate, done by the person whose turn it is, through the same verbs as at the desk."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from random import Random
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from shiyu.cases.actions import Report, accept, act, act_as_reporter
from shiyu.cases.models import Case, Dispatch, Extension
from shiyu.demo import photos
from shiyu.demo.fates import BY_REPORTER, WAITS
from shiyu.demo.people import Cast, reporter_of
from shiyu.directory import orgs
from shiyu.directory.gazetteer import gazetteer
from shiyu.field.actions import Seen, sight
from shiyu.kernel import clock, files
from shiyu.kernel.auth import Viewer
from shiyu.law.book import LawBook

KEPT = 0.85  # share of the steps that are not late
PICTURED = 0.3  # share of the answers that show a picture, where the thing can be shown


@dataclass(frozen=True, slots=True)
class Scene:
    """一步 — the case, who there is, and what is said in the end."""

    s: Session
    cast: Cast
    random: Random
    case: Case
    reply: str
    twin: str | None
    manner: str

    def lead(self) -> str | None:
        """The code of the lead office."""
        return self.code(self.case.lead_org_id)

    def code(self, org_id: UUID | None) -> str | None:
        """The code of an office."""
        return orgs.labels(self.s)[org_id][0] if org_id else None

    def handler(self) -> Viewer | None:
        """Who handles the cases of the lead office."""
        return self.cast.get(f"handle.{self.lead()}")

    def say(self, *words: str) -> str:
        """One of these."""
        return self.random.choice(words)


Turn = tuple[Viewer | None, dict[str, Any]]
Bring = Callable[[Scene], Turn]
_BRING: dict[str, Bring] = {}


def _bring(*verbs: str) -> Callable[[Bring], Bring]:
    def register(call: Bring) -> Bring:
        for verb in verbs:
            _BRING[verb] = call
        return call

    return register


def perform(
    s: Session, cast: Cast, random: Random, case: Case, word: str, *, reply: str = "", twin: str | None = None
) -> Case | None:
    """Do one word now. ``None`` where nobody could do it; a refusal of the verb is the caller's to hear."""
    verb, _, manner = word.partition(":")
    viewer, brought = _BRING[verb](Scene(s, cast, random, case, reply, twin, manner))
    if viewer is None:
        return None
    if viewer.reporter_of:
        return act_as_reporter(s, viewer, verb, brought)
    return act(s, viewer, case.no, verb, brought)


def wait(law: LawBook, random: Random, verb: str, since: datetime, due: datetime | None = None) -> datetime:
    """When the one whose turn it is gets to it: staff in working hours and mostly by the time it is due, citizens at any."""
    hours = random.uniform(*WAITS[verb])
    if verb in BY_REPORTER:
        return since + timedelta(hours=hours)
    moment = law.limits.calendars.on(clock.beijing(since).date()).add_work_hours(since, hours).at
    if due and since < due < moment and random.random() < KEPT:
        return since + (due - since) * random.uniform(0.3, 0.95)
    return moment


# --- who does it, and what he brings ---------------------------------------------------------------------------------------


@_bring("dispatch", "designate")
def _dispatch(scene: Scene) -> Turn:
    suggested = scene.case.triage.get("owner") or {}
    tried = set(
        scene.s.scalars(select(Dispatch.org_id).where(Dispatch.case_id == scene.case.id, Dispatch.part == "lead"))
    )
    codes = [suggested.get("lead"), *suggested.get("assists", ()), *_offices_near(scene)]
    ids = orgs.ids(scene.s)
    able = [code for code in codes if code in ids and scene.cast.get(f"handle.{code}")]
    lead = next((code for code in able if ids[code] not in tried), able[0])
    assists = [code for code in suggested.get("assists", ()) if code in able and code != lead]
    text = scene.say("请依职责办理，并及时联系诉求人。", "请现场核实后办理答复。", "请牵头会同协办单位处理。")
    return _dispatcher(scene), {"lead_org": lead, "assist_orgs": assists, "text": text}


@_bring("pass_down")
def _pass_down(scene: Scene) -> Turn:
    codes = [code for code in _offices_near(scene) if code != scene.lead() and scene.cast.get(f"handle.{code}")]
    convener = scene.code(scene.case.convener_org_id) or ""
    viewer = scene.cast.get(f"coordinate.{convener.removesuffix('-centre')}") or _dispatcher(scene)
    return viewer, {"lead_org": codes[0] if codes else None, "text": "经召集会商，由属地牵头更为便捷，请承接办理。"}


@_bring("sign")
def _sign(scene: Scene) -> Turn:
    return scene.handler(), {}


@_bring("contact")
def _contact(scene: Scene) -> Turn:
    reached = scene.random.random() > 0.05
    text = scene.say(
        "已与诉求人通话，约定上门时间。", "已电话核实情况，现场踏勘后处理。", "已告知诉求人办理流程和联系电话。"
    )
    return scene.handler(), {"text": text if reached else "拨打两次无人接听，稍后再联系。", "reached": reached}


@_bring("assist")
def _assist(scene: Scene) -> Turn:
    waiting = select(Dispatch.org_id).where(
        Dispatch.case_id == scene.case.id,
        Dispatch.part == "assist",
        Dispatch.ended_at.is_(None),
        Dispatch.outcome.is_(None),
    )
    codes = [scene.code(org_id) for org_id in scene.s.scalars(waiting.order_by(Dispatch.at, Dispatch.id))]
    viewer = next((found for code in codes if (found := scene.cast.get(f"handle.{code}"))), None)
    return viewer, {
        "text": scene.say(
            "已派人到场配合，所需材料已提供。", "已核实本单位职责部分，意见报主办单位。", "已完成协办事项。"
        )
    }


@_bring("reply", "draft")
def _reply(scene: Scene) -> Turn:
    text = scene.reply or scene.say("您反映的问题已处理完毕，感谢监督。", "已现场核实并处理，如有反复请再联系我们。")
    viewer, kept = scene.handler(), []
    shown = photos.scene_of(scene.case.text)
    if viewer and shown and scene.random.random() < PICTURED:
        kept = [picture(scene.s, viewer, scene.random, shown, mended=True)]
    return viewer, {"text": text, "files": kept}


@_bring("revise")
def _revise(scene: Scene) -> Turn:
    return scene.handler(), {"text": scene.say("请补充现场处理前后的照片说明。", "请写明处理依据和完成时间。")}


@_bring("answer")
def _answer(scene: Scene) -> Turn:
    return _dispatcher(scene), {"text": scene.reply or "已在通话中解答，诉求人表示清楚。"}


@_bring("rejoin")
def _rejoin(scene: Scene) -> Turn:
    return _dispatcher(scene), {"text": scene.reply}


@_bring("decline")
def _decline(scene: Scene) -> Turn:
    ground = scene.say("legal_channel", "outside_government", "secret_or_privacy")
    return _dispatcher(scene), {"ground": ground, "text": "该事项不在热线受理范围，已告知您相应渠道和联系方式。"}


@_bring("transfer")
def _transfer(scene: Scene) -> Turn:
    to = "122" if "车" in scene.case.text else "110"
    return scene.cast.get("agent"), {"to": to, "text": "属于警情，已同步转接并移送。"}


@_bring("confirm")
def _confirm(scene: Scene) -> Turn:
    return _dispatcher(scene), {"receipt": f"演示回执{scene.random.randrange(10_000):04d}"}


@_bring("bounce")
def _bounce(scene: Scene) -> Turn:
    return _dispatcher(scene), {"ground": "not_emergency", "text": "经核实不属于紧急警情，请按诉求办理。"}


@_bring("merge")
def _merge(scene: Scene) -> Turn:
    return scene.cast.one("dispatcher") if scene.twin else None, {
        "into": scene.twin,
        "text": "与在办工单为同一地点同一问题，合并办理。",
    }


@_bring("unmerge")
def _unmerge(scene: Scene) -> Turn:
    return _dispatcher(scene), {"text": "经核实为相邻的另一处问题，撤销并案。"}


@_bring("split")
def _split(scene: Scene) -> Turn:
    first, _, second = scene.case.text.partition("另外，")
    if not second:
        return None, {}
    here = first.split("两件事")[0]
    parts = [{"text": here + first.split("：", 1)[-1]}, {"text": here + second}]
    return _dispatcher(scene), {"parts": parts}


@_bring("send_back")
def _send_back(scene: Scene) -> Turn:
    ground = scene.say("not_in_duty", "wrong_matter")
    return scene.handler(), {"ground": ground, "text": "对照权责清单，该事项应由行业主管单位承办，申请退回。"}


@_bring("extend")
def _extend(scene: Scene) -> Turn:
    ground = scene.say("complex", "large_work")
    return scene.handler(), {"ground": ground, "text": "材料须订制，预计无法在期限内完工，已告知诉求人，申请延期。"}


@_bring("decide_extension")
def _decide(scene: Scene) -> Turn:
    waiting = select(Extension.id).where(Extension.case_id == scene.case.id, Extension.decided_at.is_(None))
    text = "理由充分，同意延期。" if scene.manner == "yes" else "可分步实施，请先解决安全问题，不同意延期。"
    return _dispatcher(scene), {"extension": scene.s.scalar(waiting), "approve": scene.manner == "yes", "text": text}


@_bring("suspend")
def _suspend(scene: Scene) -> Turn:
    plan = "入冬不具备施工条件，已设警示围挡，开春后列入首批施工计划。"
    day = clock.beijing(clock.now()).date() + timedelta(days=scene.random.randint(20, 90))
    return _dispatcher(scene), {"ground": "season_or_weather", "text": plan, "review_on": day}


@_bring("resume")
def _resume(scene: Scene) -> Turn:
    return _dispatcher(scene), {"text": "施工条件具备，恢复办理。"}


@_bring("call_back")
def _call_back(scene: Scene) -> Turn:
    caller, mine = scene.cast.get("caller"), reporter_of(scene.case.id)
    if scene.manner in ("none", "refused"):
        result = "unreachable" if scene.manner == "none" else "refused"
        return caller, {"result": result, "text": None if result == "refused" else "电话无人接听。"}
    if scene.manner == "bad":
        return mine, {
            "result": "reached",
            "solved": False,
            "satisfied": scene.random.randint(1, 2),
            "text": "没有真正解决，还是老样子。",
        }
    viewer = mine if scene.manner == "mine" or scene.random.random() < 0.3 else caller
    marks = scene.random.choices((5, 4, 3), (6, 3, 1))[0]
    return viewer, {"result": "reached", "solved": True, "satisfied": marks, "text": None}


@_bring("reopen")
def _reopen(scene: Scene) -> Turn:
    return _dispatcher(scene), {"text": "诉求人来电称问题反弹，重新交办。"}


@_bring("withdraw")
def _withdraw(scene: Scene) -> Turn:
    return reporter_of(scene.case.id), {"text": "问题已经自己解决了，不用来了。"}


@_bring("urge")
def _urge(scene: Scene) -> Turn:
    return reporter_of(scene.case.id), {"text": scene.say("什么时候能来处理？", "已经等了好几天，请尽快。")}


@_bring("supplement")
def _supplement(scene: Scene) -> Turn:
    return reporter_of(scene.case.id), {
        "text": scene.say("补充一下，白天家里有人，随时可以来。", "补充：下雨天更严重。")
    }


@_bring("note")
def _note(scene: Scene) -> Turn:
    return scene.handler(), {"text": "已实地查看，计划明日施工。"}


@_bring("relocate")
def _relocate(scene: Scene) -> Turn:
    area = scene.case.grid_id or scene.case.community_id
    code = gazetteer(scene.s).lineage(area).path[-1].code if area else None
    return scene.cast.get("agent") if code else None, {"area": code, "text": "与诉求人核对后更正到所在网格。"}


@_bring("reclassify")
def _reclassify(scene: Scene) -> Turn:
    runners = scene.case.triage.get("runners") or ()
    return _dispatcher(scene) if runners else None, {
        "matter": runners[0][0] if runners else None,
        "text": "核对事项后更正分类。",
    }


# --- reporting -------------------------------------------------------------------------------------------------------------


def tell(s: Session, teller: Viewer, report: Report) -> str:
    """受理 — a report becomes a case; what a grid worker saw goes through the room of the field. Its number."""
    if teller.id is None or not teller.has("grid_worker"):
        return accept(s, teller, report).no
    return sight(
        s,
        teller,
        Seen(
            client_id=uuid5(NAMESPACE_URL, report.key),
            at=clock.now(),
            text=report.text,
            address=report.address,
            lon=report.lon,
            lat=report.lat,
            file_ids=report.file_ids,
        ),
    ).no


# --- little things ---------------------------------------------------------------------------------------------------------


def picture(s: Session, viewer: Viewer, random: Random, scene: str, *, mended: bool = False) -> UUID:
    """A drawn picture, uploaded by somebody."""
    drawn = BytesIO(photos.draw(scene, random, mended=mended))
    return files.keep(s, viewer, drawn, f"演示-{'处理后' if mended else '现场'}.jpg").id


def _dispatcher(scene: Scene) -> Viewer:
    """The city's dispatcher, or now and then the one of the county."""
    county = None if scene.case.confidential else _county_code(scene)  # a confidential case is the city's own
    if county and scene.random.random() < 0.4:
        return scene.cast.one(f"dispatch.{county}", "dispatcher")
    return scene.cast.one("dispatcher")


def _county_code(scene: Scene) -> str | None:
    places = gazetteer(scene.s)
    return places.lineage(scene.case.county_id).path[-1].code if scene.case.county_id else None


def _offices_near(scene: Scene) -> list[str]:
    """Offices that can take nearly anything of this place: its township, its county's and the city's keepers of order."""
    places, town = gazetteer(scene.s), scene.case.town_id
    codes = [places.lineage(town).path[-1].code] if town else []
    county = _county_code(scene)
    return [
        *codes,
        *([f"{county}-chengguan", f"{county}-zhujian"] if county else []),
        "210300-chengguan",
        "210300-zhujian",
    ]
