"""边界导入 — areas with their boundaries from GeoJSON: frame converted, geometry mended, each refused feature with its reason."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import shapely
from shapely.errors import ShapelyError
from shapely.geometry import shape
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, undefer

from shiyu.directory import codes, coords, names
from shiyu.directory.coords import Frame
from shiyu.directory.gazetteer import Gazetteer, gazetteer
from shiyu.directory.orgs import today
from shiyu.directory.places import Area, add_alias, changed, hang, may_keep
from shiyu.kernel import audit, words
from shiyu.kernel.auth import Viewer
from shiyu.kernel.db import new_id
from shiyu.kernel.errors import Refusal

_WGS84_NAMES = ("CRS84", "EPSG::4326", "EPSG:4326", "EPSG::4490", "EPSG:4490")
_CHINA = (73.0, 3.0, 136.0, 54.0)
_POLYGONS = {"Polygon", "MultiPolygon"}


class _Unfit(Exception):  # noqa: N818 - a reason on its way to the report
    def __init__(self, reason: str, **facts: Any) -> None:
        super().__init__(reason)
        self.reason, self.facts = reason, facts


@dataclass(frozen=True, slots=True)
class Refused:
    """A feature that was not taken: its position in the file (from 1), its code as far as known, and why."""

    position: int
    code: str
    reason: str
    facts: dict[str, Any]

    def say(self, lang: str = "zh") -> str:
        """The reason as a sentence."""
        return words.say(f"import.{self.reason}", lang, **self.facts)


@dataclass(slots=True)
class ImportReport:
    """导入结果 — how many features were read, added, changed, left as they were, mended; and those refused."""

    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    mended: int = 0
    refused: list[Refused] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a file is to be read."""

    level: str
    frame: Frame
    code_field: str
    name_field: str
    parent_field: str | None
    valid_from: date
    gazetteer: Gazetteer
    parents: dict[str, Area]
    present: dict[str, Area]
    seen: set[str]


def import_geojson(
    s: Session,
    viewer: Viewer,
    file: Path | bytes,
    *,
    level: str,
    frame: str,
    code_field: str = "code",
    name_field: str = "name",
    parent_field: str | None = None,
    valid_from: date | None = None,
    origin: str = "import",
    dry_run: bool = False,
) -> ImportReport:
    """导入边界 — areas of one level from a FeatureCollection; a code that is there gets the new boundary and name.

    ``frame`` must be named (a file does not say whether it is GCJ-02). The parent is read from ``parent_field``, else from the code,
    else found by where the area lies. ``dry_run`` reports and writes nothing. One call is one transaction: give large files in parts.
    Refuses (422) an unknown frame or level, a file that is no FeatureCollection, and one in a projected frame.
    """
    may_keep(viewer)
    if level not in codes.LEVELS:
        raise Refusal("import.bad_level", 422, field="level", level=level)
    if frame not in set(Frame):
        raise Refusal("import.bad_frame", 422, field="frame", frame=frame)
    features = _features(file)
    plan = _Plan(
        level=level,
        frame=Frame(frame),
        code_field=code_field,
        name_field=name_field,
        parent_field=parent_field,
        valid_from=valid_from or today(),
        gazetteer=gazetteer(s),
        parents=_parents(s, level),
        present=_present(s, features, code_field),
        seen=set(),
    )
    report = ImportReport(read=len(features))
    for position, feature in enumerate(features, 1):
        code = _code(feature, code_field)
        try:
            _take(s, viewer, plan, feature, report, origin, dry_run=dry_run)
        except _Unfit as unfit:
            report.refused.append(Refused(position, code, unfit.reason, unfit.facts))
    if not dry_run and report.added + report.changed:
        s.flush()
        audit.record(s, viewer, "area.import", level=level, added=report.added, changed=report.changed)
        changed(s)
    return report


def _features(file: Path | bytes) -> list[dict[str, Any]]:
    try:
        data = orjson.loads(file if isinstance(file, bytes) else file.read_bytes())
    except orjson.JSONDecodeError as error:
        raise Refusal("import.not_geojson", 422, field="file") from error
    features = data.get("features") if isinstance(data, dict) else None
    if not isinstance(features, list) or data.get("type") != "FeatureCollection":
        raise Refusal("import.not_geojson", 422, field="file")
    crs = data.get("crs")
    if crs is not None and not str(crs.get("properties", {}).get("name", "")).endswith(_WGS84_NAMES):
        raise Refusal("import.projected", 422, field="file")
    return [feature if isinstance(feature, dict) else {} for feature in features]


