"""The rows of a case. Everything that happens appends a row; the case itself holds the present."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, text
from sqlalchemy import Sequence as DbSequence
from sqlalchemy.orm import Mapped, mapped_column

from shiyu.cases.lifecycle import OPEN, S
from shiyu.directory.orgs import Org
from shiyu.directory.places import Area
from shiyu.kernel.db import Base, new_id
from shiyu.kernel.files import File

number_seq = DbSequence("case_number", schema="cases", metadata=Base.metadata)

_OPEN_SQL = "state in (" + ", ".join(f"'{state}'" for state in OPEN) + ")"


def _listed(name: str, *columns: str) -> Index:
    """An index that a viewer's branch of a list reads from its end: equality, then time, then id."""
    return Index(f"ix_case_{name}", *columns, "accepted_at", "id")


def _waiting(name: str, *columns: str) -> Index:
    """An index over what is still open, in the order in which it is due; the state rides along, so that a box needs no sorting."""
    where, ride = text(_OPEN_SQL), [] if "state" in columns else ["state"]
    return Index(f"ix_case_open_{name}", *columns, "due_at", "id", postgresql_where=where, postgresql_include=ride)


class Case(Base):
    """诉求工单 — one request, from acceptance to the last call-back.

    ``no`` the public number; ``version`` grows by one with each act and is what a stale screen is measured by; ``due_at`` the
    least of its open clocks and ``amber_at`` that clock's warning time; positions are WGS-84 degrees; areas are kept for each level, so that a viewer limited to an area asks
    one equality; ``lead_org_id`` is the office of the newest dispatch.
    """

    __tablename__ = "case"
    __table_args__ = (
        CheckConstraint(f"state in ({', '.join(repr(str(s)) for s in S)})", name="state"),
        Index("uq_case_key", "channel", "key", unique=True),
        _listed("new"),
        _listed("county", "county_id"),
        _listed("town", "town_id"),
        _listed("community", "community_id"),
        _listed("grid", "grid_id"),
        _listed("cell", "cell_id"),
        _listed("lead", "lead_org_id"),
        _listed("state", "state"),
        _waiting("due"),
        _waiting("state", "state"),
        _waiting("lead", "lead_org_id"),
        _waiting("county", "county_id"),
        _waiting("town", "town_id"),
        _waiting("grid", "grid_id"),
        Index("ix_case_merged", "merged_into_id", postgresql_where=text("merged_into_id is not null")),
        Index("ix_case_part", "part_of_id", postgresql_where=text("part_of_id is not null")),
        # Candidates for duplicates: the same kind of thing in the same neighbourhood, newest first.
        Index("ix_case_near", "community_id", "matter", "accepted_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    no: Mapped[str] = mapped_column(unique=True)
    version: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(default=S.REGISTERED)
    channel: Mapped[str]
    key: Mapped[str]
    kind: Mapped[str]
    urgency: Mapped[str] = mapped_column(default="normal")
    text: Mapped[str]
    address: Mapped[str | None]
    matter: Mapped[str | None]
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    county_id: Mapped[UUID | None] = mapped_column(ForeignKey(Area.id))
    town_id: Mapped[UUID | None] = mapped_column(ForeignKey(Area.id))
    community_id: Mapped[UUID | None] = mapped_column(ForeignKey(Area.id))
    grid_id: Mapped[UUID | None] = mapped_column(ForeignKey(Area.id))
    cell_id: Mapped[UUID | None] = mapped_column(ForeignKey(Area.id))
    lead_org_id: Mapped[UUID | None] = mapped_column(ForeignKey(Org.id))
    convener_org_id: Mapped[UUID | None] = mapped_column(ForeignKey(Org.id))
    confidential: Mapped[bool] = mapped_column(default=False)
    triage: Mapped[dict[str, Any]] = mapped_column(default=dict)
    rounds: Mapped[int] = mapped_column(SmallInteger, default=0)
    designated: Mapped[bool] = mapped_column(default=False)
    reworks: Mapped[int] = mapped_column(SmallInteger, default=0)
    duplicates: Mapped[int] = mapped_column(SmallInteger, default=0)
    solved: Mapped[bool | None]
    satisfied: Mapped[int | None] = mapped_column(SmallInteger)
    historic: Mapped[bool] = mapped_column(default=False)
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("cases.case.id"))
    part_of_id: Mapped[UUID | None] = mapped_column(ForeignKey("cases.case.id"))
    accepted_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    amber_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    replied_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]
    created_by: Mapped[UUID | None]
    exercise_id: Mapped[UUID | None]


class Reporter(Base):
    """诉求人 — who spoke. Name and telephone are sealed; ``phone_blind`` finds earlier cases of the same caller."""

    __tablename__ = "reporter"
    __table_args__ = (Index("ix_reporter_phone", "phone_blind"),)

    case_id: Mapped[UUID] = mapped_column(ForeignKey(Case.id), primary_key=True)
    anonymous: Mapped[bool] = mapped_column(default=False)
    name_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_blind: Mapped[bytes | None] = mapped_column(LargeBinary)
    last4_blind: Mapped[bytes | None] = mapped_column(LargeBinary)
    name_masked: Mapped[str | None]
    phone_masked: Mapped[str | None]
    account_id: Mapped[UUID | None]


