"""依据接口 — the law, readable by anybody: matters, what they are owed and by whom, grounds, limits, the calendar."""

from datetime import date, datetime, time
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import WithJsonSchema
from sqlalchemy.orm import Session

from shiyu.directory import orgs, places
from shiyu.kernel import clock, words
from shiyu.kernel.auth import Viewer
from shiyu.kernel.errors import Refusal
from shiyu.kernel.web import PROBLEMS, Output, anyone, reading
from shiyu.law import duties, edition, grounds, holidays, limits, matters
from shiyu.law.duties import Owner
from shiyu.law.limits import ANY, CLOCKS, Due, Limit
from shiyu.law.matters import Entry

router = APIRouter(prefix="/api", tags=["依据 law"], responses=PROBLEMS)

Kind = Literal["consult", "inquiry", "suggest", "opinion", "help", "complaint", "report", "praise"]
Urgency = Literal["normal", "urgent", "danger"]


class MatterOut(Output):
    """诉求事项 — one matter of the tree. ``kind`` and ``urgency`` are the usual ones, on the third level only."""

    code: str
    name: str
    name_en: str
    level: int
    parent: str | None
    kind: Kind | None
    urgency: Urgency | None
    path: str
    synonyms: list[str]


class LimitOut(Output):
    """办理时限 — one row; ``say`` is the term in words."""

    id: str
    matter: str
    kind: str
    clock: str
    level: str
    amount: int
    unit: str
    day_one: str
    stops_on: list[str]
    say: dict[str, str]
    basis: str
    valid_from: date
    valid_to: date | None

    @classmethod
    def of(cls, row: Limit) -> "LimitOut":
        """From a row."""
        said = {lang: row.say(lang) for lang in words.LANGUAGES}
        fields = {name: getattr(row, name) for name in Limit.__dataclass_fields__ if name != "stops_on"}
        return cls(id=row.id, say=said, stops_on=list(row.stops_on), **fields)


class DueOut(Output):
    """应办时间 — when a clock that starts now would be due; ``doubt`` is said where holidays are not yet published."""

    clock: str
    at: datetime
    doubt: dict[str, str] | None
    limit: LimitOut

    @classmethod
    def of(cls, due: Due) -> "DueOut":
        """From a reckoning."""
        doubt = words.both("law.uncertain", years=due.uncertain) if due.uncertain else None
        return cls(clock=due.rule.clock, at=due.at, doubt=doubt, limit=LimitOut.of(due.rule))


class OfficeOut(Output):
    """An office by code; the name where the directory has it."""

    code: str
    name: str | None


class OwnerOut(Output):
    """承办建议 — who would lead and assist, and why."""

    lead: OfficeOut
    assist: list[OfficeOut]
    convener: Literal["city", "county", "town"]
    unambiguous: bool
    because: list[dict[str, str]]
    basis: str | None

    @classmethod
    def of(cls, owner: Owner, names: dict[str, str]) -> "OwnerOut":
        """From a suggestion and the names of offices."""
        lead, *assist = (OfficeOut(code=one, name=names.get(one)) for one in (owner.lead_code, *owner.assist_codes))
        because = [words.both(f"because.{one.code}", **one.facts) for one in owner.because]
        return cls(
            lead=lead,
            assist=assist,
            convener=owner.convener_level,  # pyright: ignore[reportArgumentType]
            unambiguous=owner.unambiguous,
            because=because,
            basis=owner.basis,
        )


class MatterWhole(MatterOut):
    """诉求事项 — with its path, what is owed if it were said now, and whose it is in an area if one is named."""

    above: list[MatterOut]
    basis: str
    valid_from: date
    valid_to: date | None
    due: list[DueOut]
    owner: OwnerOut | None


class GroundOut(Output):
    """法定事由 — a reason, the verbs that accept it, what it demands."""

    code: str
    zh: str
    en: str
    verbs: list[str]
    text: str
    basis: str


class DayOut(Output):
    """日历日 — a day that the notice names."""

    day: date
    kind: Literal["holiday", "makeup"]
    name: str
    basis: str


# A time of day in Beijing; the format "time" of JSON Schema would demand an offset.
LocalTime = Annotated[time, WithJsonSchema({"type": "string", "examples": ["08:30:00"]})]


class CalendarOut(Output):
    """工作日历 — a year; ``known`` is false where no notice is known and Monday to Friday is assumed. ``hours`` in Beijing time."""

    year: int
    known: bool
    days: list[DayOut]
    hours: list[tuple[LocalTime, LocalTime]]


