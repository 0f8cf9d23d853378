"""From rows to the wire: codes and ids become names from what this process remembers."""

from collections.abc import Iterable
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shiyu.cases.actions.act import buttons
from shiyu.cases.actions.intake import Accepted
from shiyu.cases.lifecycle import DECIDES, KEPT_TEXTS, LIFECYCLE, OPEN, PUBLIC_TEXTS, PUBLIC_VERBS
from shiyu.cases.models import Bar, Case, Clock
from shiyu.cases.policy import MAY_KNOW_CONFIDENTIAL, roles, token_of
from shiyu.cases.queries import Whole
from shiyu.cases.schemas.outputs import (
    CaseOut,
    CaseRow,
    ClockOut,
    FileOut,
    Named,
    Point,
    PublicCase,
    Receipt,
    ReporterOut,
    ReportOut,
    TimelineOut,
    Words,
)
from shiyu.cases.triage import Likeness, Triage
from shiyu.directory import orgs
from shiyu.directory.gazetteer import Because, Gazetteer, gazetteer
from shiyu.kernel import clock, words
from shiyu.kernel.auth import Account, Viewer
from shiyu.law.book import LawBook, book


def light(started: datetime | None, amber: datetime | None, due: datetime | None, state: str) -> str | None:
    """红黄绿灯 — of an open promise: green, amber when three quarters of its working time are spent, red when overdue."""
    if due is None or started is None or state not in OPEN:
        return None
    now = clock.now()
    if due < now:
        return "red"
    return "amber" if amber is not None and amber < now else "green"


class Speaker:
    """Turns codes and ids into names from what this process remembers; asks the database nothing per row."""

    def __init__(self, s: Session) -> None:
        self.law: LawBook = book(s)
        self.places: Gazetteer = gazetteer(s)
        self.orgs = orgs.labels(s)

    def matter(self, code: str | None) -> Named | None:
        """The matter of a code."""
        found = self.law.matter(code) if code else None
        return Named(code=found.code, name=found.name, name_en=found.name_en) if found else None

    def org(self, org_id: UUID | None) -> Named | None:
        """The office of an id."""
        found = self.orgs.get(org_id) if org_id else None
        return Named(code=found[0], name=found[1]) if found else None

    def area(self, case: Case) -> str | None:
        """The whole name of the finest area of a case."""
        ids = (case.cell_id, case.grid_id, case.community_id, case.town_id, case.county_id)
        finest = next((area for area in ids if area), None)
        return self.places.lineage(finest).name if finest else None

    def row(self, case: Case) -> dict[str, Any]:
        """The fields of ``CaseRow``."""
        return {
            "no": case.no,
            "version": case.version,
            "state": case.state,
            "kind": case.kind,
            "urgency": case.urgency,
            "text": case.text if len(case.text) <= 120 else case.text[:119] + "…",  # noqa: PLR2004 - a line's length
            "matter": self.matter(case.matter),
            "area_name": self.area(case),
            "address": case.address,
            "lead_org": self.org(case.lead_org_id),
            "channel": case.channel,
            "accepted_at": case.accepted_at,
            "due_at": case.due_at,
            "light": light(case.started_at, case.amber_at, case.due_at, case.state),
            "confidential": case.confidential,
            "duplicates": case.duplicates,
            "rounds": case.rounds,
            "reworks": case.reworks,
        }

    def rows(self, cases: Iterable[Case]) -> list[CaseRow]:
        """Lines of a list."""
        return [CaseRow(**self.row(case)) for case in cases]


