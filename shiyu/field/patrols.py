"""巡查 — plans of rounds, check-ins by position, and what of a week's plan was walked.

A plan asks for so many days a week at each of its points, or anywhere in the grid. A check-in that misses the place is kept and told,
but does not count. Coverage is counted from the check-ins when it is asked for: nothing is kept that could disagree with them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import cos, radians
from typing import Any
from uuid import UUID

import shapely
from sqlalchemy import ColumnElement, Date, cast, false, func, literal, or_, select
from sqlalchemy.orm import Session

from shiyu.directory import places, posts
from shiyu.directory.gazetteer import gazetteer
from shiyu.directory.people import Person
from shiyu.directory.places import Area
from shiyu.directory.posts import GridPost
from shiyu.field import policy
from shiyu.field.events import PatrolCheckedIn, PatrolEnded, PatrolPlanned
from shiyu.field.models import CheckIn, PatrolPlan
from shiyu.kernel import audit, clock, events
from shiyu.kernel.auth import Viewer
from shiyu.kernel.db import Page, decode_cursor, encode_cursor, new_id
from shiyu.kernel.errors import Refusal, not_found

_METRES = 111_320.0  # a degree of latitude
WEEK = 7
MOST_POINTS = 50


# --- who sees --------------------------------------------------------------------------------------------------------------


def mine(viewer: Viewer) -> ColumnElement[bool]:
    """我的巡查 — plans of the viewer's grids; those of one post only for who holds it or stands in for it today."""
    wanted = policy.grids(viewer)
    if not wanted:
        return false()
    drill = PatrolPlan.exercise_id == viewer.exercise_id if viewer.exercise_id else PatrolPlan.exercise_id.is_(None)
    held = (
        select(func.coalesce(GridPost.stands_in_for, GridPost.id))
        .join(Person, Person.id == GridPost.person_id)
        .where(Person.account_id == viewer.id, posts.held_on(posts.today()))
    )
    return PatrolPlan.area_id.in_(wanted) & drill & or_(PatrolPlan.post_id.is_(None), PatrolPlan.post_id.in_(held))


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """可见范围 — plans of the areas whose posts the viewer keeps; a condition on ``PatrolPlan`` joined with ``Area``."""
    drill = PatrolPlan.exercise_id == viewer.exercise_id if viewer.exercise_id else PatrolPlan.exercise_id.is_(None)
    return posts.kept_by(viewer) & drill


def in_force(day: date) -> ColumnElement[bool]:
    """The plans of a day."""
    return (PatrolPlan.valid_from <= day) & or_(PatrolPlan.valid_to.is_(None), PatrolPlan.valid_to > day)


# --- verbs -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stop:
    """巡查点 — a place to stop at, WGS-84 degrees."""

    name: str
    lon: float
    lat: float


def plan(
    s: Session,
    viewer: Viewer,
    *,
    area: Area,
    name: str,
    days_a_week: int,
    reach: int,
    valid_from: date,
    valid_to: date | None = None,
    points: Sequence[Stop] = (),
    post_id: UUID | None = None,
) -> PatrolPlan:
    """制定巡查计划 — for a grid, or for one post in it. ``reach`` metres, days in Beijing.

    Refuses: 403 an area whose posts he does not keep, 422 no grid, a point farther from it than ``reach``, a post of another grid.
    """
    posts.need_keeper(s, viewer, area)
    if area.level != "grid":
        raise Refusal("patrol.not_a_grid", 422, field="area", area=area.name)
    if valid_to is not None and valid_to <= valid_from:
        raise Refusal("post.bad_days", 422, field="valid_to")
    shape = gazetteer(s).boundary(area.id)
    if shape is None and not points:
        raise Refusal("patrol.no_boundary", 422, field="points", area=area.name)
    for number, point in enumerate(points):
        if shape is not None and metres_off(shape, point.lon, point.lat) > reach:
            raise Refusal("patrol.point_outside", 422, field=f"points.{number}", point=point.name, area=area.name)
    if post_id is not None:
        post = posts.post_by_id(s, viewer, post_id)
        if s.get_one(Area, post.area_id).grid_id != area.id:
            raise Refusal("patrol.other_grid", 422, field="post")
    row = PatrolPlan(
        id=new_id(),
        version=1,
        area_id=area.id,
        post_id=post_id,
        name=name,
        points=[{"name": one.name, "lon": one.lon, "lat": one.lat} for one in points],
        days_a_week=days_a_week,
        reach=reach,
        valid_from=valid_from,
        valid_to=valid_to,
        created_at=clock.now(),
        created_by=viewer.id,
        exercise_id=viewer.exercise_id,
    )
    s.add(row)
    s.flush()
    events.publish(s, viewer, PatrolPlanned(row.id, 1, area.id, days_a_week))
    audit.record(s, viewer, "patrol.plan", subject=f"patrol:{row.id}", area=area.code)
    return row


