"""区域与地点 — the areas of a city from the city itself down to the cell, and the places that people name.

Areas are never edited away: an area ends on a day, its successors are linked, its old name and code stay findable.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from shiyu.directory import codes, names
from shiyu.kernel import audit, clock
from shiyu.kernel.auth import SYSTEM, SYSTEM_ADMIN, Viewer
from shiyu.kernel.db import Base, new_id
from shiyu.kernel.errors import Refusal, not_found

KEEPERS = (SYSTEM_ADMIN,)
"""Roles that may change the directory."""

PLACE_KINDS = ("landmark", "estate", "road", "building", "facility")
_WHOLE = 1.0
_SLACK = 0.01  # shares of successors are given to the percent


class Area(Base):
    """区域 — a piece of the city on one of six levels, in force from ``valid_from`` until the day before ``valid_to``.

    ``kind`` is "base" or "exclusive" for a grid (基础网格, 专属网格) and "functional" for a zone that governs like a county
    without being one in GB/T 2260 (高新区 and its like: its code is the platform's own, it has no boundary and no share in the
    tessellation). ``county_id`` … ``grid_id`` are the ancestors, the area itself included on its own level. ``lon``, ``lat`` and
    ``boundary`` (WKB) are WGS-84 degrees. ``origin`` says where the row comes from: "statistics", "import", "synthetic", "manual".
    """

    __tablename__ = "area"
    __table_args__ = (
        CheckConstraint("level in ('city', 'county', 'town', 'community', 'grid', 'cell')", name="level"),
        CheckConstraint("kind in ('base', 'exclusive', 'functional')", name="kind"),
        CheckConstraint("valid_to is null or valid_to > valid_from", name="validity"),
        Index(None, "parent_id", "sort_key", "id"),
        Index(None, "level", "sort_key", "id"),
        Index(None, "county_id", "level"),
        Index(None, "town_id", "level"),
        Index(None, "community_id"),
        Index(None, "grid_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    level: Mapped[str]
    kind: Mapped[str | None]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("directory.area.id"))
    county_id: Mapped[UUID | None] = mapped_column(ForeignKey("directory.area.id"))
    town_id: Mapped[UUID | None] = mapped_column(ForeignKey("directory.area.id"))
    community_id: Mapped[UUID | None] = mapped_column(ForeignKey("directory.area.id"))
    grid_id: Mapped[UUID | None] = mapped_column(ForeignKey("directory.area.id"))
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    boundary: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    population: Mapped[int | None]
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    sort_key: Mapped[str]
    initials: Mapped[str]
    origin: Mapped[str] = mapped_column(default="manual")


class AreaSuccessor(Base):
    """区划沿革 — an area went over into another, wholly or in part: ``share`` of its people, from 0 to 1."""

    __tablename__ = "area_successor"
    __table_args__ = (UniqueConstraint("old_id", "new_id"), CheckConstraint("share > 0 and share <= 1", name="share"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    old_id: Mapped[UUID] = mapped_column(ForeignKey(Area.id))
    new_id: Mapped[UUID] = mapped_column(ForeignKey(Area.id), index=True)
    on: Mapped[date] = mapped_column("changed_on", Date)
    share: Mapped[float] = mapped_column(default=1.0)
    basis: Mapped[str | None]


class AreaAlias(Base):
    """区域别名 — another name or another scheme's code: "name" (former or popular), "police", "statistics", any local scheme."""

    __tablename__ = "area_alias"
    __table_args__ = (UniqueConstraint("scheme", "code", "area_id"), Index(None, "area_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    area_id: Mapped[UUID] = mapped_column(ForeignKey(Area.id))
    scheme: Mapped[str]
    code: Mapped[str]


class Place(Base):
    """地点 — a landmark, estate, road, building or facility that people name. A road has the area it runs through, the others a point."""

    __tablename__ = "place"
    __table_args__ = (
        CheckConstraint("kind in ('landmark', 'estate', 'road', 'building', 'facility')", name="kind"),
        Index(None, "area_id"),
        Index(None, "sort_key", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    aliases: Mapped[list[str]] = mapped_column(default=list)
    kind: Mapped[str]
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    area_id: Mapped[UUID | None] = mapped_column(ForeignKey(Area.id))
    sort_key: Mapped[str]
    origin: Mapped[str] = mapped_column(default="manual")


class Edition(Base):
    """名录版次 — one row whose token changes with every change of areas or places; caches and ETags go by it."""

    __tablename__ = "edition"

    topic: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[UUID]


def changed(s: Session) -> None:
    """Say that areas or places changed, so that every process reads them anew. Bulk loads call it once at their end."""
    row = upsert(Edition).values(topic="places", token=new_id())
    s.execute(row.on_conflict_do_update(index_elements=["topic"], set_={"token": row.excluded.token}))
    s.info["directory_changed"] = True


def may_keep(viewer: Viewer) -> None:
    """Refuse (403) who may not change the directory; the command line acts as the system itself."""
    if viewer is not SYSTEM:
        viewer.need(*KEEPERS)


def in_force(on: date | None = None) -> ColumnElement[bool]:
    """The areas of a day, by default today in Beijing."""
    day = on or clock.beijing(clock.now()).date()
    return (Area.valid_from <= day) & or_(Area.valid_to.is_(None), Area.valid_to > day)


def column_of(level: str) -> InstrumentedAttribute[Any]:
    """The column that holds the ancestor on a level, to select all areas below one."""
    found = {"county": Area.county_id, "town": Area.town_id, "community": Area.community_id, "grid": Area.grid_id}
    return found.get(level, Area.id)


def area_by_code(s: Session, code: str) -> Area:
    """The area of a code, in force or ended; padded statistical codes are understood. Refusal ``area.not_found``."""
    row = s.scalar(select(Area).where(Area.code == codes.normal(code)))
    if row is None:
        raise not_found("area")
    return row


def areas_under(s: Session, area: Area, level: str | None = None, on: date | None = None) -> Sequence[Area]:
    """The areas below one, itself not among them, in force on a day, by pinyin."""
    query = select(Area).where(Area.id != area.id, in_force(on))
    if area.level != "city":
        query = query.where(column_of(area.level) == area.id)
    if level:
        query = query.where(Area.level == level)
    return s.scalars(query.order_by(Area.sort_key, Area.id)).all()


def lineage(s: Session, area: Area) -> list[Area]:
    """The area and all above it, the widest first. (Where speed matters, ask the gazetteer.)"""
    above = [area]
    while above[0].parent_id is not None:
        parent = s.get(Area, above[0].parent_id)
        if parent is None:
            raise RuntimeError(f"area {above[0].code} has lost its parent")
        above.insert(0, parent)
    return above


def successors(s: Session, area: Area) -> list[tuple[Area, float]]:
    """沿革 — what an ended area is today, with shares; the chain is followed to areas that are in force. Empty: nothing recorded."""
    found: dict[UUID, tuple[Area, float]] = {}
    todo = [(area, _WHOLE)]
    while todo:
        old, weight = todo.pop()
        rows = s.execute(
            select(Area, AreaSuccessor.share)
            .join(AreaSuccessor, AreaSuccessor.new_id == Area.id)
            .where(AreaSuccessor.old_id == old.id)
        )
        for new, share in rows:
            if new.valid_to is None:
                found[new.id] = (new, found.get(new.id, (new, 0.0))[1] + weight * share)
            else:
                todo.append((new, weight * share))
    return sorted(found.values(), key=lambda pair: (-pair[1], pair[0].code))


def add_area(
    s: Session,
    viewer: Viewer,
    *,
    code: str,
    name: str,
    level: str,
    valid_from: date,
    parent: Area | None = None,
    kind: str | None = None,
    lon: float | None = None,
    lat: float | None = None,
    boundary: bytes | None = None,
    population: int | None = None,
    origin: str = "manual",
) -> Area:
    """设立区域 — a new area under its parent (found by the code when not named).

    Refuses a code that does not fit its level (422), one that is taken (409) and a parent of the wrong level (422).
    """
    may_keep(viewer)
    code = codes.normal(code)
    if kind != "functional" and codes.level_of(code) != level:
        raise Refusal("area.bad_code", 422, field="code", given=code, level=level)
    if s.scalar(select(Area.id).where(Area.code == code)) is not None:
        raise Refusal("area.code_taken", 409, field="code", given=code)
    above = codes.parent_of(code)
    if parent is None and above is not None:
        parent = s.scalar(select(Area).where(Area.code == above))
    if (parent is None) != (level == "city") or (
        parent and codes.LEVELS.index(level) - codes.LEVELS.index(parent.level) != 1
    ):
        raise Refusal("area.bad_parent", 422, field="parent", given=code)
    row = Area(
        id=new_id(),
        code=code,
        name=name,
        level=level,
        kind=kind or codes.grid_kind(code),
        lon=lon,
        lat=lat,
        boundary=boundary,
        population=population,
        valid_from=valid_from,
        sort_key=names.sort_key(name),
        initials=names.initials(name),
        origin=origin,
    )
    hang(row, parent)
    s.add(row)
    s.flush()
    audit.record(s, viewer, "area.add", subject=f"area:{row.id}", code=code)
    changed(s)
    return row


def hang(row: Area, parent: Area | None) -> None:
    """Put an area under its parent: the parent's ancestors and the area itself on its own level."""
    row.parent_id = parent.id if parent else None
    for level in ("county", "town", "community", "grid"):
        own = row.id if row.level == level else getattr(parent, f"{level}_id", None)
        setattr(row, f"{level}_id", own)


def rename_area(s: Session, viewer: Viewer, area: Area, name: str) -> None:
    """更名 — a new name under the same code; the old one stays findable as an alias."""
    may_keep(viewer)
    if name == area.name:
        return
    add_alias(s, viewer, area, "name", area.name)
    area.name, area.sort_key, area.initials = name, names.sort_key(name), names.initials(name)
    audit.record(s, viewer, "area.rename", subject=f"area:{area.id}")
    changed(s)


def add_alias(s: Session, viewer: Viewer, area: Area, scheme: str, code: str) -> None:
    """登记别名 — a former or popular name (scheme "name"), or the code of another scheme. Twice is once."""
    may_keep(viewer)
    row = upsert(AreaAlias).values(id=new_id(), area_id=area.id, scheme=scheme, code=code)
    s.execute(row.on_conflict_do_nothing())
    changed(s)


def end_area(
    s: Session,
    viewer: Viewer,
    area: Area,
    on: date,
    successors: Iterable[tuple[Area, float]] = (),
    basis: str | None = None,
) -> None:
    """撤销区域 — not in force any more from that day; ``successors`` are areas of the same level with shares that sum to one.

    Refuses (409) while areas below are in force, (422) successors that are ended themselves, of another level or of wrong shares.
    """
    may_keep(viewer)
    if area.valid_to is not None:
        raise Refusal("area.ended", 409, area=area.name)
    if on <= area.valid_from:
        raise Refusal("area.bad_day", 422, field="on")
    below = select(Area.id).where(Area.parent_id == area.id, or_(Area.valid_to.is_(None), Area.valid_to > on)).limit(1)
    if s.scalar(below) is not None:
        raise Refusal("area.has_children", 409, area=area.name)
    heirs = list(successors)
    for heir, _ in heirs:
        if heir.level != area.level or heir.valid_to is not None or heir.valid_from > on or heir.id == area.id:
            raise Refusal("area.bad_successor", 422, field="successors", area=heir.name)
    if heirs and abs(sum(share for _, share in heirs) - _WHOLE) > _SLACK:
        raise Refusal("area.bad_shares", 422, field="successors")
    area.valid_to = on
    s.add_all(AreaSuccessor(old_id=area.id, new_id=heir.id, on=on, share=share, basis=basis) for heir, share in heirs)
    s.flush()
    audit.record(s, viewer, "area.end", subject=f"area:{area.id}")
    changed(s)


def add_place(
    s: Session,
    viewer: Viewer,
    *,
    name: str,
    kind: str,
    lon: float | None = None,
    lat: float | None = None,
    area: Area | None = None,
    aliases: Sequence[str] = (),
    origin: str = "manual",
) -> Place:
    """登记地点 — a named place, by a point (WGS-84) or by the area it lies in. Refuses (422) one that has neither."""
    may_keep(viewer)
    if kind not in PLACE_KINDS:
        raise Refusal("place.bad_kind", 422, field="kind", kind=kind)
    if area is None and (lon is None or lat is None):
        raise Refusal("place.nowhere", 422, field="lon")
    row = Place(
        id=new_id(),
        name=name,
        kind=kind,
        lon=lon,
        lat=lat,
        area_id=area.id if area else None,
        aliases=list(aliases),
        sort_key=names.sort_key(name),
        origin=origin,
    )
    s.add(row)
    s.flush()
    audit.record(s, viewer, "place.add", subject=f"place:{row.id}")
    changed(s)
    return row


def remove_place(s: Session, viewer: Viewer, place: Place) -> None:
    """注销地点 — the name is not found in texts any more."""
    may_keep(viewer)
    s.delete(place)
    audit.record(s, viewer, "place.remove", subject=f"place:{place.id}")
    changed(s)