def _parents(s: Session, level: str) -> dict[str, Area]:
    if level == codes.LEVELS[0]:
        return {}
    above = codes.LEVELS[codes.LEVELS.index(level) - 1]
    alive = or_(Area.valid_to.is_(None), Area.valid_to > today())
    return {area.code: area for area in s.scalars(select(Area).where(Area.level == above, alive))}


def _present(s: Session, features: list[dict[str, Any]], code_field: str) -> dict[str, Area]:
    wanted = [_code(feature, code_field) for feature in features]
    query = select(Area).where(Area.code.in_(wanted)).options(undefer(Area.boundary))
    return {area.code: area for area in s.scalars(query)}


def _code(feature: dict[str, Any], code_field: str) -> str:
    value = (feature.get("properties") or {}).get(code_field)
    return codes.normal(str(int(value) if isinstance(value, float) and value.is_integer() else value or ""))


def _take(
    s: Session,
    viewer: Viewer,
    plan: _Plan,
    feature: dict[str, Any],
    report: ImportReport,
    origin: str,
    *,
    dry_run: bool,
) -> None:
    code = _code(feature, plan.code_field)
    if code in plan.seen:
        raise _Unfit("twice", given=code)
    if codes.level_of(code) != plan.level:
        raise _Unfit("bad_code", given=code, level=plan.level)
    area = plan.present.get(code)
    if area is not None and area.valid_to is not None:
        raise _Unfit("ended", area=area.name)
    name = str((feature.get("properties") or {}).get(plan.name_field) or (area.name if area else "")).strip()
    if not name:
        raise _Unfit("no_name", field=plan.name_field)
    geometry, mended = _geometry(feature, plan.frame)
    parent = _parent(plan, feature, code, geometry) if area is None else None
    boundary, centre = shapely.to_wkb(geometry), geometry.representative_point()
    report.mended += mended
    plan.seen.add(code)
    if area is None:
        report.added += 1
        area = Area(id=new_id(), code=code, level=plan.level, kind=codes.grid_kind(code), valid_from=plan.valid_from)
        area.origin = origin
        hang(area, parent)
        if not dry_run:
            s.add(area)
    elif area.boundary == boundary and area.name == name:
        report.unchanged += 1
        return
    else:
        report.changed += 1
        if not dry_run and area.name != name:
            add_alias(s, viewer, area, "name", area.name)
    if not dry_run:
        area.name, area.sort_key, area.initials = name, names.sort_key(name), names.initials(name)
        area.boundary, area.lon, area.lat = boundary, centre.x, centre.y


def _geometry(feature: dict[str, Any], frame: Frame) -> tuple[Any, bool]:
    """The polygons of a feature in WGS-84 and whether they had to be mended."""
    try:
        geometry = shape(feature["geometry"])
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ShapelyError) as error:
        raise _Unfit("no_geometry") from error
    if geometry.geom_type not in _POLYGONS or geometry.is_empty:
        raise _Unfit("not_polygon", given=geometry.geom_type)
    west, south, east, north = geometry.bounds
    if not _in_china(west, south, east, north):
        raise _Unfit("swapped" if _in_china(south, west, north, east) else "outside_china")
    geometry, valid = shapely.force_2d(geometry), geometry.is_valid
    if not valid:
        geometry = _polygons(shapely.make_valid(geometry))
    if geometry.is_empty or geometry.area == 0:
        raise _Unfit("no_area")
    return coords.geometry_to_wgs84(geometry, frame), not valid


def _in_china(west: float, south: float, east: float, north: float) -> bool:
    return _CHINA[0] <= west <= east <= _CHINA[2] and _CHINA[1] <= south <= north <= _CHINA[3]


def _polygons(geometry: Any) -> Any:
    """Mending may leave lines and points behind; only what has an area is kept."""
    return shapely.union_all([part for part in shapely.get_parts(geometry) if part.geom_type in _POLYGONS])


def _parent(plan: _Plan, feature: dict[str, Any], code: str, geometry: Any) -> Area | None:
    if plan.level == codes.LEVELS[0]:
        return None
    named = (feature.get("properties") or {}).get(plan.parent_field) if plan.parent_field else None
    above = codes.normal(str(named)) if named else codes.parent_of(code)
    if above in plan.parents:
        return plan.parents[above]
    if not named:
        inner = geometry.representative_point()
        located = plan.gazetteer.locate_point(inner.x, inner.y)
        holder = located.lineage.at(codes.LEVELS[codes.LEVELS.index(plan.level) - 1]) if located else None
        if holder and holder.code in plan.parents:
            return plan.parents[holder.code]
    raise _Unfit("no_parent", given=above or "")
