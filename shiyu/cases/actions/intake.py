"""受理 — a report becomes a case: located, classed, given its clocks, and dispatched when nobody need look.

Thinking happens before the rows are written; all rows of all reports are written by one statement, so that one report and a
hundred cost nearly the same. The same (channel, key) is the same case, however often it is sent.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Table, insert, select, text, tuple_
from sqlalchemy.orm import Session

from shiyu.cases import triage
from shiyu.cases.events import CaseAccepted, CaseDispatched, CaseRecorded
from shiyu.cases.lifecycle import S
from shiyu.cases.models import Bar, Case, CaseFile, Clock, Dispatch, Reporter
from shiyu.cases.policy import token_of
from shiyu.cases.triage import Candidate, Likeness, Triage, Word
from shiyu.directory import orgs
from shiyu.directory.gazetteer import Gazetteer, gazetteer
from shiyu.kernel import clock, events, files, vault
from shiyu.kernel.auth import Viewer
from shiyu.kernel.config import settings
from shiyu.kernel.db import new_id
from shiyu.kernel.errors import Refusal
from shiyu.law.book import LawBook, book
from shiyu.law.limits import Due

LOOK_BACK = timedelta(days=60)  # how far back an earlier case may be the same thing
KEEP_LIKE = 5  # so many likenesses are kept with a case


@dataclass(frozen=True, slots=True)
class Report:
    """诉求 — one voice as it came in. Positions are WGS-84 degrees; ``at`` only for reports of the past (import).

    ``against``: codes of the offices that a tip-off (举报) is about; they never see it.
    """

    key: str
    channel: str
    text: str
    kind: str | None = None
    matter: str | None = None
    urgency: str | None = None
    address: str | None = None
    lon: float | None = None
    lat: float | None = None
    name: str | None = None
    phone: str | None = None
    anonymous: bool = False
    confidential: bool = False
    file_ids: tuple[UUID, ...] = ()
    at: datetime | None = None
    historic: bool = False
    part_of: UUID | None = None
    account_id: UUID | None = None
    against: tuple[str, ...] = ()

    def word(self) -> Word:
        """What triage looks at."""
        return Word(self.text, self.address, self.lon, self.lat, self.kind, self.matter, self.urgency)


Rows = dict[str, list[dict[str, Any]]]  # of one case or of many, by the name of the table


@dataclass(frozen=True, slots=True)
class Accepted:
    """受理回执 — the case of a report. ``known``: this report had been received before; else ``rows`` are what was written."""

    id: UUID
    no: str
    token: str
    known: bool
    rows: Rows = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Thought:
    """A report with what triage thinks of it, and the moment of thinking, from which its clocks run."""

    report: Report
    triage: Triage
    at: datetime


@dataclass(slots=True)
class _Draft:
    """One case before it is written."""

    report: Report
    thought: Triage
    now: datetime
    like: list[Likeness]
    against: list[UUID]
    id: UUID = field(default_factory=new_id)
    rows: Rows = field(default_factory=dict)


def accept(s: Session, viewer: Viewer, report: Report) -> Accepted:
    """受理 — one report."""
    return accept_many(s, viewer, [report])[0]


def accept_many(s: Session, viewer: Viewer, reports: Sequence[Report]) -> list[Accepted]:
    """受理 — many reports in one act; answers in their order. A refused report refuses all: callers check rows one by one."""
    law, places, now = book(s), gazetteer(s), clock.now()
    return write(s, viewer, [Thought(report, _think(report, law, places, now), now) for report in reports])


def think(s: Session, report: Report) -> Thought:
    """研判 — the first half of ``accept``: everything that may refuse a report for itself, and nothing that needs the database."""
    now = clock.now()
    return Thought(report, _think(report, book(s), gazetteer(s), now), now)


def write(s: Session, viewer: Viewer, thoughts: Sequence[Thought]) -> list[Accepted]:
    """受理 — the second half of ``accept``: the rows of all reports, in one statement."""
    law = book(s)
    drafts = [
        _Draft(one.report, one.triage, one.at, like, _accused(s, one.report))
        for one, like in zip(thoughts, _likes(s, thoughts, law), strict=True)
    ]
    for draft in drafts:
        draft.rows = _rows(s, viewer, draft, law)
    rows = {name: [row for draft in drafts for row in draft.rows[name]] for name in _TABLES}
    new = {row.id: row.no for row in s.execute(_INSERT, _parameters(rows))}
    for draft in drafts:
        if draft.id in new and draft.report.file_ids:
            attach(s, viewer, draft.id, draft.report.file_ids, version=1, verb="accept", public=True)
        if draft.id in new and draft.against:
            rows_of = [{"case_id": draft.id, "org_id": org, "why": "accused", "at": draft.now} for org in draft.against]
            s.execute(insert(Bar), [{**row, "by_id": viewer.id} for row in rows_of])
    if new:
        events.mark(s)
    return _answers(s, drafts, new)


def consider(s: Session, report: Report) -> Triage:
    """研判 — what ``accept`` would think of a report; refuses what it would refuse and writes nothing."""
    return _think(report, book(s), gazetteer(s), clock.now())


def _think(report: Report, law: LawBook, places: Gazetteer, now: datetime) -> Triage:
    # A case of the past gets its place and class by today's books: those of its own day may never have been loaded.
    moment = now if report.historic else report.at or now
    thought = triage.think(report.word(), law, places, moment)
    if report.lon is not None and thought.located is None:
        raise Refusal("case.outside_city", 422, field="position")
    if report.matter and law.matter(report.matter) is None:
        raise Refusal("case.no_matter", 422, field="matter", matter=report.matter)
    return thought


def _likes(s: Session, thoughts: Sequence[Thought], law: LawBook) -> list[list[Likeness]]:
    """Likely duplicates of what is said today; a case of the past is not compared with the present."""
    if all(one.report.historic for one in thoughts):
        return [[] for _ in thoughts]
    words = [(one.report.word(), one.triage) for one in thoughts]
    found = find_like(s, words, law, max(one.at for one in thoughts))
    return [[] if one.report.historic else like for one, like in zip(thoughts, found, strict=True)]


def _answers(s: Session, drafts: Iterable[_Draft], new: dict[UUID, str]) -> list[Accepted]:
    missed = [(draft.report.channel, draft.report.key) for draft in drafts if draft.id not in new]
    known: dict[tuple[str, str], tuple[UUID, str]] = {}
    if missed:
        query = select(Case.channel, Case.key, Case.id, Case.no).where(tuple_(Case.channel, Case.key).in_(missed))
        known = {(channel, key): (case_id, no) for channel, key, case_id, no in s.execute(query)}
    answers = []
    for draft in drafts:
        if draft.id in new:
            answers.append(Accepted(draft.id, new[draft.id], token_of(draft.id), known=False, rows=draft.rows))
        else:
            case_id, no = known[draft.report.channel, draft.report.key]
            answers.append(Accepted(case_id, no, token_of(case_id), known=True))
    return answers


def attach(
    s: Session, viewer: Viewer, case_id: UUID, file_ids: Iterable[UUID], *, version: int, verb: str, public: bool
) -> None:
    """Bind uploaded files to an act of a case."""
    for file in files.claim(s, file_ids, viewer):
        s.add(CaseFile(case_id=case_id, file_id=file.id, version=version, verb=verb, public=public))
    s.flush()


# --- has it been said before ---------------------------------------------------------------------------------------------

# For each report the newest of its kind in its community and the newest of any kind in its grid; both read one index from its end.
_CANDIDATES = text("""
select distinct on (w.i, c.id) w.i, c.id, c.no, c.text, c.state, c.matter, c.cell_id, c.grid_id, c.lon, c.lat, c.accepted_at
  from unnest(cast(:i as int[]), cast(:community as uuid[]), cast(:grid as uuid[]), cast(:matter as text[]))
       as w(i, community, grid, matter)
 cross join lateral (
    (select * from cases."case" o
      where o.community_id = w.community and o.matter = w.matter and o.accepted_at > :since
      order by o.accepted_at desc limit 8)
    union all
    (select * from cases."case" o
      where o.grid_id = w.grid and o.accepted_at > :since
      order by o.accepted_at desc limit 8)
 ) c
 where c.state not in ('merged', 'withdrawn') and c.exercise_id is null and c.accepted_at <= :now
