"""The rows of the field. A worker's tracks are not kept: only where something was seen, when it was reported."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, SmallInteger, text
from sqlalchemy import Sequence as DbSequence
from sqlalchemy.orm import Mapped, mapped_column

from shiyu.cases.models import Case
from shiyu.directory.orgs import Org
from shiyu.directory.places import Area
from shiyu.directory.posts import GridPost
from shiyu.field.lifecycle import OPEN, S
from shiyu.kernel.auth import Account
from shiyu.kernel.db import Base, new_id
from shiyu.kernel.files import File

task_seq = DbSequence("task_number", schema="field", metadata=Base.metadata)

_OPEN_SQL = "state in (" + ", ".join(f"'{state}'" for state in OPEN) + ")"


class Sighting(Base):
    """事件上报 — something a grid worker saw, and the case it became.

    ``client_id`` was made by the phone when it was saved and is what makes sending it twice harmless. ``seen_at`` is the phone's
    clock, ``received_at`` ours. Positions are WGS-84 degrees, ``accuracy`` metres. ``solved_on_spot``: 自行处置, the worker says
    that it is already put right; the case still runs until somebody has looked.
    """

    __tablename__ = "sighting"
    __table_args__ = (
        Index("uq_sighting_client", "account_id", "client_id", unique=True),
        Index("ix_sighting_mine", "account_id", "received_at", "id"),
        Index("ix_sighting_case", "case_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    client_id: Mapped[UUID]
    case_id: Mapped[UUID] = mapped_column(ForeignKey(Case.id))
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    grid_id: Mapped[UUID | None] = mapped_column(ForeignKey(Area.id))
    solved_on_spot: Mapped[bool] = mapped_column(default=False)
    seen_at: Mapped[datetime]
    received_at: Mapped[datetime]
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    accuracy: Mapped[float | None]
    exercise_id: Mapped[UUID | None]


class Task(Base):
    """网格任务 — what an office asks of a grid about a case.

    ``area_id`` the grid that is asked; ``account_id`` who took it, as long as nobody has: everybody of the grid. ``from_role``,
    ``from_org_id``, ``from_area_id`` are the post from which it was given: with its eyes the result is written on the case.
    """

    __tablename__ = "task"
    __table_args__ = (
        CheckConstraint(f"state in ({', '.join(repr(str(s)) for s in S)})", name="state"),
        Index("ix_task_case", "case_id"),
        Index("ix_task_area", "area_id", "created_at", "id"),
        Index("ix_task_open", "area_id", "created_at", "id", postgresql_where=text(_OPEN_SQL)),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    no: Mapped[str] = mapped_column(unique=True)
    version: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(default=S.ASSIGNED)
    case_id: Mapped[UUID] = mapped_column(ForeignKey(Case.id))
    from_role: Mapped[str]
    from_org_id: Mapped[UUID | None] = mapped_column(ForeignKey(Org.id))
    from_area_id: Mapped[UUID | None] = mapped_column(ForeignKey(Area.id))
    area_id: Mapped[UUID] = mapped_column(ForeignKey(Area.id))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id))
    text: Mapped[str]
    due_at: Mapped[datetime | None]
    result: Mapped[str | None]
    done_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    created_by: Mapped[UUID | None]
    exercise_id: Mapped[UUID | None]


class TaskEntry(Base):
    """任务记事 — one act on a task with its words. ``client_id`` as in ``Sighting``; ``acted_at`` is the phone's clock, ``at`` ours."""

    __tablename__ = "task_entry"
    __table_args__ = (
        Index(
            "uq_task_entry_client", "by_id", "client_id", unique=True, postgresql_where=text("client_id is not null")
        ),
    )

    task_id: Mapped[UUID] = mapped_column(ForeignKey(Task.id), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    verb: Mapped[str]
    text: Mapped[str | None]
    by_id: Mapped[UUID | None]
    by_name: Mapped[str | None]
    at: Mapped[datetime]
    acted_at: Mapped[datetime | None]
    client_id: Mapped[UUID | None]


class TaskFile(Base):
    """任务附件 — a photo that proves what was done."""

    __tablename__ = "task_file"
    __table_args__ = (Index("ix_task_file_file", "file_id"),)

    task_id: Mapped[UUID] = mapped_column(ForeignKey(Task.id), primary_key=True)
    file_id: Mapped[UUID] = mapped_column(ForeignKey(File.id), primary_key=True)
    version: Mapped[int]


class PatrolPlan(Base):
    """巡查计划 — a grid is to be walked on so many days a week, from ``valid_from`` until the day before ``valid_to``.

    ``points`` are the places to stop at (name, lon, lat in WGS-84 degrees, counted from 0); none: the whole grid, one check-in a day
    anywhere inside. ``reach``: metres within which a check-in counts as there. With ``post_id`` it is the plan of one post alone.
    A plan is not edited: it ends, and a new one begins.
    """

    __tablename__ = "patrol_plan"
    __table_args__ = (
        CheckConstraint("days_a_week between 1 and 7", name="days_a_week"),
        CheckConstraint("reach > 0", name="reach"),
        CheckConstraint("valid_to is null or valid_to > valid_from", name="validity"),
        Index(None, "area_id", "valid_from"),
        Index(None, "post_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    version: Mapped[int] = mapped_column(default=1)
    area_id: Mapped[UUID] = mapped_column(ForeignKey(Area.id))
    post_id: Mapped[UUID | None] = mapped_column(ForeignKey(GridPost.id))
    name: Mapped[str]
    points: Mapped[list[dict[str, Any]]]
    days_a_week: Mapped[int] = mapped_column(SmallInteger)
    reach: Mapped[int]
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime]
    created_by: Mapped[UUID | None]
    exercise_id: Mapped[UUID | None]


class CheckIn(Base):
    """巡查签到 — a worker says: I am here. ``client_id``, ``seen_at``, ``received_at`` and positions as in ``Sighting``.

    ``day`` is the day in Beijing for which it counts; ``off`` the metres by which it missed the grid or the point, 0 when it was there;
    ``counted`` whether it counts, judged once with the plan's ``reach``.
    """

    __tablename__ = "check_in"
    __table_args__ = (
        Index("uq_check_in_client", "account_id", "client_id", unique=True),
        Index(None, "plan_id", "day"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    client_id: Mapped[UUID]
    plan_id: Mapped[UUID] = mapped_column(ForeignKey(PatrolPlan.id))
    point: Mapped[int | None] = mapped_column(SmallInteger)
    account_id: Mapped[UUID] = mapped_column(ForeignKey(Account.id))
    day: Mapped[date] = mapped_column(Date)
    seen_at: Mapped[datetime]
    received_at: Mapped[datetime]
    lon: Mapped[float]
    lat: Mapped[float]
    accuracy: Mapped[float | None]
    off: Mapped[int]
    counted: Mapped[bool]