class Clock(Base):
    """时限 — one promise: contact, dispatch, sign, handle, assist, review, call_back, transfer, rework.

    ``rule_id`` names the row of ``limits`` that set it; ``pauses`` lists what was added and why; ``amber_at`` is when three quarters
    of its time are spent. A clock with ``stopped_at`` was kept or missed; ``stopped_at > due_at`` is overdue.
    """

    __tablename__ = "clock"
    __table_args__ = (
        Index("ix_clock_case", "case_id"),
        Index("ix_clock_open", "due_at", postgresql_where=text("stopped_at is null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey(Case.id))
    kind: Mapped[str]
    org_id: Mapped[UUID | None] = mapped_column(ForeignKey(Org.id))
    started_at: Mapped[datetime]
    amber_at: Mapped[datetime]
    due_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    pauses: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    rule_id: Mapped[str]
    basis: Mapped[str]
    uncertain: Mapped[str | None]


class Dispatch(Base):
    """派单记录 — an office's part in a case: lead (主办) or assist (协办), in one round of dispatching."""

    __tablename__ = "dispatch"
    __table_args__ = (
        CheckConstraint("part in ('lead', 'assist')", name="part"),
        Index("ix_dispatch_case", "case_id"),
        Index("ix_dispatch_org", "org_id", "accepted_at", "case_id"),
        Index("ix_dispatch_open", "org_id", "part", "case_id", postgresql_where=text("ended_at is null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey(Case.id))
    org_id: Mapped[UUID] = mapped_column(ForeignKey(Org.id))
    part: Mapped[str]
    round: Mapped[int] = mapped_column(SmallInteger)
    accepted_at: Mapped[datetime]  # the case's, so that an office's list is read in order from one index
    at: Mapped[datetime]
    by_id: Mapped[UUID | None]
    designated: Mapped[bool] = mapped_column(default=False)
    signed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    ground: Mapped[str | None]


class Bar(Base):
    """回避 — somebody who must neither see nor handle this case: a person with an interest in it, or the office it is about.

    ``why``: "recused" (自行回避), "ordered" (责令回避), "accused" (被举报单位). Holds until it is lifted.
    """

    __tablename__ = "bar"
    __table_args__ = (
        CheckConstraint("why in ('recused', 'ordered', 'accused')", name="why"),
        CheckConstraint("(account_id is null) <> (org_id is null)", name="one"),
        Index("ix_bar_case", "case_id", postgresql_where=text("ended_at is null")),
        Index("ix_bar_account", "account_id", "case_id", postgresql_where=text("ended_at is null")),
        Index("ix_bar_org", "org_id", "case_id", postgresql_where=text("ended_at is null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey(Case.id))
    account_id: Mapped[UUID | None]
    org_id: Mapped[UUID | None] = mapped_column(ForeignKey(Org.id))
    why: Mapped[str]
    at: Mapped[datetime]
    by_id: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None]


class Entry(Base):
    """记事 — the words that went with an act; the timeline is the events with their entries."""

    __tablename__ = "entry"

    case_id: Mapped[UUID] = mapped_column(ForeignKey(Case.id), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    verb: Mapped[str]
    text: Mapped[str]
    by_id: Mapped[UUID | None]
    by_name: Mapped[str | None]
    org_id: Mapped[UUID | None] = mapped_column(ForeignKey(Org.id))
    at: Mapped[datetime]


class Reply(Base):
    """答复 — what an office tells the reporter; a draft until it is sent."""

    __tablename__ = "reply"
    __table_args__ = (Index("ix_reply_case", "case_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey(Case.id))
    org_id: Mapped[UUID | None] = mapped_column(ForeignKey(Org.id))
    text: Mapped[str]
    by_id: Mapped[UUID | None]
    by_name: Mapped[str | None]
    at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    reviewed_by: Mapped[UUID | None]


class CallBack(Base):
    """回访 — one attempt to ask the reporter the two questions: is it solved, are you satisfied (1 to 5)."""

    __tablename__ = "call_back"
    __table_args__ = (
        CheckConstraint("satisfied between 1 and 5", name="satisfied"),
        CheckConstraint("result in ('reached', 'unreachable', 'refused')", name="result"),
        Index("ix_call_back_case", "case_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey(Case.id))
    round: Mapped[int] = mapped_column(SmallInteger)
    at: Mapped[datetime]
    by_id: Mapped[UUID | None]
    by_name: Mapped[str | None]
    channel: Mapped[str]
    result: Mapped[str]
    solved: Mapped[bool | None]
    satisfied: Mapped[int | None] = mapped_column(SmallInteger)
    text: Mapped[str | None]


class Extension(Base):
    """延期 — asked before the limit runs out, decided once."""

    __tablename__ = "extension"
    __table_args__ = (Index("ix_extension_case", "case_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey(Case.id))
    org_id: Mapped[UUID] = mapped_column(ForeignKey(Org.id))
    ground: Mapped[str]
    text: Mapped[str]
    asked_at: Mapped[datetime]
    asked_by: Mapped[UUID | None]
    until: Mapped[datetime]
    basis: Mapped[str]
    approved: Mapped[bool | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]


class Transfer(Base):
    """移送 — our leg stays open until the other side confirms that the matter is within its scope."""

    __tablename__ = "transfer"
    __table_args__ = (Index("ix_transfer_case", "case_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    case_id: Mapped[UUID] = mapped_column(ForeignKey(Case.id))
    to: Mapped[str]
    mode: Mapped[str] = mapped_column(default="push")
    at: Mapped[datetime]
    by_id: Mapped[UUID | None]
    confirmed_at: Mapped[datetime | None]
    bounced_at: Mapped[datetime | None]
    receipt: Mapped[str | None]
    ground: Mapped[str | None]


class CaseFile(Base):
    """工单附件 — a photo, recording or document, and with which act it came."""

    __tablename__ = "case_file"
    __table_args__ = (Index("ix_case_file_file", "file_id"),)

    case_id: Mapped[UUID] = mapped_column(ForeignKey(Case.id), primary_key=True)
    file_id: Mapped[UUID] = mapped_column(ForeignKey(File.id), primary_key=True)
    version: Mapped[int]
    verb: Mapped[str]
    public: Mapped[bool] = mapped_column(default=False)