""")


def find_like(s: Session, words: Sequence[tuple[Word, Triage]], law: LawBook, now: datetime) -> list[list[Likeness]]:
    """疑似重复 — for each report the earlier cases that are like it. Candidates by SQL, compared by a pure function."""
    asked = [(i, thought) for i, (_, thought) in enumerate(words) if thought.lineage and thought.lineage.community]
    if not asked:
        return [[] for _ in words]
    ids = [(i, thought.lineage.ids(), thought.matter) for i, thought in asked if thought.lineage]
    rows = s.execute(
        _CANDIDATES,
        {
            "i": [i for i, _, _ in ids],
            "community": [at["community_id"] for _, at, _ in ids],
            "grid": [at["grid_id"] for _, at, _ in ids],
            "matter": [matter for _, _, matter in ids],
            "since": now - LOOK_BACK,
            "now": now,
        },
    ).all()
    others: dict[int, list[Candidate]] = {}
    for row in rows:
        others.setdefault(row.i, []).append(Candidate(*row[1:]))
    least = law.threshold("duplicate.likeness", now)
    return [
        triage.likenesses(word, thought.located, others.get(i, ()), least, now)[:KEEP_LIKE]
        for i, (word, thought) in enumerate(words)
    ]


# --- the rows ------------------------------------------------------------------------------------------------------------

_TABLES: dict[str, Any] = {
    "case": Case,
    "reporter": Reporter,
    "clock": Clock,
    "dispatch": Dispatch,
    "event": events.Event,
}


def _rows(s: Session, viewer: Viewer, draft: _Draft, law: LawBook) -> Rows:
    report, thought, now = draft.report, draft.thought, draft.now
    at = report.at or now
    lead, assists, convener = _offices(s, thought)
    free = not set(draft.against) & {lead, *assists}
    direct = thought.direct and free and lead is not None and not report.historic and report.part_of is None
    clocks = [] if report.historic else _clocks(draft, law, direct, lead, assists, at)
    area = thought.lineage.area_id if thought.lineage else None
    first = CaseRecorded if report.historic else CaseAccepted
    told = {} if report.historic else {"direct": direct}
    facts: list[Any] = [first(draft.id, 1, report.channel, thought.matter, area, thought.kind, **told)]
    parts: list[tuple[UUID, str]] = []
    if direct and lead:
        parts = [(lead, "lead"), *((org, "assist") for org in assists)]
        facts.append(CaseDispatched(draft.id, 2, "dispatch", lead, [str(org) for org in assists], 1))
    return {
        "case": [_case_row(draft, viewer, at, direct, lead, convener, clocks)],
        "reporter": [_reporter_row(draft)],
        "clock": clocks,
        "dispatch": [_dispatch_row(draft.id, org, part, at) for org, part in parts],
        "event": [events.row_of(fact, viewer.id, now, viewer.exercise_id) for fact in facts],
    }


def _accused(s: Session, report: Report) -> list[UUID]:
    codes = orgs.ids(s) if report.against else {}
    if unknown := next((code for code in report.against if code not in codes), None):
        raise Refusal("case.no_office", 422, field="against", given=unknown)
    return list(dict.fromkeys(codes[code] for code in report.against))


def _offices(s: Session, thought: Triage) -> tuple[UUID | None, list[UUID], UUID | None]:
    if thought.owner is None or thought.lineage is None:
        return None, [], None
    codes = orgs.ids(s)
    owner = thought.owner
    assists = [codes[code] for code in owner.assist_codes if code in codes]
    return codes.get(owner.lead_code), assists, codes.get(triage.convener_of(owner, thought.lineage) or "")


def _case_row(
    draft: _Draft,
    viewer: Viewer,
    at: datetime,
    direct: bool,
    lead: UUID | None,
    convener: UUID | None,
    clocks: list[dict[str, Any]],
) -> dict[str, Any]:
    report, thought = draft.report, draft.thought
    ids = thought.lineage.ids() if thought.lineage else {}
    first = min(clocks, key=lambda row: row["due_at"], default=None)
    kept = thought.kept()
    kept["like"] = [[like.candidate.no, round(like.score, 3)] for like in draft.like]
    return {
        "id": draft.id,
        "version": 2 if direct else 1,
        "state": S.CLOSED if report.historic else S.DISPATCHED if direct else S.REGISTERED,
        "channel": report.channel,
        "key": report.key,
        "kind": thought.kind,
        "urgency": thought.urgency,
        "text": report.text,
        "address": report.address,
        "matter": thought.matter,
        "lon": report.lon,
        "lat": report.lat,
        **{name: ids.get(name) for name in ("county_id", "town_id", "community_id", "grid_id", "cell_id")},
        "lead_org_id": lead if direct else None,
        "convener_org_id": convener,
        "confidential": report.confidential,
        "triage": kept,
        "rounds": 1 if direct else 0,
        "designated": False,
        "reworks": 0,
        "duplicates": len(draft.like),
        "historic": report.historic,
        "part_of_id": report.part_of,
        "accepted_at": at,
        "started_at": first["started_at"] if first else None,
        "amber_at": first["amber_at"] if first else None,
        "due_at": first["due_at"] if first else None,
        "closed_at": at if report.historic else None,
        "changed_at": draft.now,
        "created_by": viewer.id,
        "exercise_id": viewer.exercise_id,
    }


def _reporter_row(draft: _Draft) -> dict[str, Any]:
    report, case_id = draft.report, draft.id
    phone = report.phone or None
    name = report.name or None
    digits = "".join(c for c in phone or "" if c.isdigit())
    return {
        "case_id": case_id,
        "anonymous": report.anonymous,
        "name_sealed": _hex(vault.seal(name, f"cases.reporter.name:{case_id}")) if name else None,
        "phone_sealed": _hex(vault.seal(phone, f"cases.reporter.phone:{case_id}")) if phone else None,
        "phone_blind": _hex(vault.blind("phone", phone)) if phone else None,
        "last4_blind": _hex(vault.blind(f"last4:{case_id}", digits[-4:])) if digits else None,
        "name_masked": vault.mask_name(name) if name else None,
        "phone_masked": vault.mask_phone(phone) if phone else None,
        "account_id": report.account_id,
    }


def _clocks(
    draft: _Draft, law: LawBook, direct: bool, lead: UUID | None, assists: Iterable[UUID], at: datetime
) -> list[dict[str, Any]]:
    thought = draft.thought

    def due(kind: str) -> Due:
        return law.due(thought.matter, kind, at, kind=thought.kind, level=thought.urgency)

    promises = dict(thought.due)
    if not direct and "sign" in promises:  # the office was not found after all: a dispatcher must look
        del promises["sign"]
        promises["dispatch"] = due("dispatch")
    rows = [
        clock_row(law, draft.id, kind, promise, at, lead if kind == "sign" else None)
        for kind, promise in promises.items()
    ]
    if direct:
        rows += [clock_row(law, draft.id, "assist", due("assist"), at, org) for org in assists]
    return rows


def clock_row(law: LawBook, case_id: UUID, kind: str, due: Due, at: datetime, org_id: UUID | None) -> dict[str, Any]:
    """The row of one promise."""
    return {
        "id": new_id(),
        "case_id": case_id,
        "kind": kind,
        "org_id": org_id,
        "started_at": at,
        "amber_at": law.amber(at, due),
        "due_at": due.at,
        "pauses": [],
        "rule_id": due.rule_id,
        "basis": due.rule.basis,
        "uncertain": due.uncertain,
    }


def _dispatch_row(case_id: UUID, org_id: UUID, part: str, at: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "case_id": case_id,
        "org_id": org_id,
        "part": part,
        "round": 1,
        "accepted_at": at,
        "at": at,
        "by_id": None,
        "designated": False,
    }


def _hex(sealed: bytes) -> str:
    return "\\x" + sealed.hex()


def _insert(name: str, joined: bool) -> str:
    table: Table = _TABLES[name].__table__
    skip = {"seq", "xid"} if name == "event" else set()
    columns = [c.name for c in table.columns if c.name not in skip]
    values = [
        ":prefix || lpad(nextval('cases.case_number')::text, 6, '0')" if c == "no" else f'r."{c}"' for c in columns
    ]
    key = "subject_id" if name == "event" else "case_id"
    join = f' join new on new.id = r."{key}"' if joined else ""
    target = f'{table.schema}."{table.name}"'
    names = ", ".join(f'"{c}"' for c in columns)
    return (
        f"insert into {target} ({names}) select {', '.join(values)} "
        f"from json_populate_recordset(null::{target}, cast(:{name} as json)) r{join}"
    )


_INSERT = text(
    f"with new as ({_insert('case', False)} on conflict (channel, key) do nothing returning id, no), "
    + ", ".join(f"of_{name} as ({_insert(name, True)})" for name in _TABLES if name != "case")
    + " select id, no from new"
)


def _parameters(rows: Rows) -> dict[str, str]:
    packed = {name: orjson.dumps(found).decode() for name, found in rows.items()}
    return {**packed, "prefix": f"{settings().case_prefix}-{clock.beijing(clock.now()).year}-"}
