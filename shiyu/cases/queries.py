"""Reads: work lists, counts, one case with all that hangs on it, the public look-up. All pass through ``visible_to``."""

import hmac
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    tuple_,
    union,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from shiyu.cases import policy
from shiyu.cases.lifecycle import FINAL, OPEN, WORKING, S
from shiyu.cases.models import (
    CallBack,
    Case,
    CaseFile,
    Clock,
    Dispatch,
    Entry,
    Extension,
    Reply,
    Reporter,
    Transfer,
)
from shiyu.cases.policy import Branch
from shiyu.cases.triage import Likeness
from shiyu.directory.places import Area
from shiyu.kernel import clock, events, vault
from shiyu.kernel.auth import Viewer
from shiyu.kernel.clock import BEIJING
from shiyu.kernel.db import Page, decode_cursor, encode_cursor, moment
from shiyu.kernel.errors import Refusal, not_found
from shiyu.kernel.files import File

COUNT_TO = 1000  # counts are exact up to here, then "1000+"


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed by; every field is optional. ``area``, ``org`` are ids, ``matter`` a prefix of its code."""

    box: str | None = None
    state: str | None = None
    kind: str | None = None
    matter: str | None = None
    area: tuple[str, UUID] | None = None
    org: UUID | None = None
    channel: str | None = None
    light: str | None = None
    urgency: str | None = None
    q: str | None = None
    since: date | None = None
    until: date | None = None


def _in(*states: str) -> ColumnElement[bool]:
    """In one of these states, as constants of the statement: a prepared plan with parameters could not use the indexes of open cases."""
    return Case.state.in_(bindparam("state", states, expanding=True, literal_execute=True, unique=True))


# A box of the desk: which cases lie in it. ``mine`` boxes are narrowed further by what the viewer's offices have to do.
BOXES: dict[str, ColumnElement[bool]] = {
    "mine_all": _in(*OPEN),
    "to_dispatch": _in(S.REGISTERED),
    "to_sign": _in(S.DISPATCHED),
    "handling": _in(S.HANDLING),
    "to_review": _in(S.REVIEWING),
    "to_assist": _in(*WORKING),
    "to_call_back": _in(S.REPLIED),
    "suspended": _in(S.SUSPENDED),
    "transferring": _in(S.TRANSFERRING),
    "overdue": _in(*OPEN),
    "returned": and_(_in(S.REGISTERED), Case.rounds > 0),
    "extensions": and_(_in(S.HANDLING), exists().where(Extension.case_id == Case.id, Extension.decided_at.is_(None))),
    "no_place": and_(Case.community_id.is_(None), or_(_in(*OPEN), Case.historic)),
    "done": Case.state.in_(FINAL),
}

SORTS: dict[str, tuple[InstrumentedAttribute[Any], bool]] = {
    "new": (Case.accepted_at, True),
    "due": (Case.due_at, False),
}


def light_is(light: str, now: datetime) -> ColumnElement[bool]:
    """红黄绿灯 — the light of the least open promise."""
    if light == "red":
        return Case.due_at < now
    if light == "amber":
        return and_(Case.due_at >= now, Case.amber_at < now)
    return and_(Case.due_at >= now, Case.amber_at >= now)


def conditions(filters: Filters, viewer: Viewer) -> list[ColumnElement[bool]]:
    """The filters as conditions."""
    now = clock.now()
    plain = (
        (Case.state, filters.state),
        (Case.kind, filters.kind),
        (Case.lead_org_id, filters.org),
        (Case.channel, filters.channel),
        (Case.urgency, filters.urgency),
    )
    found = [column == value for column, value in plain if value is not None]
    if filters.box:
        found += _box(filters.box, viewer, now)
    if filters.matter:
        found.append(Case.matter.startswith(_stem(filters.matter), autoescape=True))
    if filters.area and filters.area[0] in policy.AREA_COLUMNS:
        found.append(policy.AREA_COLUMNS[filters.area[0]] == filters.area[1])
    if filters.light:
        found += [_in(*OPEN), light_is(filters.light, now)]
    if filters.q:
        found.append(_said(filters.q))
    if filters.since:
        found.append(Case.accepted_at >= datetime.combine(filters.since, time(), BEIJING))
    if filters.until:
        found.append(Case.accepted_at <= datetime.combine(filters.until, time.max, BEIJING))
    return found


def _stem(code: str) -> str:
    """What all matters below a matter begin with: 100000 is class 10, 100100 is 1001."""
    while len(code) > 2 and code.endswith("00"):  # noqa: PLR2004 - two digits a level
        code = code[:-2]
    return code


def _box(box: str, viewer: Viewer, now: datetime) -> list[ColumnElement[bool]]:
    if box not in BOXES:
        raise Refusal("case.no_box", 422, field="box", box=box)
    found = [BOXES[box]]
    if box == "overdue":
        found.append(Case.due_at < now)
    if box == "to_assist":
        offices = [grant.org_id for grant in viewer.at(*policy.BY_OFFICE) if grant.org_id]
        asked = aliased(Dispatch)  # the list itself may be read through the dispatches
        mine = exists().where(asked.case_id == Case.id, asked.org_id.in_(offices), asked.part == "assist")
        found.append(mine.where(asked.ended_at.is_(None), asked.outcome.is_(None)))
    return found


def _said(words: str) -> ColumnElement[bool]:
    """A number, a telephone, or words in text or address. Words over the whole city are the search room's work."""
    plain = unicodedata.normalize("NFKC", words).strip()
    if plain.upper().startswith(("AS-", "#")) or ("-" in plain and plain.split("-")[-1].isdigit()):
        return Case.no == plain.upper().lstrip("#")
    if plain.isascii() and plain.isdigit() and len(plain) >= 7:  # noqa: PLR2004 - the shortest telephone number of the country
        mine = select(Reporter.case_id).where(Reporter.phone_blind == vault.blind("phone", plain))
        return Case.id.in_(mine)
    return or_(Case.text.contains(plain, autoescape=True), Case.address.contains(plain, autoescape=True))


