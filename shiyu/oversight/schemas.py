"""What oversight and the wall look like on the wire."""

from dataclasses import asdict
from datetime import datetime

from pydantic import Field
from sqlalchemy.orm import Session

from shiyu.analysis import heat as heating
from shiyu.analysis import queries as analysis
from shiyu.analysis.policy import scope
from shiyu.analysis.schemas import AreaFigureOut, FreshOut, HeatOut, MatterFigureOut, StepOut, SummaryOut
from shiyu.directory.gazetteer import gazetteer
from shiyu.kernel import words
from shiyu.kernel.auth import Viewer
from shiyu.kernel.web import Output
from shiyu.oversight import queries, wall
from shiyu.oversight.queries import Board


class LightsOut(Output):
    """红黄绿灯计数 — open promises of one county or office by light."""

    code: str
    name: str
    green: int
    amber: int
    red: int
    open: int


class BoardOut(FreshOut):
    """亮灯情况 — all lights, by county and by lead office, worst first."""

    total: LightsOut
    counties: list[LightsOut]
    offices: list[LightsOut]

    @classmethod
    def made(cls, board: Board) -> "BoardOut":
        """From the query's board."""
        return cls(
            total=LightsOut.model_validate(board.total),
            counties=[LightsOut.model_validate(row) for row in board.counties],
            offices=[LightsOut.model_validate(row) for row in board.offices],
            as_of=board.fresh.as_of,
            seconds_behind=board.fresh.seconds_behind,
        )


class LineOut(Output):
    """一条动态 — news without the case's number: kind, class of matter, community at finest, state. ``id`` its place in the feed."""

    id: str
    kind: str
    at: datetime
    label: dict[str, str] | None = Field(description="The word to show; null: figures changed, nothing to show")
    state: str
    state_label: dict[str, str]
    matter: dict[str, str] | None
    area: str | None
    county: str | None
    lon: float | None
    lat: float | None


_TOP = 12  # matters that a wall has room for


class DutyLine(Output):
    """值班 — office, role and masked work telephone."""

    office: str
    role: str
    role_label: dict[str, str]
    telephone: str | None


class Snapshot(FreshOut):
    """大屏快照 — everything the wall shows, at one moment. ``position`` is where the live stream goes on from."""

    area: dict[str, str] | None
    position: str
    today: SummaryOut
    week: SummaryOut
    lights: BoardOut
    counties: list[AreaFigureOut]
    towns: list[AreaFigureOut]
    matters: list[MatterFigureOut]
    hours: list[StepOut]
    heat: HeatOut
    feed: list[LineOut]
    duty: list[DutyLine]

    @classmethod
    def made(cls, s: Session, viewer: Viewer, area: str | None) -> "Snapshot":
        """Everything in one transaction, so that no number contradicts another."""
        held = scope(s, viewer, area)
        today = SummaryOut.made(analysis.summary(s, viewer, "today", area))
        place = gazetteer(s).by_code(area) if area else None
        return cls(
            area={"code": place.code, "name": place.finest.name} if place else None,
            position=wall.newest(s),
            as_of=today.as_of,
            seconds_behind=today.seconds_behind,
            today=today,
            week=SummaryOut.made(analysis.summary(s, viewer, "week", area)),
            lights=BoardOut.made(queries.lights(s, viewer, area)),
            counties=[AreaFigureOut.of(row) for row in analysis.by_area(s, viewer, "county")],
            towns=[AreaFigureOut.of(row) for row in analysis.by_area(s, viewer, "town", parent=area)],
            matters=[MatterFigureOut.of(row) for row in analysis.by_matter(s, viewer, area=area)[:_TOP]],
            hours=[StepOut.of(row) for row in analysis.hours(s, viewer, area)],
            heat=HeatOut.of(heating.heat(s, viewer, level="town", period="week", area=area)),
            feed=[LineOut.model_validate(line) for line in wall.feed(s, viewer, area)],
            duty=[DutyLine(**asdict(one), role_label=words.both(f"duty.{one.role}")) for one in wall.duty(s, held)],
        )
