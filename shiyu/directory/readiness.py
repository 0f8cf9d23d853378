"""平战转换 — which areas are on daily work and which on emergency duty, since when, by which order."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from shiyu.directory.places import Area
from shiyu.kernel import clock
from shiyu.kernel.db import Base, new_id

DAILY, EMERGENCY = "daily", "emergency"


class Readiness(Base):
    """平战状态 — an area and everything in it stands on a level from ``from_at`` until ``to_at``; no row means daily work (平时).

    ``order`` is the number of the order (命令文号) by which it was switched.
    """

    __tablename__ = "readiness"
    __table_args__ = (
        CheckConstraint("level in ('daily', 'emergency')", name="level"),
        CheckConstraint("to_at is null or to_at > from_at", name="validity"),
        Index(None, "area_id", "from_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    area_id: Mapped[UUID] = mapped_column(ForeignKey(Area.id))
    level: Mapped[str]
    order: Mapped[str] = mapped_column("order_no")
    from_at: Mapped[datetime]
    to_at: Mapped[datetime | None]


def in_force(at: datetime | None = None) -> ColumnElement[bool]:
    """The rows of a moment, by default now."""
    moment = at or clock.now()
    return (Readiness.from_at <= moment) & or_(Readiness.to_at.is_(None), Readiness.to_at > moment)


def level_of(s: Session, area_ids: Iterable[UUID | None], at: datetime | None = None) -> str:
    """平战级别 — "emergency" when the area or one above it is on emergency duty, else "daily".

    ``area_ids`` are the ids of a lineage (``lineage.ids().values()``); ``None`` among them is skipped.
    """
    wanted = [area_id for area_id in area_ids if area_id is not None]
    query = select(Readiness.id).where(Readiness.area_id.in_(wanted), Readiness.level == EMERGENCY, in_force(at))
    return EMERGENCY if s.scalar(query.limit(1)) is not None else DAILY


def emergencies(s: Session, at: datetime | None = None) -> Sequence[Readiness]:
    """战时区域 — every area on emergency duty at a moment, the newest order first."""
    query = select(Readiness).where(Readiness.level == EMERGENCY, in_force(at))
    return s.scalars(query.order_by(Readiness.from_at.desc(), Readiness.id)).all()
