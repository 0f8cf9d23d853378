"""Figures for people: sums of kept tallies, what stands now, how fresh it all is. Every reading passes through ``policy.scope``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, true, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from shiyu.analysis.metrics import FINISHED, MEASURES
from shiyu.analysis.models import LISTENER, Fact, Tally
from shiyu.analysis.policy import DEPTH, FEW, Scope, scope
from shiyu.directory.gazetteer import gazetteer
from shiyu.directory.located import Node
from shiyu.kernel import clock, events
from shiyu.kernel.auth import Viewer
from shiyu.kernel.clock import BEIJING
from shiyu.kernel.errors import Refusal
from shiyu.law.matters import matters

Period = Literal["today", "week", "month"]
DAYS: dict[Period, int] = {"today": 1, "week": 7, "month": 30}  # today counts as one of them
_DAY = timedelta(days=1)
COUNTED = and_(Fact.exercise_id.is_(None), ~Fact.part)
STANDING = and_(Fact.exercise_id.is_(None), Fact.ended_at.is_(None))
COLUMNS = {"county": Fact.county_id, "town": Fact.town_id, "community": Fact.community_id, "grid": Fact.grid_id}


@dataclass(frozen=True, slots=True)
class Window:
    """时段 — whole Beijing days up to the present moment, and the same length before, up to the same time of day."""

    first: date
    last: date
    now: datetime

    @property
    def days(self) -> list[date]:
        """Every day of it."""
        return [self.first + n * _DAY for n in range((self.last - self.first).days + 1)]

    @property
    def begins(self) -> datetime:
        """Its first moment."""
        return midnight(self.first)

    def before(self) -> "Window":
        """The window of the same length that ends where this one begins."""
        length = (self.last - self.first).days + 1
        return Window(self.first - length * _DAY, self.last - length * _DAY, self.now - length * _DAY)


def midnight(day: date) -> datetime:
    """The first moment of a day in Beijing."""
    return datetime.combine(day, time(), BEIJING)


def window(period: Period) -> Window:
    """The window of a period that ends now."""
    now = clock.now()
    today = clock.beijing(now).date()
    return Window(today - (DAYS[period] - 1) * _DAY, today, now)


def within(held: Scope) -> ColumnElement[bool]:
    """The facts of a scope."""
    if held.everywhere:
        return true()
    return or_(*[COLUMNS[level] == ident for level, ident in held.areas])


@dataclass(frozen=True, slots=True)
class Freshness:
    """数据时点 — up to when the figures know the news, and how many seconds that lies back."""

    as_of: datetime
    seconds_behind: float


def freshness(s: Session) -> Freshness:
    """How far the facts are behind the feed: the age of the oldest news that is not in them."""
    now = clock.now()
    key = (events.Event.epoch, events.Event.xid, events.Event.seq)
    waiting = select(events.Event.at).where(events.Event.kind.in_(events.listeners()[LISTENER].kinds))
    cursor = s.get(events.Cursor, LISTENER)
    if cursor is not None:
        waiting = waiting.where(tuple_(*key) > tuple_(cursor.epoch, cursor.xid, cursor.seq))
    oldest = s.scalar(waiting.order_by(*key).limit(1))
    if oldest is None or oldest >= now:
        return Freshness(now, 0.0)
    return Freshness(oldest, round((now - oldest).total_seconds(), 1))


@dataclass(frozen=True, slots=True)
class Figures:
    """指标 — what happened in a window. Rates are shares from 0 to 1, ``None`` where nobody was asked; ``hours`` is a median."""

    accepted: int
    closed: int
    late: int
    asked: int
    solved: int
    rated: int
    satisfied: int
    hours: float | None

    @property
    def satisfaction_rate(self) -> float | None:
        """满意率."""
        return self.satisfied / self.rated if self.rated else None

    @property
    def resolution_rate(self) -> float | None:
        """解决率."""
        return self.solved / self.asked if self.asked else None

    @property
    def punctual_rate(self) -> float | None:
        """按期办结率."""
        return (self.closed - self.late) / self.closed if self.closed else None


@dataclass(frozen=True, slots=True)
class Summary:
    """概况 — a window, the one before it, and what stands open at this moment."""

    period: Period
    now: Figures
    before: Figures
    open: int
    overdue: int
    fresh: Freshness


def summary(s: Session, viewer: Viewer, period: Period = "today", area: str | None = None) -> Summary:
    """概况 — accepted, closed, satisfaction and speed, compared with the period before up to the same time of day."""
    held = scope(s, viewer, area)
    span = window(period)
    standing = select(func.count(), func.count().filter(Fact.due_at < span.now)).where(
        STANDING, ~Fact.part, within(held)
    )
    still, overdue = s.execute(standing).one()
    return Summary(period, _figures(s, held, span), _figures(s, held, span.before()), still, overdue, freshness(s))


def _figures(s: Session, held: Scope, span: Window) -> Figures:
    sums = s.execute(
        select(*[func.coalesce(func.sum(getattr(Tally, name)), 0) for name in MEASURES]).where(*_kept(held, span))
    ).one()
    found = {name: int(n) for name, n in zip(MEASURES, sums, strict=True)}
    tomorrow = midnight(span.last + _DAY)
    if tomorrow < clock.now():  # a window of the past ends at the time of day that it is now
        for name, column in (("accepted", Fact.accepted_at), ("closed", Fact.ended_at)):
            found[name] -= _rest(s, held, column, span.now, tomorrow)
    took = func.extract("epoch", Fact.ended_at - Fact.accepted_at) / 3600
    median = select(func.percentile_cont(0.5).within_group(took)).where(
        COUNTED,
        within(held),
        _finished(),
        Fact.historic.is_(False),
        Fact.ended_at >= span.begins,
        Fact.ended_at < span.now,
    )
    hours = s.scalar(median)
    return Figures(**found, hours=None if hours is None else round(float(hours), 1))


def _finished() -> ColumnElement[bool]:
    return and_(Fact.ended_at.is_not(None), Fact.state.in_(FINISHED))


def _rest(s: Session, held: Scope, column: InstrumentedAttribute[Any], since: datetime, until: datetime) -> int:
    query = select(func.count()).where(COUNTED, within(held), column >= since, column < until)
    if column is Fact.ended_at:
        query = query.where(_finished())
    return s.scalar(query) or 0


def _kept(held: Scope, span: Window) -> list[ColumnElement[bool]]:
    """The tallies of a scope: one probe of the key for each day and area."""
    return [
        or_(
            *[
                and_(Tally.level == level, Tally.day.in_(span.days), Tally.area_id == ident)
                for level, ident in held.areas
            ]
        )
    ]


@dataclass(frozen=True, slots=True)
class AreaFigure:
    """One area with its number and the number of the period before; ``n`` is ``None`` where it is too small to be shown."""

    area: Node
    n: int | None
    before: int | None


def by_area(
    s: Session,
    viewer: Viewer,
    level: str,
    *,
    parent: str | None = None,
    measure: str = "accepted",
    period: Period = "week",
) -> list[AreaFigure]:
    """按区域 — every area of a level in the viewer's scope, most first. Whole days; today counts as far as it went."""
    if level not in DEPTH or level in {"city", "cell"}:
        raise Refusal("analysis.no_level", 422, field="level", level=level)
    if measure not in MEASURES:
        raise Refusal("analysis.no_measure", 422, field="measure", measure=measure)
    held, span = scope(s, viewer, parent), window(period)
    nodes = areas_in(s, held, level)
    hides = level == "grid" and not held.sees_cases
    found = []
    sums = [_by_area(s, held, level, measure, one, nodes) for one in (span, span.before())]
    for node in nodes:
        n, before = (one.get(node.id, 0) for one in sums)
        found.append(AreaFigure(node, *(None if hides and 0 < x < FEW else x for x in (n, before))))
    return sorted(found, key=lambda row: (-(row.n or 0), row.area.code))