@router.get("/matters")
def list_matters(
    q: Annotated[str, Query(max_length=60)] = "",
    parent: Annotated[str | None, Query(max_length=6)] = None,
    whole: bool = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    viewer: Viewer = anyone,
    s: Session = reading,
) -> list[MatterOut]:
    """诉求事项 — what stands below ``parent`` (the major classes without one), what fits ``q``, or with ``whole`` the whole tree."""
    tree, today = matters.matters(s), edition.today()
    if parent:
        tree.require(parent)
    if q.strip():
        found = tree.search(q, today, limit, under=parent)
    elif whole:
        found = [one for one in tree.entries if one.holds(today)]
    else:
        found = tree.below(parent, today)
    return [_matter(tree, one) for one in found]


@router.get("/matters/{code}")
def read_matter(
    code: str,
    kind: Kind | None = None,
    level: Urgency | None = None,
    area: Annotated[str | None, Query(max_length=20)] = None,
    viewer: Viewer = anyone,
    s: Session = reading,
) -> MatterWhole:
    """诉求事项 — one matter: what is owed if it were said now (kind and urgency the usual ones if not given), and whose it is in ``area``."""
    tree = matters.matters(s)
    one = tree.require(code)
    owed = _owed(s, code, kind or one.kind or ANY, level or one.urgency or "normal")
    return MatterWhole(
        **_matter(tree, one).model_dump(),
        above=[_matter(tree, upper) for upper in tree.path(code)[:-1]],
        basis=one.basis,
        valid_from=one.valid_from,
        valid_to=one.valid_to,
        due=[DueOut.of(due) for due in owed],
        owner=_owner(s, code, area) if area else None,
    )


@router.get("/grounds")
def list_grounds(
    verb: Annotated[str | None, Query(max_length=20)] = None, viewer: Viewer = anyone, s: Session = reading
) -> list[GroundOut]:
    """法定事由 — the reasons in force that a verb accepts, all without one."""
    return [GroundOut.model_validate(one) for one in grounds.open_to(s, verb)]


@router.get("/limits")
def list_limits(
    clock: Annotated[str | None, Query(max_length=20)] = None, viewer: Viewer = anyone, s: Session = reading
) -> list[LimitOut]:
    """办理时限 — the rows in force today, the general ones first; of one clock if it is named."""
    today = edition.today()
    rows = [one for one in limits.limits(s).rows if edition.in_force(one.valid_from, one.valid_to, today)]
    rows = [one for one in rows if not clock or one.clock == clock]
    return [LimitOut.of(one) for one in sorted(rows, key=lambda one: (one.clock, one.matter, one.kind, one.level))]


@router.get("/calendar/{year}")
def read_calendar(year: int, viewer: Viewer = anyone, s: Session = reading) -> CalendarOut:
    """工作日历 — holidays and make-up days of a year, and the working hours of today."""
    days = holidays.days_of(s, year) if date.min.year <= year <= date.max.year else []
    hours = edition.held(s, holidays.read).on(edition.today()).hours
    return CalendarOut(
        year=year, known=bool(days), days=[DayOut.model_validate(one) for one in days], hours=list(hours)
    )


def _matter(tree: matters.Matters, one: Entry) -> MatterOut:
    return MatterOut(
        code=one.code,
        name=one.name,
        name_en=one.name_en,
        level=one.level,
        parent=one.parent_code,
        kind=one.kind,  # pyright: ignore[reportArgumentType]
        urgency=one.urgency,  # pyright: ignore[reportArgumentType]
        path=" / ".join(upper.name for upper in tree.path(one.code)),
        synonyms=list(one.synonyms),
    )


def _owed(s: Session, code: str, kind: str, level: str) -> list[Due]:
    """What would be due of each clock; a clock without a row in force is left out."""
    owed: list[Due] = []
    for name in CLOCKS:
        try:
            owed.append(limits.due(s, code, name, clock.now(), kind=kind, level=level))
        except Refusal as refusal:
            if refusal.code != "law.no_limit":
                raise
    return owed


def _owner(s: Session, code: str, area: str) -> OwnerOut:
    lineage = [one.code for one in places.lineage(s, places.area_by_code(s, area))]
    return OwnerOut.of(duties.owner(s, code, lineage), dict(orgs.labels(s).values()))