def end(s: Session, viewer: Viewer, plan_id: UUID, on: date) -> PatrolPlan:
    """终止巡查计划 — not asked for any more from that day. Refuses: 404, 409 one that has ended, 422 a day before its second one."""
    row = s.scalar(
        select(PatrolPlan)
        .join(Area, Area.id == PatrolPlan.area_id)
        .where(PatrolPlan.id == plan_id, visible_to(viewer))
        .with_for_update(of=PatrolPlan)
    )
    if row is None:
        raise not_found("patrol")
    if row.valid_to is not None and row.valid_to <= min(on, posts.today()):
        raise Refusal("patrol.ended", 409)
    if on <= row.valid_from:
        raise Refusal("post.bad_days", 422, field="on")
    row.valid_to, row.version = on, row.version + 1
    s.flush()
    events.publish(s, viewer, PatrolEnded(row.id, row.version, row.area_id))
    audit.record(s, viewer, "patrol.end", subject=f"patrol:{row.id}", on=str(on))
    return row


@dataclass(frozen=True, slots=True)
class Here:
    """签到 — what the phone sends. ``at`` is the phone's clock, the position WGS-84 degrees, ``accuracy`` metres."""

    client_id: UUID
    at: datetime
    plan_id: UUID
    lon: float
    lat: float
    point: int | None = None
    accuracy: float | None = None


def check_in(s: Session, viewer: Viewer, here: Here) -> tuple[PatrolPlan, CheckIn, bool]:
    """巡查签到 — kept whether it counts or not, and whether it had been received before (then nothing is done again).

    It counts for the day on the phone's clock, but never for one that has not come. Refuses: 403 who works in no grid, 404 a plan that
    is not his, 409 one that was not in force on that day, 422 no such point.
    """
    if viewer.id is None or not policy.grids(viewer):
        raise Refusal("field.workers_only", 403)
    row = s.scalar(select(PatrolPlan).where(PatrolPlan.id == here.plan_id, mine(viewer)).with_for_update())
    if row is None:
        raise not_found("patrol")
    same = (CheckIn.account_id == viewer.id) & (CheckIn.client_id == here.client_id)
    if (known := s.scalar(select(CheckIn).where(same))) is not None:
        return row, known, True
    if (
        here.at.year < row.valid_from.year
    ):  # a phone that lost its clock; before any counting, which such years do not bear
        raise Refusal("patrol.not_then", 409, name=row.name)
    day = clock.beijing(min(here.at, clock.now())).date()
    if not (row.valid_from <= day and (row.valid_to is None or day < row.valid_to)):
        raise Refusal("patrol.not_then", 409, name=row.name)
    if (here.point is None) != (not row.points) or (here.point is not None and here.point >= len(row.points)):
        raise Refusal("patrol.no_point", 422, field="point")
    off = round(_off(s, row, here))
    made = CheckIn(
        id=new_id(),
        client_id=here.client_id,
        plan_id=row.id,
        point=here.point,
        account_id=viewer.id,
        day=day,
        seen_at=here.at,
        received_at=clock.now(),
        lon=here.lon,
        lat=here.lat,
        accuracy=here.accuracy,
        off=off,
        # A phone that is unsure gets the benefit of its own doubt, but of no more than the plan's reach.
        counted=off <= (row.reach if row.points else 0) + min(here.accuracy or 0, row.reach),
    )
    s.add(made)
    row.version += 1
    s.flush()
    events.publish(s, viewer, PatrolCheckedIn(row.id, row.version, row.area_id, made.counted))
    return row, made, False


def _off(s: Session, row: PatrolPlan, here: Here) -> float:
    if here.point is not None:
        point = row.points[here.point]
        return metres_off(shapely.Point(point["lon"], point["lat"]), here.lon, here.lat)
    return metres_off(gazetteer(s).boundary(row.area_id), here.lon, here.lat)


def metres_off(shape: Any, lon: float, lat: float) -> float:
    """How many metres a point (WGS-84 degrees) is away from a shape; 0 inside. Exact enough within a city."""
    wide = _METRES * cos(radians(lat))
    flat = shapely.transform(shape, lambda xy: (xy - (lon, lat)) * (wide, _METRES))
    return float(flat.distance(shapely.Point(0, 0)))


# --- the phone -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Round:
    """一份计划的本周 — ``days`` by point (None: the whole grid) on which it was done, ``today`` those done today, the last check-in."""

    plan: PatrolPlan
    area: Area
    goal: int
    days: dict[int | None, set[date]]
    last: CheckIn | None


