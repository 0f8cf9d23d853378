"""名录接口 — areas and their boundaries, where a point or a text is, offices, and who is on duty today."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import numpy as np
import orjson
import shapely
from fastapi import APIRouter, Header, Query, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from shiyu.directory import names, orgs, places, readiness
from shiyu.directory.coords import Frame, to_wgs84
from shiyu.directory.gazetteer import Gazetteer, Lineage, Located, gazetteer
from shiyu.directory.orgs import Org
from shiyu.directory.people import Person
from shiyu.directory.places import Area
from shiyu.kernel import words
from shiyu.kernel.auth import Viewer
from shiyu.kernel.db import page
from shiyu.kernel.errors import Refusal
from shiyu.kernel.web import PROBLEMS, Output, anyone, limited, reading, signed_in

router = APIRouter(prefix="/api", tags=["名录 directory"], responses=PROBLEMS)

Level = Literal["city", "county", "town", "community", "grid", "cell"]
Kind = Literal["party", "government", "street", "community", "social", "enterprise", "centre", "public_service"]
_TOLERANCE = {
    "county": 0.0005,
    "town": 0.0002,
    "community": 0.0001,
    "grid": 0.00005,
}  # degrees; 0.0001 is about ten metres
_DIGITS = 6  # of a degree: about ten centimetres


class AreaRef(Output):
    """An area by code and name."""

    code: str
    name: str
    level: Level


class AreaOut(AreaRef):
    """区域 — one area of a list. ``origin`` "synthetic" marks demonstration data."""

    kind: str | None
    lon: float | None
    lat: float | None
    population: int | None
    valid_from: date
    valid_to: date | None
    origin: str


class AreasOut(Output):
    """One page of areas; ``next`` is the cursor of the next."""

    rows: list[AreaOut]
    next: str | None


class SuccessorOut(AreaRef):
    """What an ended area is today, with its share."""

    share: float


class AreaWhole(AreaOut):
    """One area with all above it, its successors if it ended, and whether it stands on emergency duty."""

    path: list[AreaRef]
    successors: list[SuccessorOut]
    readiness: Literal["daily", "emergency"]


class MatchOut(Output):
    """A name found in the text, with offsets for marking it."""

    start: int
    end: int
    text: str
    area: AreaRef
    score: float


class LocatedOut(Output):
    """定位 — the area with all above it, how sure, and why."""

    area: AreaRef
    name: str
    path: list[AreaRef]
    confidence: float
    because: list[dict[str, str]]
    point: tuple[float, float] | None
    matches: list[MatchOut]
    alternatives: list[AreaRef]

    @classmethod
    def of(cls, located: Located) -> "LocatedOut":
        """From the gazetteer's answer."""
        return cls(
            area=_ref(located.lineage),
            name=located.lineage.name,
            path=_path(located.lineage),
            confidence=located.confidence,
            because=[{lang: reason.say(lang) for lang in words.LANGUAGES} for reason in located.because],
            point=located.point,
            matches=[
                MatchOut(start=m.start, end=m.end, text=m.text, area=_ref(m.area), score=m.score)
                for m in located.matches
            ],
            alternatives=[_ref(lineage) for lineage in located.alternatives],
        )


class OrgOut(Output):
    """机构 — an office."""

    code: str
    name: str
    kind: Kind
    level: Level
    telephone: str | None
    parent: str | None = None
    area: AreaRef | None = None


class PersonOut(Output):
    """A member of staff with the work telephone."""

    name: str
    work_telephone: str | None


class PostOut(Output):
    """岗位 — a post and who holds it."""

    role: str
    title: str
    area: AreaRef | None
    person: PersonOut | None


class OrgWhole(OrgOut):
    """An office with the offices directly below and its posts."""

    below: list[OrgOut]
    posts: list[PostOut]


class DutyOut(Output):
    """值班 — one line of today's roster."""

    org: OrgOut
    shift: str
    leader: PersonOut
    officer: PersonOut | None


