"""统一监管接口 — lights, overdue cases, and the wall's snapshot."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from shiyu.cases.queries import Filters
from shiyu.cases.schemas import CasePage, Speaker
from shiyu.directory import orgs, places
from shiyu.kernel.auth import Viewer
from shiyu.kernel.web import reading, signed_in
from shiyu.oversight import queries
from shiyu.oversight.schemas import BoardOut, Snapshot

router = APIRouter(prefix="/api", tags=["oversight"])

Code = Annotated[str | None, Query(max_length=20, pattern=r"^[0-9A-Za-z-]+$")]
OfficeCode = Annotated[str | None, Query(max_length=60)]


@router.get("/oversight/lights")
def lights(area: Code = None, viewer: Viewer = signed_in, s: Session = reading) -> BoardOut:
    """亮灯情况 — open promises by light, by county and by lead office."""
    return BoardOut.made(queries.lights(s, viewer, area))


@router.get("/oversight/overdue")
def overdue(
    area: Code = None,
    org: OfficeCode = None,
    matter: Annotated[str | None, Query(pattern=r"^\d{6}$")] = None,
    after: Annotated[str | None, Query(max_length=300)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    viewer: Viewer = signed_in,
    s: Session = reading,
) -> CasePage:
    """超期工单 — overdue cases that the viewer may see, the longest overdue first."""
    place = places.area_by_code(s, area) if area else None
    office = orgs.org_by_code(s, org).id if org else None
    where = (place.level, place.id) if place and place.level != "city" else None
    filters = Filters(box="overdue", area=where, org=office, matter=matter)
    page = queries.overdue(s, viewer, filters, after=after, limit=limit)
    return CasePage(rows=Speaker(s).rows(page.rows), next=page.next)


@router.get("/screen/snapshot")
def snapshot(area: Code = None, viewer: Viewer = signed_in, s: Session = reading) -> Snapshot:
    """大屏快照 — everything the wall shows of the city or of one area."""
    return Snapshot.made(s, viewer, area)