def _branch(
    branch: Branch,
    sort: str,
    narrow: Sequence[ColumnElement[bool]],
    edge: tuple[Any, ...] | None,
    limit: int,
    *,
    running: bool,
) -> Select[Any]:
    """One branch of a list: entered at the edge of the page and read in the order of an index of its own.

    ``running``: only what is still to be done, so that an office's branch is entered by the parts that have not ended.
    """
    key, descending = SORTS[sort]
    ident: Any = Case.id
    query = select(Case.id.label("id"), key.label("key"))
    if branch.org_id is None:
        query = query.where(branch.where)
    else:
        if sort == "new":
            key, ident = Dispatch.accepted_at, Dispatch.case_id
        query = select(ident.label("id"), key.label("key")).distinct().select_from(Dispatch)
        query = query.join(Case, Dispatch.case_id == Case.id)
        query = query.where(Dispatch.org_id == branch.org_id, Dispatch.part == branch.part, branch.where)
        query = query.where(Dispatch.ended_at.is_(None)) if running else query
    if edge:
        row, bound = tuple_(key, ident), tuple_(literal(edge[0]), literal(edge[1]))
        query = query.where(row < bound if descending else row > bound)
    order = (key.desc(), ident.desc()) if descending else (key.asc(), ident.asc())
    return select(query.where(*narrow).order_by(*order).limit(limit).subquery())


def _running(filters: Filters, sort: str) -> bool:
    return sort == "due" or filters.light is not None or filters.box not in (None, "done")


def _branches(viewer: Viewer, running: bool) -> list[Branch]:
    """The viewer's branches. A lead that has not ended is the case's own lead, which is a branch already."""
    return [branch for branch in policy.visible_to(viewer) if not (running and branch.part == "lead")]