def my_rounds(s: Session, viewer: Viewer) -> list[Round]:
    """今日巡查 — the plans of my grids that are in force today, with what this week has of them; what is most behind first."""
    if not policy.grids(viewer):
        raise Refusal("field.workers_only", 403)
    day = posts.today()
    monday = monday_of(day)
    query = select(PatrolPlan, Area).join(Area, Area.id == PatrolPlan.area_id).where(mine(viewer), in_force(day))
    rows = s.execute(query.order_by(PatrolPlan.id).limit(200)).all()
    made: dict[UUID, list[CheckIn]] = {}
    done = select(CheckIn).where(CheckIn.plan_id.in_([row.id for row, _ in rows]), CheckIn.day >= monday)
    for one in s.scalars(done.order_by(CheckIn.received_at, CheckIn.id)):
        made.setdefault(one.plan_id, []).append(one)
    found = []
    for row, area in rows:
        days: dict[int | None, set[date]] = {}
        for one in made.get(row.id, []):
            if one.counted:
                days.setdefault(one.point, set()).add(one.day)
        own = [one for one in made.get(row.id, []) if one.account_id == viewer.id]
        found.append(Round(row, area, goal_of(row, monday), days, own[-1] if own else None))
    return sorted(found, key=lambda one: sum(len(days) for days in one.days.values()) - one.goal * stops(one.plan))


def stops(row: PatrolPlan) -> int:
    """Places to be at on each day of a round."""
    return len(row.points) or 1


def goal_of(row: PatrolPlan, monday: date) -> int:
    """Days on which a plan is to be walked in the week from a Monday; a week it was not in force throughout asks for no more days than it has."""
    until = monday + timedelta(days=WEEK)
    last = min(until, row.valid_to) if row.valid_to else until
    return max(0, min(row.days_a_week, (last - max(monday, row.valid_from)).days))


def monday_of(day: date) -> date:
    """The first day of a day's week."""
    return day - timedelta(days=day.weekday())


# --- the supervisor --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Coverage:
    """巡查完成 — of one plan in one week: ``planned`` and ``done`` count a point on a day; ``missed`` is what can no longer be done."""

    plan: PatrolPlan
    area: Area
    planned: int
    done: int
    missed: int


def coverage(
    s: Session,
    viewer: Viewer,
    *,
    week: date,
    under: Area | None = None,
    missed_only: bool = False,
    after: str | None = None,
    limit: int = 50,
) -> Page:
    """巡查覆盖 — the plans of a week with what was done of them, by grid; ``missed_only`` leaves those on which something is lost.

    A visit is missed when the days that are left of the week are too few for it; of a week that is over, everything that was not done.
    """
    monday = monday_of(week)
    sunday_after = monday + timedelta(days=WEEK)
    ends = func.least(func.coalesce(PatrolPlan.valid_to, sunday_after), sunday_after)
    goal = func.least(PatrolPlan.days_a_week, ends - func.greatest(PatrolPlan.valid_from, monday))
    left = func.greatest(ends - func.greatest(PatrolPlan.valid_from, monday, _day(posts.today())), 0)
    points = func.greatest(func.jsonb_array_length(PatrolPlan.points), 1)
    days = (
        select(CheckIn.plan_id, CheckIn.point, func.count(CheckIn.day.distinct()).label("n"))
        .where(CheckIn.counted, CheckIn.day >= monday, CheckIn.day < sunday_after)
        .group_by(CheckIn.plan_id, CheckIn.point)
        .subquery()
    )
    done = (
        select(func.coalesce(func.sum(func.least(days.c.n, goal)), 0))
        .where(days.c.plan_id == PatrolPlan.id)
        .correlate(PatrolPlan)
        .scalar_subquery()
    )
    touched = select(func.count()).select_from(days).where(days.c.plan_id == PatrolPlan.id).correlate(PatrolPlan)
    short = (
        select(func.coalesce(func.sum(func.greatest(goal - days.c.n - left, 0)), 0))
        .where(days.c.plan_id == PatrolPlan.id)
        .correlate(PatrolPlan)
        .scalar_subquery()
    )
    lost = short + (points - touched.scalar_subquery()) * func.greatest(goal - left, 0)
    query = (
        select(PatrolPlan, Area, (goal * points).label("planned"), done.label("done"), lost.label("missed"))
        .join(Area, Area.id == PatrolPlan.area_id)
        .where(visible_to(viewer), PatrolPlan.valid_from < sunday_after)
        .where(or_(PatrolPlan.valid_to.is_(None), PatrolPlan.valid_to > monday))
    )
    if under is not None and under.level != "city":
        query = query.where(places.column_of(under.level) == under.id)
    if missed_only:
        query = query.where(lost > 0)
    if after:
        key, ident = decode_cursor(after, (str, UUID))
        query = query.where(or_(Area.sort_key > key, (Area.sort_key == key) & (PatrolPlan.id > ident)))
    rows = s.execute(query.order_by(Area.sort_key, PatrolPlan.id).limit(limit + 1)).all()
    found = [Coverage(row, area, int(planned), int(n), int(gone)) for row, area, planned, n, gone in rows[:limit]]
    more = encode_cursor(found[-1].area.sort_key, found[-1].plan.id) if len(rows) > limit else None
    return Page(found, more)


def _day(day: date) -> ColumnElement[date]:
    return cast(literal(day), Date)