def case_out(s: Session, viewer: Viewer, whole: Whole) -> CaseOut:
    """A case for those who work on it."""
    say, case = Speaker(s), whole.case
    can = buttons(s, viewer, case)
    lines = {name: LIFECYCLE.find(case.state, name) for name in can}
    files = [FileOut.of(file, "/api/files", link.verb, link.version) for link, file in whole.files]
    ids = (case.cell_id, case.grid_id, case.community_id, case.town_id, case.county_id)
    own = roles(s, viewer, case)
    may_know, decides = not case.confidential or bool(own & MAY_KNOW_CONFIDENTIAL), bool(own & DECIDES)
    finest = next((area for area in ids if area), None)
    path = say.places.lineage(finest).path if finest else ()
    return CaseOut(
        **{**say.row(case), "text": case.text},
        position=Point(lon=case.lon, lat=case.lat) if case.lon is not None and case.lat is not None else None,
        lineage=[{"code": node.code, "name": node.name, "level": node.level} for node in path],
        reporter=ReporterOut(
            name_masked=whole.reporter.name_masked if may_know else None,
            phone_masked=whole.reporter.phone_masked if may_know else None,
            anonymous=whole.reporter.anonymous,
            confidential=case.confidential,
        ),
        convener=say.org(case.convener_org_id),
        designated=case.designated,
        solved=case.solved,
        satisfied=case.satisfied,
        closed_at=case.closed_at,
        clocks=[clock_out(say, row) for row in whole.clocks],
        dispatches=[
            _row(
                row,
                "part",
                "round",
                "at",
                "designated",
                "signed_at",
                "ended_at",
                "outcome",
                "ground",
                org=say.org(row.org_id),
            )
            for row in whole.dispatches
        ],
        replies=[_row(row, "id", "text", "at", "sent_at", "by_name", org=say.org(row.org_id)) for row in whole.replies],
        call_backs=[
            _row(row, "round", "at", "channel", "result", "solved", "satisfied", "text", "by_name")
            for row in whole.call_backs
        ],
        extensions=[
            _row(row, "id", "ground", "text", "asked_at", "until", "basis", "approved", "decided_at")
            for row in whole.extensions
        ],
        transfers=[_row(row, "to", "at", "confirmed_at", "bounced_at", "receipt", "ground") for row in whole.transfers],
        bars=_bars(s, say, case) if decides else [],
        files=files,
        triage=suggestion_kept(say, case),
        merged_into=next(iter(whole.related["merged_into"]), None),
        merged=whole.related["merged"],
        part_of=next(iter(whole.related["part_of"]), None),
        parts=whole.related["parts"],
        timeline=[
            one if decides or one.verb not in KEPT_TEXTS else one.model_copy(update={"text": None})
            for one in timeline(say, whole, files)
        ],
        can=can,
        needs={name: list(line.needs) for name, line in lines.items() if line},
    )


def _bars(s: Session, say: Speaker, case: Case) -> list[dict[str, Any]]:
    """Who had to step back; for those who decide on it."""
    query = select(Bar, Account.username, Account.name).outerjoin(Account, Account.id == Bar.account_id)
    rows = s.execute(query.where(Bar.case_id == case.id).order_by(Bar.at, Bar.id))
    return [
        _row(row, "id", "why", "at", "ended_at", org=say.org(row.org_id), account=username, name=name)
        for row, username, name in rows
    ]


def clock_out(say: Speaker, row: Clock) -> ClockOut:
    """A promise, with its light while it runs."""
    running = row.stopped_at is None and row.paused_at is None
    return ClockOut(
        id=row.id,
        kind=row.kind,
        org=say.org(row.org_id),
        started_at=row.started_at,
        due_at=row.due_at,
        stopped_at=row.stopped_at,
        paused_at=row.paused_at,
        basis=row.basis,
        uncertain=row.uncertain,
        light=light(row.started_at, row.amber_at, row.due_at, OPEN[0]) if running else None,
    )