def listing(
    s: Session, viewer: Viewer, filters: Filters, *, sort: str = "new", after: str | None = None, limit: int = 50
) -> Page:
    """工单列表 — one keyset page. Every branch is read on its own, limited, and the branches are united: never one ``OR``."""
    if sort not in SORTS:
        raise Refusal("case.no_sort", 422, field="sort", sort=sort)
    descending = SORTS[sort][1]
    narrow = conditions(filters, viewer)
    if sort == "due":
        narrow = [*narrow, Case.due_at.is_not(None)]
    edge = decode_cursor(after, (moment, UUID)) if after else None
    running = _running(filters, sort)
    branches = [
        _branch(branch, sort, narrow, edge, limit + 1, running=running) for branch in _branches(viewer, running)
    ]
    if not branches:
        return Page([], None)
    ids = union(*branches).subquery()
    order = (ids.c.key.desc(), ids.c.id.desc()) if descending else (ids.c.key.asc(), ids.c.id.asc())
    found = s.execute(select(ids.c.id, ids.c.key).order_by(*order).limit(limit + 1)).all()
    rows = {case.id: case for case in s.scalars(select(Case).where(Case.id.in_([row.id for row in found[:limit]])))}
    last = found[limit - 1] if len(found) > limit else None
    return Page([rows[row.id] for row in found[:limit]], encode_cursor(last.key.isoformat(), last.id) if last else None)


def _counted(viewer: Viewer, filters: Filters) -> ScalarSelect[int]:
    """How many a list would have, up to ``COUNT_TO`` and one."""
    narrow, running = conditions(filters, viewer), _running(filters, "new")
    found: list[Select[Any]] = []
    for branch in _branches(viewer, running):
        if branch.org_id is None:  # in no order: whatever index is nearest
            query = select(Case.id.label("id")).where(branch.where, *narrow).limit(COUNT_TO + 1)
        else:
            query = _branch(branch, "new", narrow, None, COUNT_TO + 1, running=running)
        found.append(select(query.subquery().c.id))
    ids = select(union(*found).subquery().c.id) if found else select(Case.id).where(false())
    return select(func.count()).select_from(ids.limit(COUNT_TO + 1).subquery()).scalar_subquery()


def export(s: Session, viewer: Viewer, filters: Filters, most: int = 100_000) -> Iterator[Case]:
    """The whole list, page by page."""
    after, given = None, 0
    while given < most:
        found = listing(s, viewer, filters, after=after, limit=min(500, most - given))
        yield from found.rows
        given += len(found.rows)
        s.expunge_all()
        if (after := found.next) is None:
            return


# --- one case ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Whole:
    """A case with everything that hangs on it, each in its order."""

    case: Case
    reporter: Reporter
    clocks: Sequence[Clock]
    dispatches: Sequence[Dispatch]
    replies: Sequence[Reply]
    call_backs: Sequence[CallBack]
    extensions: Sequence[Extension]
    transfers: Sequence[Transfer]
    files: Sequence[tuple[CaseFile, File]]
    entries: dict[int, Entry]
    timeline: Sequence[events.News]
    related: dict[str, list[str]]


def one(s: Session, viewer: Viewer, no: str) -> Whole:
    """一张工单 — or 404, whether it is not there or not to be seen."""
    case = s.scalar(select(Case).where(Case.no == no, policy.may_see(viewer)))
    if case is None:
        raise not_found("case")
    return whole(s, case)


