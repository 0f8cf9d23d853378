"""What is running and how its lights stand. Counts come from the analyst's facts, lists of cases from the cases themselves."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from shiyu.analysis.models import Fact
from shiyu.analysis.policy import READERS, scope
from shiyu.analysis.queries import STANDING, Freshness, areas_in, freshness, within
from shiyu.cases import policy as case_policy
from shiyu.cases import queries as cases
from shiyu.cases.queries import Filters
from shiyu.directory import orgs
from shiyu.kernel import clock
from shiyu.kernel.auth import Viewer
from shiyu.kernel.db import Page
from shiyu.kernel.errors import Refusal


@dataclass(frozen=True, slots=True)
class Lights:
    """红黄绿灯计数 — open promises of one county or office by light."""

    code: str
    name: str
    green: int
    amber: int
    red: int

    @property
    def open(self) -> int:
        """All of them."""
        return self.green + self.amber + self.red


@dataclass(frozen=True, slots=True)
class Board:
    """亮灯情况 — all lights of the viewer's scope, by county and by lead office, worst first."""

    total: Lights
    counties: list[Lights]
    offices: list[Lights]
    fresh: Freshness


def lights(s: Session, viewer: Viewer, area: str | None = None) -> Board:
    """亮灯情况 — counts by light. Who reads figures sees the area's; a handler or reviewer sees the own offices' alone."""
    now = clock.now()
    if viewer.has(*READERS):
        held = scope(s, viewer, area)
        where, nodes = within(held), areas_in(s, held, "county")
    else:
        viewer.need(*case_policy.BY_OFFICE)
        if area is not None:
            raise Refusal("auth.forbidden", 403)
        offices = [grant.org_id for grant in viewer.at(*case_policy.BY_OFFICE) if grant.org_id]
        where, nodes = Fact.lead_org_id.in_(offices), []
    query = select(Fact.county_id, Fact.lead_org_id, *_colours(now)).where(STANDING, Fact.due_at.is_not(None), where)
    by_county: dict[UUID | None, Counter[str]] = defaultdict(Counter)
    by_office: dict[UUID | None, Counter[str]] = defaultdict(Counter)
    total = Counter[str]()
    rows: Sequence[Any] = s.execute(query.group_by(Fact.county_id, Fact.lead_org_id)).all()
    for county, office, green, amber, red in rows:
        found = Counter(green=green, amber=amber, red=red)
        total.update(found)
        by_county[county].update(found)
        by_office[office].update(found)
    labels = orgs.labels(s)
    counties = [_one(node.code, node.name, by_county[node.id]) for node in nodes]
    of = [_one(*labels.get(office, ("", "")), found) for office, found in by_office.items() if office]
    return Board(_one("", "", total), sorted(counties, key=_worst), sorted(of, key=_worst), freshness(s))


def _worst(row: Lights) -> tuple[int, int, str]:
    return -row.red, -row.amber, row.code


def _one(code: str, name: str, found: Counter[str]) -> Lights:
    return Lights(code, name, found["green"], found["amber"], found["red"])


def _colours(now: datetime) -> list[ColumnElement[int]]:
    """The same three rules as ``lights.light``, counted by the database."""
    red, warned = Fact.due_at < now, and_(Fact.amber_at.is_not(None), Fact.amber_at < now)
    amber = and_(~red, warned)
    green = and_(~red, or_(Fact.amber_at.is_(None), Fact.amber_at >= now))
    return [func.count().filter(rule) for rule in (green, amber, red)]


def overdue(s: Session, viewer: Viewer, filters: Filters, *, after: str | None = None, limit: int = 50) -> Page:
    """超期工单 — overdue cases that the viewer may see, the longest overdue first."""
    return cases.listing(s, viewer, filters, sort="due", after=after, limit=limit)
