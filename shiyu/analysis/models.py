"""The rows of the analyst: one fact a case, and figures kept by day, area and matter. Both are made from the feed and can be made anew."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from shiyu.kernel.db import Base

LISTENER = "analysis.facts"  # whose cursor says how far these rows know the news
_STANDING = "ended_at is null and exercise_id is null"
_COUNTED = "exercise_id is null and not part"


class Fact(Base):
    """工单事实 — one case as the analyst sees it: codes, areas, times, outcome; no words, no person, no exact place.

    ``part`` says that it is a piece of a case that was split: it has promises of its own, yet the citizen spoke once and figures count
    once. ``late`` says that a limit for handling (办理时限) that has ended was missed; ``lon`` and ``lat`` are WGS-84 degrees
    rounded to about a hundred metres, or the middle of the community where only words told the place. No foreign keys: facts are rebuilt from the feed while cases go on.
    """

    __tablename__ = "fact"
    __table_args__ = (
        Index("ix_fact_accepted", "accepted_at", "county_id", postgresql_where=text(_COUNTED)),
        Index("ix_fact_ended", "ended_at", "county_id", postgresql_where=text(f"ended_at is not null and {_COUNTED}")),
        # What stands open is counted at every look at a wall: all that the counts ask for lies in the index.
        Index(
            "ix_fact_standing",
            "county_id",
            "due_at",
            postgresql_include=["amber_at", "lead_org_id", "part"],
            postgresql_where=text(_STANDING),
        ),
        Index("ix_fact_standing_lead", "lead_org_id", "due_at", postgresql_where=text(_STANDING)),
    )

    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    state: Mapped[str]
    kind: Mapped[str]
    channel: Mapped[str]
    urgency: Mapped[str]
    matter: Mapped[str | None]
    county_id: Mapped[UUID | None]
    town_id: Mapped[UUID | None]
    community_id: Mapped[UUID | None]
    grid_id: Mapped[UUID | None]
    lead_org_id: Mapped[UUID | None]
    accepted_at: Mapped[datetime]
    replied_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    amber_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    late: Mapped[bool]
    solved: Mapped[bool | None]
    satisfied: Mapped[int | None] = mapped_column(SmallInteger)
    confidential: Mapped[bool]
    part: Mapped[bool]
    historic: Mapped[bool]
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    exercise_id: Mapped[UUID | None]


class Tally(Base):
    """指标累计 — counts of a Beijing day in an area by class of matter: the sum of what its facts count as (``metrics.marks``).

    ``area_id`` is the nil UUID for the whole city; ``matter`` the first two digits of the code, "00" where nobody knows.
    Drills are not in it.
    """

    __tablename__ = "tally"
    __table_args__ = (
        CheckConstraint("level in ('city', 'county', 'town', 'community', 'grid')", name="level"),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    level: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    area_id: Mapped[UUID] = mapped_column(primary_key=True)
    matter: Mapped[str] = mapped_column(primary_key=True)
    accepted: Mapped[int]
    closed: Mapped[int]
    late: Mapped[int]
    asked: Mapped[int]
    solved: Mapped[int]
    rated: Mapped[int]
    satisfied: Mapped[int]
