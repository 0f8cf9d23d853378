"""派单 — giving a case to offices, and every way it goes elsewhere: back, on, away, into another, apart."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from shiyu.cases import triage
from shiyu.cases.actions.act import Act, guard, load, settle, verb
from shiyu.cases.actions.barring import require_free
from shiyu.cases.actions.intake import Report, accept_many
from shiyu.cases.events import CaseClosed, CaseDispatched, CaseMoved, CaseSentBack
from shiyu.cases.lifecycle import FINAL, S
from shiyu.cases.models import Case, Clock, Dispatch, Reporter, Transfer
from shiyu.directory import orgs
from shiyu.directory.coords import Frame, to_wgs84
from shiyu.directory.gazetteer import Lineage, gazetteer
from shiyu.kernel import vault
from shiyu.kernel.errors import Refusal
from shiyu.law import grounds


@guard("dispatch")
def _not_after_the_last_round(act: Act) -> str | None:
    return "case.designate_now" if act.case.rounds >= act.law.count("dispatches", act.now) else None


@guard("designate")
def _only_after_the_last_round(act: Act) -> str | None:
    return None if act.case.rounds >= act.law.count("dispatches", act.now) else "case.dispatch_first"


@guard("send_back")
def _not_when_designated(act: Act) -> str | None:
    return "case.designated" if act.case.designated else None


@verb("dispatch", "designate")
def dispatch(act: Act) -> Any:
    """派单 / 指定承办 — a lead office and assisting offices, in a new round. What was designated cannot be sent back."""
    lead = act.org("lead_org")
    assists = _assists(act, lead)
    require_free(act, [lead], "lead_org")
    require_free(act, assists, "assist_orgs")
    case = act.case
    act.end_parts("replaced")
    act.stop("assist")
    case.rounds += 1
    case.designated = act.line.verb == "designate"
    case.lead_org_id = act.clock_org = lead
    if act.get("urgency"):
        case.urgency = act.get("urgency")
    case.convener_org_id = case.convener_org_id or _convener(act)
    _give(act, lead, "lead")
    for org in assists:
        _give(act, org, "assist")
        act.start("assist", org)
    return CaseDispatched(case.id, case.version, act.line.verb, lead, [str(org) for org in assists], case.rounds)


@verb("pass_down")
def pass_down(act: Act) -> Any:
    """转派 — the convening centre hands the lead to another office of its own, in the same round."""
    lead = act.org("lead_org")
    case = act.case
    if lead == case.lead_org_id:
        raise Refusal("case.same_office", 422, field="lead_org")
    require_free(act, [lead], "lead_org")
    act.end_parts("passed_down", "lead")
    case.lead_org_id = act.clock_org = lead
    _give(act, lead, "lead")
    assists = [str(row.org_id) for row in act.parts("assist")]
    return CaseDispatched(case.id, case.version, "pass_down", lead, assists, case.rounds)


@verb("sign")
def sign(act: Act) -> Any:
    """签收 — the lead office takes it; the limit for handling starts."""
    for row in act.parts("lead"):
        row.signed_at = act.now
    act.clock_org = act.case.lead_org_id


@verb("send_back")
def send_back(act: Act) -> Any:
    """退单 — the office returns what is not its own, with a lawful ground, within the limit."""
    ground = _ground(act)
    case = act.case
    org = case.lead_org_id
    act.end_parts("sent_back", ground=ground)
    case.lead_org_id = None
    return CaseSentBack(case.id, case.version, "send_back", org, ground) if org else None


@verb("decline")
def decline(act: Act) -> Any:
    """不予受理 — with the ground, and the right way told in the text."""
    _ground(act)


@verb("transfer")
def transfer(act: Act) -> Any:
    """移送 — to 110, 119, another line; our leg stays open until they confirm."""
    act.end_parts("transferred")
    act.case.lead_org_id = None
    act.s.add(Transfer(case_id=act.case.id, to=act.get("to"), at=act.now, by_id=act.viewer.id))


@verb("confirm", "bounce")
def answer_transfer(act: Act) -> Any:
    """移送确认 / 移送退回 — the other side takes it with a receipt, or returns it with a ground."""
    query = select(Transfer).where(Transfer.case_id == act.case.id).order_by(Transfer.at.desc()).limit(1)
    row = act.s.scalars(query).one()
    if act.line.verb == "confirm":
        row.confirmed_at, row.receipt = act.now, act.get("receipt")
    else:
        row.bounced_at, row.ground = act.now, _ground(act)


@verb("merge")
def merge(act: Act) -> Any:
    """并案 — the same thing said twice is handled once; the reporter of this one follows the other."""
    into = load(act.s, act.viewer, act.get("into"))
    if into.id == act.case.id:
        raise Refusal("case.merge_self", 422, field="into")
    if into.state in FINAL or into.state == S.SPLIT:
        raise Refusal("case.merge_ended", 409, field="into", no=into.no)
    act.case.merged_into_id = into.id
    into.duplicates += 1
    into.version += 1
    into.changed_at = act.now
    act.news.append(CaseMoved(into.id, into.version, "joined", into.state, into.state))


@verb("unmerge")
def unmerge(act: Act) -> Any:
    """撤销并案 — they were not the same after all."""
    into = act.s.get(Case, act.case.merged_into_id, with_for_update=True)
    if into is not None:
        into.duplicates = max(0, into.duplicates - 1)
    act.case.merged_into_id = act.case.lead_org_id = act.case.closed_at = None


@verb("split")
def split(act: Act) -> Any:
    """拆分 — several demands in one report become cases of their own; this one is answered when they are."""
    case, s = act.case, act.s
    reporter = s.get_one(Reporter, case.id)
    name, phone = _opened(reporter, "name"), _opened(reporter, "phone")
    accept_many(
        s,
        act.viewer,
        [
            Report(
                key=f"{case.no}/{n}",
                channel="split",
                text=part["text"],
                kind=case.kind,
                matter=part.get("matter"),
                address=case.address,
                lon=case.lon,
                lat=case.lat,
                name=name,
                phone=phone,
                anonymous=reporter.anonymous,
                confidential=case.confidential,
                part_of=case.id,
            )
            for n, part in enumerate(act.get("parts"), 1)
        ],
    )


@verb("rejoin")
def rejoin(act: Act) -> Any:
    """合并答复 — one answer for all parts, once each part is answered or ended."""
    from shiyu.cases.actions.calling_back import send_reply

    parts = act.s.scalars(select(Case).where(Case.part_of_id == act.case.id).with_for_update()).all()
    waiting = [part.no for part in parts if part.state not in (*FINAL, S.REPLIED)]
    if waiting:
        raise Refusal("case.parts_open", 409, parts="、".join(waiting))
    for part in parts:
        if part.state == S.REPLIED:
            _end_part(act, part)
    return send_reply(act, act.text or "")


def _end_part(act: Act, part: Case) -> None:
    """A part that was answered ends with the whole: the reporter is asked once, for all."""
    part.state, part.closed_at, part.changed_at = S.CLOSED, act.now, act.now
    part.version += 1
    for row in act.s.scalars(select(Clock).where(Clock.case_id == part.id, Clock.stopped_at.is_(None))):
        row.stopped_at = act.now
    for row in act.s.scalars(select(Dispatch).where(Dispatch.case_id == part.id, Dispatch.ended_at.is_(None))):
        row.ended_at, row.outcome = act.now, S.CLOSED
    settle(part, [])
    act.news.append(CaseClosed(part.id, part.version, "rejoin", S.CLOSED, part.solved, part.satisfied))


@verb("reclassify")
def reclassify(act: Act) -> Any:
    """更改事项 — another kind of matter: promises that still run are measured anew from their own start."""
    matter = act.law.matter(act.get("matter"))
    if matter is None:
        raise Refusal("case.no_matter", 422, field="matter", matter=act.get("matter"))
    case = act.case
    case.matter = matter.code
    for row in act.clocks:
        if row.stopped_at is None and not row.pauses:
            due = act.law.due(case.matter, row.kind, row.started_at, kind=case.kind, level=case.urgency)
            row.due_at, row.rule_id, row.basis = due.at, due.rule_id, due.rule.basis
            row.amber_at, row.uncertain = act.law.amber(row.started_at, due), due.uncertain
    _reconsider(act)


@verb("relocate")
def relocate(act: Act) -> Any:
    """更正地点 — another place: by area, by position or by address."""
    case = act.case
    lineage = _where(act)
    for name, value in lineage.ids().items():
        if name != "city_id":
            setattr(case, name, value)
    if act.get("address"):
        case.address = act.get("address")
    _reconsider(act)


def _where(act: Act) -> Lineage:
    places, case = gazetteer(act.s), act.case
    if code := act.get("area"):
        lineage = places.by_code(code)
        if lineage is None:
            raise Refusal("case.no_area", 422, field="area", given=code)
        case.lon = case.lat = None
        return lineage
    if position := act.get("position"):
        lon, lat = to_wgs84(position["lon"], position["lat"], Frame(position.get("frame", "wgs84")))
        located = places.locate_point(lon, lat)
        if located is None:
            raise Refusal("case.outside_city", 422, field="position")
        case.lon, case.lat = lon, lat
        return located.lineage
    located = places.locate_text(act.get("address") or "")
    if located is None:
        raise Refusal("case.no_place", 422, field="address")
    case.lon = case.lat = None
    return located.lineage


def _reconsider(act: Act) -> None:
    """The suggestion for the dispatcher follows a corrected matter or place; the decision stays his."""
    case = act.case
    areas = [case.cell_id, case.grid_id, case.community_id, case.town_id, case.county_id]
    finest = next((area for area in areas if area), None)
    if case.matter is None or finest is None:
        return
    lineage = gazetteer(act.s).lineage(finest)
    owner = act.law.owner(case.matter, [node.code for node in lineage.path])
    suggestion = triage.owner_kept(owner, lineage)
    case.triage = {**case.triage, "matter": case.matter, "owner": suggestion}
    case.convener_org_id = orgs.ids(act.s).get(suggestion["convener"] or "")


def _assists(act: Act, lead: UUID) -> list[UUID]:
    codes = orgs.ids(act.s)
    found: list[UUID] = []
    for code in act.get("assist_orgs") or ():
        if code not in codes:
            raise Refusal("case.no_office", 422, field="assist_orgs", given=code)
        if codes[code] != lead and codes[code] not in found:
            found.append(codes[code])
    return found


def _give(act: Act, org_id: UUID, part: str) -> None:
    row = Dispatch(
        case_id=act.case.id,
        org_id=org_id,
        part=part,
        round=act.case.rounds,
        accepted_at=act.case.accepted_at,
        at=act.now,
        by_id=act.viewer.id,
        designated=act.case.designated,
    )
    act.s.add(row)
    act.dispatches.append(row)


def _convener(act: Act) -> UUID | None:
    owner = act.case.triage.get("owner") or {}
    return orgs.ids(act.s).get(owner.get("convener") or "")


def _ground(act: Act) -> str:
    return grounds.require(act.s, act.get("ground"), act.line.verb).code


def _opened(reporter: Reporter, name: str) -> str | None:
    sealed = getattr(reporter, f"{name}_sealed")
    return vault.open_sealed(sealed, f"cases.reporter.{name}:{reporter.case_id}") if sealed else None
