"""分析研判接口 — figures, series and heat of the viewer's part of the city. Every route needs a role that reads figures."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from shiyu.analysis import heat as heating
from shiyu.analysis import queries
from shiyu.analysis.queries import Period
from shiyu.analysis.schemas import AreaFigureOut, HeatOut, MatterFigureOut, StepOut, SummaryOut
from shiyu.kernel.auth import Viewer
from shiyu.kernel.errors import Refusal
from shiyu.kernel.web import reading, signed_in

router = APIRouter(prefix="/api/analysis", tags=["analysis"])

Level = Literal["county", "town", "community", "grid"]
Measure = Literal["accepted", "closed", "late", "asked", "solved", "rated", "satisfied"]
Code = Annotated[str | None, Query(max_length=20, pattern=r"^[0-9A-Za-z-]+$")]


@router.get("/summary")
def summary(
    period: Period = "today", area: Code = None, viewer: Viewer = signed_in, s: Session = reading
) -> SummaryOut:
    """概况 — accepted, closed, open, overdue, satisfaction and speed, with the period before."""
    return SummaryOut.made(queries.summary(s, viewer, period, area))


@router.get("/areas")
def areas(
    level: Level = "county",
    parent: Code = None,
    measure: Measure = "accepted",
    period: Period = "week",
    viewer: Viewer = signed_in,
    s: Session = reading,
) -> list[AreaFigureOut]:
    """按区域"""
    rows = queries.by_area(s, viewer, level, parent=parent, measure=measure, period=period)
    return [AreaFigureOut.of(row) for row in rows]


@router.get("/matters")
def by_matter(
    area: Code = None,
    measure: Measure = "accepted",
    period: Period = "week",
    viewer: Viewer = signed_in,
    s: Session = reading,
) -> list[MatterFigureOut]:
    """按事项"""
    return [MatterFigureOut.of(row) for row in queries.by_matter(s, viewer, area=area, measure=measure, period=period)]


@router.get("/series")
def series(
    by: Literal["hour", "day"] = "hour",
    measure: Measure = "accepted",
    period: Period = "month",
    area: Code = None,
    viewer: Viewer = signed_in,
    s: Session = reading,
) -> list[StepOut]:
    """时间序列 — by hour: what was accepted today beside the same weekday of last week; by day: any measure over a period."""
    if by == "hour":
        return [StepOut.of(row) for row in queries.hours(s, viewer, area)]
    return [StepOut.of(row) for row in queries.days(s, viewer, measure, area, period)]


@router.get("/heat")
def heat(
    level: Level = "town",
    period: Period = "month",
    matter: Annotated[str | None, Query(pattern=r"^\d{2}(\d{4})?$")] = None,
    area: Code = None,
    bounds: Annotated[str | None, Query(max_length=80, description="west,south,east,north in degrees")] = None,
    viewer: Viewer = signed_in,
    s: Session = reading,
) -> HeatOut:
    """热力"""
    box = _bounds(bounds)
    return HeatOut.of(heating.heat(s, viewer, level=level, period=period, matter=matter, area=area, bounds=box))


def _bounds(given: str | None) -> heating.Bounds | None:
    if given is None:
        return None
    try:
        west, south, east, north = (float(part) for part in given.split(","))
    except ValueError:
        raise Refusal("analysis.bad_bounds", 422, field="bounds") from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):  # noqa: PLR2004 - the globe
        raise Refusal("analysis.bad_bounds", 422, field="bounds")
    return west, south, east, north