def timeline(say: Speaker, whole: Whole, files: list[FileOut]) -> list[TimelineOut]:
    """Events with the words, people and files that went with them."""
    found = []
    for news in whole.timeline:
        verb = news.data.get("verb") or news.kind.removeprefix("case.").replace("accepted", "accept")
        entry = whole.entries.get(news.version)
        org = news.data.get("org_id") or news.data.get("lead_org_id")
        named = say.org(UUID(org)) if org else None
        facts = {
            name: value for name, value in news.data.items() if name not in {"verb", "org_id"} and value is not None
        }
        if "assist_org_ids" in facts:
            named_assists = [say.org(UUID(one)) for one in facts.pop("assist_org_ids")]
            facts["assists"] = [one.name for one in named_assists if one]
        found.append(
            TimelineOut(
                at=news.at,
                version=news.version,
                verb=verb,
                label=words.both(f"did.{verb}"),
                by_name=entry.by_name if entry else None,
                org_name=named.name if named else None,
                text=entry.text if entry else None,
                facts=facts,
                files=[file for file in files if file.version == news.version and file.verb == verb],
            )
        )
    return found


def promise(clocks: Iterable[Clock]) -> Clock | None:
    """What the reporter may count on: by when it is handled, before that by when somebody turns to it."""
    running = [row for row in clocks if row.stopped_at is None and row.paused_at is None]
    promised = [row for row in running if row.kind in ("handle", "rework")] or running
    return min(promised, key=lambda row: row.due_at, default=None)


def receipt(s: Session, accepted: Accepted) -> Receipt:
    """受理回执 — for staff: of a case that was accepted now, or had been before."""
    return Receipt(**_receipt(s, accepted))


def report_out(s: Session, accepted: Accepted) -> ReportOut:
    """受理回执 — for the reporter."""
    return ReportOut(**_receipt(s, accepted), token=accepted.token)


def _receipt(s: Session, accepted: Accepted) -> dict[str, Any]:
    say = Speaker(s)
    case, clocks = _written(accepted) if accepted.rows else _kept(s, accepted.id)
    first, office = promise(clocks), say.org(case.lead_org_id)
    return {
        "no": accepted.no,
        "known": accepted.known,
        "state": case.state,
        "accepted_at": case.accepted_at,
        "due_at": first.due_at if first else None,
        "due_basis": first.basis if first else None,
        "matter": say.matter(case.matter),
        "area_name": say.area(case),
        "office_name": office.name if office else None,
    }


def _written(accepted: Accepted) -> tuple[Any, list[Any]]:
    """What was written this moment need not be read."""
    clocks = [SimpleNamespace(**row, stopped_at=None, paused_at=None) for row in accepted.rows["clock"]]
    return SimpleNamespace(**accepted.rows["case"][0]), clocks


def _kept(s: Session, case_id: UUID) -> tuple[Any, list[Any]]:
    return s.get_one(Case, case_id), list(s.scalars(select(Clock).where(Clock.case_id == case_id)))


def public_case(s: Session, viewer: Viewer, whole: Whole) -> PublicCase:
    """A case for its reporter: public verbs, the words that were meant for him, no names of staff."""
    say, case = Speaker(s), whole.case
    sent = [row for row in whole.replies if row.sent_at]
    asked = [row for row in whole.call_backs if row.result == "reached"]
    first = promise(whole.clocks)
    base = f"/api/public/cases/{case.no}/files"
    files = [FileOut.of(file, base, link.verb, link.version) for link, file in whole.files if link.public]
    office = say.org(case.lead_org_id)
    return PublicCase(
        no=case.no,
        token=token_of(case.id),
        state=case.state,
        kind=case.kind,
        text=case.text,
        address=case.address,
        area_name=say.area(case),
        accepted_at=case.accepted_at,
        due_at=first.due_at if first else None,
        due_basis=first.basis if first else None,
        matter=say.matter(case.matter),
        office_name=office.name if office else None,
        timeline=[
            {
                "at": one.at,
                "verb": one.verb,
                "label": one.label,
                "org_name": one.org_name,
                "text": one.text if one.verb in PUBLIC_TEXTS else None,
                "files": [file for file in files if file.version == one.version and file.verb == one.verb],
            }
            for one in timeline(say, whole, files)
            if one.verb in PUBLIC_VERBS
        ],
        reply=_row(sent[-1], "text", "at", org_name=office.name if office else None) if sent else None,
        call_back=_row(asked[-1], "at", "solved", "satisfied", "text") if asked else None,
        files=[file for file in files if file.verb == "accept"],
        can=[name for name in buttons(s, viewer, case) if name in PUBLIC_VERBS],
    )