def whole(s: Session, case: Case) -> Whole:
    """Everything of a case that was already found visible."""

    def of(model: Any, *order: Any) -> Sequence[Any]:
        return s.scalars(select(model).where(model.case_id == case.id).order_by(*order)).all()

    attached = select(CaseFile, File).join(File, File.id == CaseFile.file_id).where(CaseFile.case_id == case.id)
    relations = select(Case.no, Case.merged_into_id, Case.part_of_id).where(
        or_(Case.merged_into_id == case.id, Case.part_of_id == case.id)
    )
    others = s.execute(relations.order_by(Case.no)).all()
    up = [other for other in (case.merged_into_id, case.part_of_id) if other]
    above = {row.id: row.no for row in s.execute(select(Case.id, Case.no).where(Case.id.in_(up)))} if up else {}
    return Whole(
        case,
        s.get_one(Reporter, case.id),
        of(Clock, Clock.started_at, Clock.id),
        of(Dispatch, Dispatch.at, Dispatch.part.desc(), Dispatch.id),
        of(Reply, Reply.at),
        of(CallBack, CallBack.at),
        of(Extension, Extension.asked_at),
        of(Transfer, Transfer.at),
        s.execute(attached.order_by(CaseFile.version, File.id)).all(),
        {entry.version: entry for entry in of(Entry, Entry.version)},
        events.timeline(s, case.id),
        {
            "merged": [row.no for row in others if row.merged_into_id == case.id],
            "parts": [row.no for row in others if row.part_of_id == case.id],
            "merged_into": [above[case.merged_into_id]] if case.merged_into_id else [],
            "part_of": [above[case.part_of_id]] if case.part_of_id else [],
        },
    )


def by_token(s: Session, no: str, token: str | None, last4: str | None) -> Case:
    """公开查询 — with the token, or with the last four digits of the telephone; everything else is one and the same 404."""
    case = s.scalar(select(Case).where(Case.no == no.strip().upper()))
    if case is None:
        raise not_found("case")
    if token and _same(policy.said_token(token), policy.token_of(case.id)):
        return case
    reporter = s.get_one(Reporter, case.id)
    if (
        last4
        and reporter.last4_blind
        and _same(vault.blind(f"last4:{case.id}", last4).hex(), reporter.last4_blind.hex())
    ):
        return case
    raise not_found("case")


def may_see_file(s: Session, viewer: Viewer, file_id: UUID) -> bool:
    """Whether a file belongs to a case that the viewer may see."""
    query = select(CaseFile.file_id).join(Case, Case.id == CaseFile.case_id)
    return s.scalar(query.where(CaseFile.file_id == file_id, policy.may_see(viewer)).limit(1)) is not None


def earlier_of(s: Session, viewer: Viewer, phone: str, limit: int = 10) -> Sequence[Case]:
    """来电人历史工单 — the caller's newest cases that the viewer may see."""
    query = (
        select(Case).join(Reporter).where(Reporter.phone_blind == vault.blind("phone", phone), policy.may_see(viewer))
    )
    return s.scalars(query.order_by(Case.accepted_at.desc()).limit(limit)).all()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def areas_named(s: Session, ids: Sequence[UUID | None]) -> dict[UUID, str]:
    """Names of areas for rows of a list."""
    wanted = [area for area in ids if area]
    return dict(s.execute(select(Area.id, Area.name).where(Area.id.in_(wanted))).all()) if wanted else {}


def counts(s: Session, viewer: Viewer, filters: Filters) -> dict[str, Any]:
    """Each box and each light, narrowed by everything but the box itself: exact up to a thousand, then "more". One statement."""
    base = replace(filters, box=None, state=None)
    asked = {("boxes", box): replace(base, box=box) for box in BOXES}
    asked |= {("lights", light): replace(filters, light=light) for light in ("green", "amber", "red")}
    found = s.execute(select(*[_counted(viewer, each).label("_".join(name)) for name, each in asked.items()])).one()
    told: dict[str, Any] = {"boxes": {}, "lights": {}}
    for (group, name), number in zip(asked, found, strict=True):
        told[group][name] = {"n": min(number, COUNT_TO), "more": number > COUNT_TO}
    return told


def visible_likenesses(s: Session, viewer: Viewer, like: Sequence[Likeness]) -> list[Likeness]:
    """Of likely duplicates only those that the viewer may see."""
    ids = [one.candidate.id for one in like]
    seen = set(s.scalars(select(Case.id).where(Case.id.in_(ids), policy.may_see(viewer)))) if ids else set()
    return [one for one in like if one.candidate.id in seen]