@router.get("/areas")
def areas(
    parent: Annotated[str | None, Query(max_length=20)] = None,
    level: Level | None = None,
    q: Annotated[str | None, Query(max_length=50)] = None,
    after: Annotated[str | None, Query(max_length=300)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
    viewer: Viewer = anyone,
    s: Session = reading,
) -> AreasOut:
    """区域列表 — areas in force by pinyin: directly below ``parent``, or of a ``level`` (below ``parent``), or found by ``q``.

    Without any of the three: the counties.
    """
    query = select(Area).where(places.in_force())
    above = places.area_by_code(s, parent) if parent else None
    if above and (level or q) and above.level != "city":
        query = query.where(places.column_of(above.level) == above.id, Area.id != above.id)
    elif above and not level and not q:
        query = query.where(Area.parent_id == above.id)
    if level or not (parent or q):
        query = query.where(Area.level == (level or "county"))
    if q:
        query = query.where(names.matching(q, Area.name, Area.sort_key, Area.initials))
    keys, kinds = (Area.sort_key, Area.id), (str, UUID)
    found = page(s, query, keys, kinds, after=after, limit=limit, descending=False)
    return AreasOut(rows=[AreaOut.model_validate(row) for row in found.rows], next=found.next)


@router.get("/areas.geojson", response_class=Response)
def boundaries(
    level: Literal["county", "town", "community", "grid"] = "county",
    if_none_match: Annotated[str | None, Header()] = None,
    viewer: Viewer = anyone,
    s: Session = reading,
) -> Response:
    """区域边界 — simplified boundaries of a level as GeoJSON (WGS-84), for maps; unchanged as long as the ETag is."""
    atlas = gazetteer(s)
    tag = f'"{atlas.token}-{level}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if if_none_match and tag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(_geojson(atlas, level), media_type="application/geo+json", headers=headers)


@router.get("/areas/{code}")
def area(code: str, viewer: Viewer = anyone, s: Session = reading) -> AreaWhole:
    """区域 — one area, in force or ended, with its path and successors."""
    row = places.area_by_code(s, code)
    path = places.lineage(s, row)
    heirs = places.successors(s, row) if row.valid_to else []
    return AreaWhole(
        **AreaOut.model_validate(row).model_dump(),
        path=[AreaRef.model_validate(above) for above in path],
        successors=[SuccessorOut(code=a.code, name=a.name, level=_level(a.level), share=share) for a, share in heirs],
        readiness="emergency"
        if readiness.level_of(s, [above.id for above in path]) == readiness.EMERGENCY
        else "daily",
    )


@router.get("/locate", dependencies=[limited(120, 60)])
def locate(
    lon: Annotated[float | None, Query(ge=-180, le=180, allow_inf_nan=False)] = None,
    lat: Annotated[float | None, Query(ge=-90, le=90, allow_inf_nan=False)] = None,
    frame: Frame = Frame.WGS84,
    text: Annotated[str | None, Query(max_length=2000)] = None,
    viewer: Viewer = anyone,
    s: Session = reading,
) -> LocatedOut:
    """定位 — the area of a point (in the frame named) or of a free text. Nothing is kept."""
    if lon is not None and lat is not None:
        located, reason = gazetteer(s).locate_point(*to_wgs84(lon, lat, frame)), "locate.outside"
    elif text and text.strip():
        located, reason = gazetteer(s).locate_text(text), "locate.unknown"
    else:
        raise Refusal("locate.nothing", 422, field="text")
    if located is None:
        raise Refusal(reason, 404, field="lon" if reason == "locate.outside" else "text")
    return LocatedOut.of(located)


@router.get("/orgs")
def offices(
    q: Annotated[str, Query(max_length=50)] = "",
    kind: Kind | None = None,
    under: Annotated[str | None, Query(max_length=60)] = None,
    area: Annotated[str | None, Query(max_length=20)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
    viewer: Viewer = signed_in,
    s: Session = reading,
) -> list[OrgOut]:
    """机构列表 — offices by name, pinyin or initials, of a kind, directly ``under`` an office, or of an ``area``."""
    above = orgs.org_by_code(s, under) if under else None
    territory = places.area_by_code(s, area).id if area else None
    return _orgs(s, orgs.search(s, q, kind=kind, under=above, area_id=territory, limit=limit))


@router.get("/orgs/{code}")
def office(code: str, viewer: Viewer = signed_in, s: Session = reading) -> OrgWhole:
    """机构 — one office with those below it and its posts."""
    row = orgs.org_by_code(s, code)
    posts = orgs.posts_at(s, row)
    refs = _areas(s, [post.area_id for post, _ in posts])
    return OrgWhole(
        **_orgs(s, [row])[0].model_dump(),
        below=_orgs(s, orgs.search(s, under=row)),
        posts=[
            PostOut(role=p.role, title=p.title, area=refs.get(p.area_id), person=_person(person)) for p, person in posts
        ],
    )


@router.get("/duty")
def duty(viewer: Viewer = signed_in, s: Session = reading) -> list[DutyOut]:
    """今日值班 — who is on duty today, the city first."""
    lines = orgs.on_duty(s)
    shown = {org.code: org for org in _orgs(s, [line.org for line in lines])}
    return [
        DutyOut(
            org=shown[line.org.code],
            shift=line.shift,
            leader=PersonOut.model_validate(line.leader),
            officer=_person(line.officer),
        )
        for line in lines
    ]


def _ref(lineage: Lineage) -> AreaRef:
    return AreaRef.model_validate(lineage.finest)


def _path(lineage: Lineage) -> list[AreaRef]:
    return [AreaRef.model_validate(node) for node in lineage.path]


def _level(level: str) -> Any:
    return level


def _person(person: Person | None) -> PersonOut | None:
    return PersonOut.model_validate(person) if person else None


def _areas(s: Session, ids: Sequence[UUID | None]) -> dict[UUID | None, AreaRef]:
    wanted = {area_id for area_id in ids if area_id}
    rows = s.execute(select(Area.id, Area.code, Area.name, Area.level).where(Area.id.in_(wanted))) if wanted else []
    return {row.id: AreaRef.model_validate(row) for row in rows}


def _orgs(s: Session, rows: Sequence[Org]) -> list[OrgOut]:
    """Offices with their parents' codes and territories: two queries for any number."""
    parents = {row.parent_id for row in rows if row.parent_id}
    above = dict(s.execute(select(Org.id, Org.code).where(Org.id.in_(parents))).all()) if parents else {}
    refs = _areas(s, [row.area_id for row in rows])
    return [
        OrgOut(
            code=row.code,
            name=row.name,
            kind=row.kind,  # pyright: ignore[reportArgumentType] - the database checks it
            level=_level(row.level),
            telephone=row.telephone,
            parent=above.get(row.parent_id) if row.parent_id else None,
            area=refs.get(row.area_id),
        )
        for row in rows
    ]


_drawn: dict[tuple[UUID | None, str], bytes] = {}


def _geojson(atlas: Gazetteer, level: str) -> bytes:
    """The map of a level, drawn once an edition."""
    key = (atlas.token, level)
    if key not in _drawn:
        if any(token != atlas.token for token, _ in _drawn):
            _drawn.clear()
        _drawn[key] = _draw(atlas, level)
    return _drawn[key]


def _draw(atlas: Gazetteer, level: str) -> bytes:
    """Simplified together, so that neighbours keep their common edge."""
    if not atlas.nodes:
        return orjson.dumps({"type": "FeatureCollection", "features": []})
    city = atlas.nodes[0]
    found = [(node, atlas.boundary(node.id)) for node in atlas.under(city.id, level)]
    found = sorted(((node, shape) for node, shape in found if shape is not None), key=lambda pair: pair[0].code)
    shapes: Any = shapely.coverage_simplify(np.array([shape for _, shape in found], dtype=object), _TOLERANCE[level])
    shapes = shapely.transform(shapes, lambda xy: np.round(xy, _DIGITS))
    features = [
        {
            "type": "Feature",
            "id": node.code,
            "properties": {"code": node.code, "name": node.name, "level": node.level, "kind": node.kind},
            "geometry": shape.__geo_interface__,
        }
        for (node, _), shape in zip(found, shapes, strict=True)
    ]
    return orjson.dumps({"type": "FeatureCollection", "features": features})