def suggestion_kept(say: Speaker, case: Case) -> dict[str, Any]:
    """The suggestion kept with a case, its codes turned into names and its reasons into sentences."""
    kept = dict(case.triage)
    offices = dict(say.orgs.values())
    owner = kept.get("owner")
    if owner:
        kept["owner"] = {
            **owner,
            "lead": _office(owner["lead"], offices),
            "assists": [_office(code, offices) for code in owner["assists"]],
            "convener": _office(owner["convener"], offices) if owner.get("convener") else None,
            "because": [_reason(_named(say, one)) for one in owner["because"]],
        }
    matter = say.matter(kept.get("matter"))
    kept["matter"] = matter.model_dump() if matter else None
    kept["because"] = [_reason(one) for one in kept.get("because", ())]
    runners = [(say.matter(code), score) for code, score in kept.get("runners", ())]
    kept["runners"] = [{**one.model_dump(), "score": score} for one, score in runners if one]
    if kept.get("place"):
        kept["place"] = {**kept["place"], "because": [_reason(one) for one in kept["place"]["because"]]}
    kept["duplicates"] = [{"no": no, "score": score} for no, score in kept.pop("like", ())]
    return kept


def suggestion(s: Session, thought: Triage, like: list[Likeness]) -> dict[str, Any]:
    """A fresh suggestion, for the form that is being filled in."""
    say = Speaker(s)
    kept = suggestion_kept(say, Case(triage={**thought.kept(), "like": []}))
    kept["kind"], kept["urgency"] = thought.kind, thought.urgency
    kept["clocks"] = [
        {"kind": kind, "due_at": due.at, "basis": due.rule.basis, "uncertain": due.uncertain}
        for kind, due in thought.due.items()
    ]
    kept["duplicates"] = [
        {
            "no": one.candidate.no,
            "text": one.candidate.text[:120],
            "state": one.candidate.state,
            "score": round(one.score, 3),
            "because": [_said(reason) for reason in one.because],
            "metres": round(one.metres) if one.metres is not None else None,
            "accepted_at": one.candidate.accepted_at,
        }
        for one in like
    ]
    if thought.located and thought.located.point:
        kept["place"] |= {"lon": thought.located.point[0], "lat": thought.located.point[1]}
    return kept


def _row(row: Any, *names: str, **more: Any) -> dict[str, Any]:
    return {**{name: getattr(row, name) for name in names}, **more}


def _named(say: Speaker, kept: dict[str, Any]) -> dict[str, Any]:
    """A reason of the duties with names beside its codes: matter 0302 is 老旧小区与住区公共设施."""
    offices = dict(say.orgs.values())
    facts = dict(kept["facts"])
    if (code := facts.get("matter")) and (entry := say.law.matter(code.ljust(6, "0"))):
        facts["matter"] = f"{entry.name} ({code})"
    if (code := facts.get("area")) and (lineage := say.places.by_code(code)):
        facts["area"] = lineage.name
    if code := facts.get("lead"):
        facts["lead"] = offices.get(code, code)
    return {**kept, "facts": facts}


def _office(code: str, offices: dict[str, str]) -> dict[str, str]:
    return {"code": code, "name": offices.get(code, code)}


def _reason(kept: dict[str, Any]) -> Words:
    return words.both(f"because.{kept['code']}", **kept["facts"])


def _said(reason: Because) -> Words:
    return words.both(f"because.{reason.code}", **reason.facts)