def areas_in(s: Session, held: Scope, level: str) -> list[Node]:
    """The areas of a level in force inside a scope."""
    atlas = gazetteer(s)
    if held.everywhere:
        return [node for node in atlas.nodes if node.level == level and node.ended is None]
    found = []
    for own, ident in held.areas:
        found += [atlas.lineage(ident).finest] if own == level else list(atlas.under(ident, level))
    return found


def _by_area(s: Session, held: Scope, level: str, measure: str, span: Window, nodes: Sequence[Node]) -> dict[UUID, int]:
    query = select(Tally.area_id, func.sum(getattr(Tally, measure))).where(
        Tally.level == level, Tally.day.in_(span.days)
    )
    if not held.everywhere:
        query = query.where(Tally.area_id.in_([node.id for node in nodes]))
    return {ident: int(n) for ident, n in s.execute(query.group_by(Tally.area_id))}


@dataclass(frozen=True, slots=True)
class MatterFigure:
    """One class of matter with its number and the number of the period before."""

    matter: str
    name: str
    name_en: str
    n: int
    before: int


def by_matter(
    s: Session, viewer: Viewer, *, area: str | None = None, measure: str = "accepted", period: Period = "week"
) -> list[MatterFigure]:
    """按事项 — classes of matters, most first."""
    if measure not in MEASURES:
        raise Refusal("analysis.no_measure", 422, field="measure", measure=measure)
    held, span = scope(s, viewer, area), window(period)
    sums = []
    for one in (span, span.before()):
        query = select(Tally.matter, func.sum(getattr(Tally, measure))).where(*_kept(held, one)).group_by(Tally.matter)
        sums.append({code: int(n) for code, n in s.execute(query)})
    tree, found = matters(s), []
    for code in sums[0].keys() | sums[1].keys():
        entry = tree.get(f"{code}0000")
        zh, en = (entry.name, entry.name_en) if entry else ("未分类", "not classified")
        found.append(MatterFigure(code, zh, en, sums[0].get(code, 0), sums[1].get(code, 0)))
    return sorted(found, key=lambda row: (-row.n, row.matter))


