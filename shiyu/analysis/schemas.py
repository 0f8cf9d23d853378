"""What the analyst's figures look like on the wire."""

from datetime import datetime

from shiyu.analysis import heat as heating
from shiyu.analysis.queries import AreaFigure, Figures, Freshness, MatterFigure, Period, Step, Summary
from shiyu.kernel.web import Output


class FiguresOut(Output):
    """指标 — counts and rates of one window; rates are shares from 0 to 1, ``hours`` a median; ``null`` where nothing was asked."""

    accepted: int
    closed: int
    late: int
    rated: int
    satisfied: int
    satisfaction_rate: float | None
    resolution_rate: float | None
    punctual_rate: float | None
    hours: float | None

    @classmethod
    def of(cls, found: Figures) -> "FiguresOut":
        """From the query's figures."""
        return cls.model_validate(found)


class FreshOut(Output):
    """数据时点."""

    as_of: datetime
    seconds_behind: float

    @classmethod
    def of(cls, found: Freshness) -> "FreshOut":
        """From the query's answer."""
        return cls.model_validate(found)


class SummaryOut(FreshOut):
    """概况 — a period, the one before up to the same time of day, and what stands open now."""

    period: Period
    now: FiguresOut
    before: FiguresOut
    open: int
    overdue: int

    @classmethod
    def made(cls, found: Summary) -> "SummaryOut":
        """From the query's summary."""
        return cls(
            period=found.period,
            now=FiguresOut.of(found.now),
            before=FiguresOut.of(found.before),
            open=found.open,
            overdue=found.overdue,
            as_of=found.fresh.as_of,
            seconds_behind=found.fresh.seconds_behind,
        )


class AreaFigureOut(Output):
    """One area's number; ``null`` where it is too small to be shown."""

    code: str
    name: str
    level: str
    n: int | None
    before: int | None

    @classmethod
    def of(cls, row: AreaFigure) -> "AreaFigureOut":
        """From the query's row."""
        return cls(code=row.area.code, name=row.area.name, level=row.area.level, n=row.n, before=row.before)


class MatterFigureOut(Output):
    """One class of matter."""

    code: str
    name: dict[str, str]
    n: int
    before: int

    @classmethod
    def of(cls, row: MatterFigure) -> "MatterFigureOut":
        """From the query's row."""
        return cls(code=f"{row.matter}0000", name={"zh": row.name, "en": row.name_en}, n=row.n, before=row.before)


class StepOut(Output):
    """One hour or day; ``n`` is ``null`` while it lies ahead."""

    at: datetime
    n: int | None
    before: int

    @classmethod
    def of(cls, row: Step) -> "StepOut":
        """From the query's step."""
        return cls.model_validate(row)


class HeatOut(Output):
    """热力 — ``counts`` by code of area, ``points`` as [lon, lat, n]; ``hidden`` cases are too few in their place to be shown."""

    level: str
    counts: dict[str, int]
    points: list[tuple[float, float, int]]
    hidden: int

    @classmethod
    def of(cls, found: heating.Heat) -> "HeatOut":
        """From the query's answer."""
        return cls.model_validate(found)
