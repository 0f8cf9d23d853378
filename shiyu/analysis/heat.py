"""热力图 — counts by area, and points gathered into cells so that a map shows where much happens and nobody's door."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shiyu.analysis.metrics import class_of
from shiyu.analysis.models import Fact, Tally
from shiyu.analysis.policy import FEW, Scope, scope
from shiyu.analysis.queries import COUNTED, Period, Window, areas_in, window, within
from shiyu.kernel.auth import Viewer
from shiyu.kernel.errors import Refusal

SIZES = (0.005, 0.02, 0.08)  # degrees: cells of about 450 metres, 1,800 metres, 7 kilometres at the city's latitude
MOST = 5000  # cells of one answer; the fullest come first
Bounds = tuple[float, float, float, float]
Cells = Counter[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Heat:
    """热力 — ``counts`` by code of area; ``points`` as (lon, lat, n); ``hidden`` cases too few in their place to be shown."""

    level: str
    counts: dict[str, int]
    points: list[tuple[float, float, int]]
    hidden: int


def heat(
    s: Session,
    viewer: Viewer,
    *,
    level: str = "town",
    period: Period = "month",
    matter: str | None = None,
    area: str | None = None,
    bounds: Bounds | None = None,
) -> Heat:
    """热力 — what was accepted in a period, by area of a level and by place.

    Who may not see the cases themselves sees no cell and no grid with fewer than ``policy.FEW``: fine cells that are too small are
    gathered into coarser ones, and what is still too small is left out and counted in ``hidden``.
    """
    if level not in {"county", "town", "community", "grid"}:
        raise Refusal("analysis.no_level", 422, field="level", level=level)
    held, span = scope(s, viewer, area), window(period)
    counts = _by_code(s, held, level, span, matter)
    if level == "grid" and not held.sees_cases:
        counts = {code: n for code, n in counts.items() if n >= FEW}
    cells = _cells(s, held, span, matter, bounds)
    points, hidden = (_points(cells, SIZES[0]), 0) if held.sees_cases else gathered(cells)
    return Heat(level, counts, sorted(points, key=lambda point: -point[2])[:MOST], hidden)


def gathered(cells: Cells) -> tuple[list[tuple[float, float, int]], int]:
    """Cells that are full enough, the rest in ever coarser ones where those are; and how many cases fit in none. Pure."""
    points: list[tuple[float, float, int]] = []
    rest, before = cells, SIZES[0]
    for size in SIZES:
        ratio, wider = round(size / before), Counter[tuple[int, int]]()
        for (x, y), n in rest.items():
            wider[x // ratio, y // ratio] += n
        shown = Counter({cell: n for cell, n in wider.items() if n >= FEW})
        points += _points(shown, size)
        rest, before = wider - shown, size
    return points, rest.total()


def _points(cells: Cells, size: float) -> list[tuple[float, float, int]]:
    return [(round((x + 0.5) * size, 4), round((y + 0.5) * size, 4), n) for (x, y), n in cells.items()]


def _by_code(s: Session, held: Scope, level: str, span: Window, matter: str | None) -> dict[str, int]:
    nodes = {node.id: node.code for node in areas_in(s, held, level)}
    query = select(Tally.area_id, func.sum(Tally.accepted)).where(Tally.level == level, Tally.day.in_(span.days))
    if matter:
        query = query.where(Tally.matter == class_of(matter))
    if not held.everywhere:
        query = query.where(Tally.area_id.in_(list(nodes)))
    found = s.execute(query.group_by(Tally.area_id))
    return {nodes[ident]: int(n) for ident, n in found if ident in nodes and n}


def _cells(s: Session, held: Scope, span: Window, matter: str | None, bounds: Bounds | None) -> Cells:
    x, y = func.floor(Fact.lon / SIZES[0]), func.floor(Fact.lat / SIZES[0])
    query = select(x, y, func.count()).where(
        COUNTED, within(held), Fact.accepted_at >= span.begins, Fact.lon.is_not(None)
    )
    if matter:
        query = query.where(Fact.matter.startswith(class_of(matter), autoescape=True))
    if bounds:
        west, south, east, north = bounds
        query = query.where(Fact.lon.between(west, east), Fact.lat.between(south, north))
    return Counter({(int(a), int(b)): n for a, b, n in s.execute(query.group_by(x, y))})