@dataclass(frozen=True, slots=True)
class Step:
    """One hour or day; ``n`` is ``None`` while it lies ahead."""

    at: datetime
    n: int | None
    before: int


def hours(s: Session, viewer: Viewer, area: str | None = None) -> list[Step]:
    """逐时受理 — today by hour, beside the same weekday of last week."""
    held, now = scope(s, viewer, area), clock.now()
    today = clock.beijing(now).date()
    counted = []
    for day in (today, today - 7 * _DAY):
        hour = func.extract("hour", func.timezone("Asia/Shanghai", Fact.accepted_at))
        query = select(hour, func.count()).where(COUNTED, within(held), Fact.accepted_at >= midnight(day))
        query = query.where(Fact.accepted_at < midnight(day + _DAY)).group_by(hour)
        counted.append({int(at): n for at, n in s.execute(query)})
    current, last = counted
    begin = midnight(today)
    return [
        Step(at, current.get(hour, 0) if at <= now else None, last.get(hour, 0))
        for hour in range(24)
        for at in [begin + timedelta(hours=hour)]
    ]


def days(
    s: Session, viewer: Viewer, measure: str = "accepted", area: str | None = None, period: Period = "month"
) -> list[Step]:
    """逐日 — a measure by day, beside the day that lies as many days back as the period is long."""
    if measure not in MEASURES:
        raise Refusal("analysis.no_measure", 422, field="measure", measure=measure)
    held, span = scope(s, viewer, area), window(period)
    whole = Window(span.before().first, span.last, span.now)
    query = select(Tally.day, func.sum(getattr(Tally, measure))).where(*_kept(held, whole)).group_by(Tally.day)
    sums = {day: int(n) for day, n in s.execute(query)}
    back = len(span.days) * _DAY
    return [Step(midnight(day), sums.get(day, 0), sums.get(day - back, 0)) for day in span.days]
