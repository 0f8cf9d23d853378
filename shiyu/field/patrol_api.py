"""Routes of patrols: today's rounds for the phone, plans and coverage for who keeps the grid's posts. Check-ins come by ``/field/sync``."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy.orm import Session

from shiyu.cases.schemas import Named, Position
from shiyu.directory import places, posts
from shiyu.directory.gazetteer import gazetteer
from shiyu.field import patrols
from shiyu.field.models import PatrolPlan
from shiyu.field.patrols import Coverage, Round, Stop
from shiyu.field.schemas import Day
from shiyu.kernel.auth import Viewer
from shiyu.kernel.web import Input, Output, reading, signed_in, tx

router = APIRouter(prefix="/api", tags=["patrols"])
Limit = Annotated[int, Query(ge=1, le=200)]


class StopIn(Input):
    """巡查点."""

    name: str = Field(min_length=1, max_length=60)
    position: Position


class PlanIn(Input):
    """巡查计划 — ``reach`` in metres; without points the whole grid; ``post``: of one post alone; ``valid_to``: the first day without it."""

    area: str = Field(max_length=30)
    name: str = Field(min_length=2, max_length=60)
    days_a_week: int = Field(ge=1, le=7)
    reach: int = Field(ge=5, le=2000)
    valid_from: Day
    valid_to: Day | None = None
    points: list[StopIn] = Field(default_factory=list, max_length=patrols.MOST_POINTS)
    post: UUID | None = None


class EndIn(Input):
    """终止 — ``on``: the first day without the plan."""

    on: Day


class PlanOut(Output):
    """巡查计划."""

    id: UUID
    name: str
    area: Named
    area_name: str
    days_a_week: int
    reach: int
    points: int
    valid_from: date
    valid_to: date | None


class CoverageOut(PlanOut):
    """巡查覆盖 — visits of one week: a point on a day, or the grid on a day."""

    planned: int
    done: int
    missed: int


class CoveragePage(Output):
    """One page of a week; ``week`` is its Monday."""

    week: date
    rows: list[CoverageOut]
    next: str | None


class StopOut(Output):
    """巡查点 with the days of this week on which it was visited."""

    point: int | None
    name: str | None
    lon: float | None
    lat: float | None
    days: int
    today: bool


class LastOut(Output):
    """My last check-in of this week; ``off``: metres by which it missed."""

    at: datetime
    counted: bool
    off: int


class RoundOut(Output):
    """今日巡查."""

    id: UUID
    name: str
    area: Named
    goal: int
    reach: int
    stops: list[StopOut]
    last: LastOut | None


@router.get("/field/patrols")
def mine(viewer: Viewer = signed_in, s: Session = reading) -> list[RoundOut]:
    """今日巡查"""
    day = posts.today()
    return [_round(one, day) for one in patrols.my_rounds(s, viewer)]


@router.get("/patrols/coverage")
def coverage(
    week: Day | None = None,
    area: Annotated[str | None, Query(max_length=30)] = None,
    missed: bool = False,
    after: str | None = None,
    limit: Limit = 50,
    viewer: Viewer = signed_in,
    s: Session = reading,
) -> CoveragePage:
    """巡查覆盖"""
    day = week or posts.today()
    under = places.area_by_code(s, area) if area else None
    found = patrols.coverage(s, viewer, week=day, under=under, missed_only=missed, after=after, limit=limit)
    return CoveragePage(week=patrols.monday_of(day), rows=[_covered(s, one) for one in found.rows], next=found.next)


@router.post("/patrols", status_code=201)
def plan(body: PlanIn, viewer: Viewer = signed_in, s: Session = tx) -> PlanOut:
    """制定巡查计划"""
    made = patrols.plan(
        s,
        viewer,
        area=places.area_by_code(s, body.area),
        name=body.name,
        days_a_week=body.days_a_week,
        reach=body.reach,
        valid_from=body.valid_from,
        valid_to=body.valid_to,
        points=[Stop(one.name, *one.position.wgs84()) for one in body.points],
        post_id=body.post,
    )
    return _plan(s, made)


@router.post("/patrols/{plan_id}/end")
def end(plan_id: UUID, body: EndIn, viewer: Viewer = signed_in, s: Session = tx) -> PlanOut:
    """终止巡查计划"""
    return _plan(s, patrols.end(s, viewer, plan_id, body.on))


def _plan(s: Session, row: PatrolPlan) -> PlanOut:
    at = gazetteer(s).lineage(row.area_id)
    fields = ("id", "name", "days_a_week", "reach", "valid_from", "valid_to")
    area = Named(code=at.code, name=at.finest.name)
    return PlanOut(
        **{name: getattr(row, name) for name in fields}, area=area, area_name=at.name, points=len(row.points)
    )


def _covered(s: Session, one: Coverage) -> CoverageOut:
    return CoverageOut(**_plan(s, one.plan).model_dump(), planned=one.planned, done=one.done, missed=one.missed)


def _round(one: Round, day: date) -> RoundOut:
    points = list(enumerate(one.plan.points)) or [(None, {})]
    stops = [
        StopOut(
            point=number,
            name=point.get("name"),
            lon=point.get("lon"),
            lat=point.get("lat"),
            days=len(one.days.get(number, ())),
            today=day in one.days.get(number, ()),
        )
        for number, point in points
    ]
    last = LastOut(at=one.last.seen_at, counted=one.last.counted, off=one.last.off) if one.last else None
    return RoundOut(
        id=one.plan.id,
        name=one.plan.name,
        area=Named(code=one.area.code, name=one.area.name),
        goal=one.goal,
        reach=one.plan.reach,
        stops=stops,
        last=last,
    )
