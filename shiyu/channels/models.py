"""The registry of channels: what stands on it, who may knock, what came in, what went wrong, and what Open311 offers.

Cases name their channel by its code alone; a code that is not in the registry works as it always did and is counted nowhere.
"""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, LargeBinary, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from shiyu.cases.models import Case
from shiyu.channels.lifecycle import S
from shiyu.directory.orgs import Org
from shiyu.kernel.db import Base, new_id

KINDS = (
    "phone", "web", "app", "wechat", "email", "sms", "letter", "counter", "leader_mailbox", "media", "police", "grid",
    "partner", "open311", "file",
)  # fmt: skip
DATATYPES = ("string", "number", "datetime", "text", "singlevaluelist", "multivaluelist")
NEVER = datetime(9000, 1, 1, tzinfo=UTC)  # a channel that is paused or retired is not expected to speak


class Channel(Base):
    """渠道 — a door by which voices come in: a hotline, a mailbox, an app, a partner, a file that is delivered.

    ``kind`` one of ``KINDS``; ``number`` what people dial or write to; ``heard_at`` the newest report; ``silent_at`` the moment from
    which it counts as silent (沉默渠道) if nothing more is heard, ``NEVER`` while it is not active; ``synthetic`` marks what is
    invented for a demonstration.
    """

    __tablename__ = "channel"
    __table_args__ = (
        CheckConstraint(f"state in ({', '.join(repr(str(s)) for s in S)})", name="state"),
        CheckConstraint(f"kind in {KINDS!r}", name="kind"),
        Index("ix_channel_silent", "silent_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    number: Mapped[str | None]
    subject: Mapped[str | None]
    org_id: Mapped[UUID | None] = mapped_column(ForeignKey(Org.id))
    state: Mapped[str] = mapped_column(default=S.ACTIVE)
    version: Mapped[int] = mapped_column(default=1)
    synthetic: Mapped[bool] = mapped_column(default=False)
    heard_at: Mapped[datetime | None]
    silent_at: Mapped[datetime]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class ChannelKey(Base):
    """接口密钥 — with which a machine speaks for a channel. The secret is shown once; kept are its first letters and its digest.

    ``rate`` is how many requests a minute it may make.
    """

    __tablename__ = "channel_key"
    __table_args__ = (
        CheckConstraint("rate between 1 and 6000", name="rate"),
        Index("ix_channel_key_channel", "channel_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    channel_id: Mapped[UUID] = mapped_column(ForeignKey(Channel.id))
    name: Mapped[str]
    prefix: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    rate: Mapped[int]
    created_at: Mapped[datetime]
    created_by: Mapped[UUID | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[UUID | None]


class MatterMapping(Base):
    """事项对照 — a channel's own code of a matter and ours; without ours it was heard and nobody has said yet what it means."""

    __tablename__ = "matter_mapping"
    __table_args__ = (Index("uq_matter_mapping_theirs", "channel_id", "theirs", unique=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    channel_id: Mapped[UUID] = mapped_column(ForeignKey(Channel.id))
    theirs: Mapped[str]
    name: Mapped[str | None]
    matter: Mapped[str | None]
    missed: Mapped[int] = mapped_column(default=0)
    heard_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]


class DayCount(Base):
    """渠道日计 — of one channel on one day in Beijing: cases accepted, reports that had been received before, reports refused."""

    __tablename__ = "day_count"

    channel_id: Mapped[UUID] = mapped_column(ForeignKey(Channel.id), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    accepted: Mapped[int] = mapped_column(default=0)
    known: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)


class ChannelError(Base):
    """渠道差错 — a request of a channel that was refused: the refusal's code and field, never what was said."""

    __tablename__ = "channel_error"
    __table_args__ = (Index("ix_channel_error_channel", "channel_id", "at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    channel_id: Mapped[UUID] = mapped_column(ForeignKey(Channel.id))
    at: Mapped[datetime]
    code: Mapped[str]
    field: Mapped[str | None]
    status: Mapped[int] = mapped_column(SmallInteger)
    key_id: Mapped[UUID | None] = mapped_column(ForeignKey(ChannelKey.id))
    request_id: Mapped[str | None]


class Migration(Base):
    """归并台账 — one taking over of an old line's cases: how many the old line had, how many came over, who confirmed it.

    ``rows`` were given, of which ``imported`` became cases, ``known`` were cases already and ``refused`` became none.
    """

    __tablename__ = "migration"
    __table_args__ = (Index("ix_migration_channel", "channel_id", "at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    channel_id: Mapped[UUID] = mapped_column(ForeignKey(Channel.id))
    source: Mapped[str]
    at: Mapped[datetime]
    by_id: Mapped[UUID | None]
    by_name: Mapped[str | None]
    rows: Mapped[int]
    imported: Mapped[int]
    known: Mapped[int]
    refused: Mapped[int]
    old_total: Mapped[int | None]
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[UUID | None]
    confirmed_name: Mapped[str | None]


class Service(Base):
    """开放事项 — a matter that Open311 offers. ``type`` "realtime": a request is answered with its number, "batch": with a token."""

    __tablename__ = "service"
    __table_args__ = (CheckConstraint("type in ('realtime', 'batch')", name="type"),)

    matter: Mapped[str] = mapped_column(primary_key=True)
    offered: Mapped[bool] = mapped_column(default=True)
    type: Mapped[str] = mapped_column(default="realtime")
    description: Mapped[str | None]
    description_en: Mapped[str | None]
    changed_at: Mapped[datetime]


class ServiceAttribute(Base):
    """开放事项属性 — a question that Open311 clients put with a service. ``values``: ``{"key", "name", "name_en"}`` of a list.

    ``variable`` false: nothing is asked, the description is only shown.
    """

    __tablename__ = "service_attribute"
    __table_args__ = (CheckConstraint(f"datatype in {DATATYPES!r}", name="datatype"),)

    matter: Mapped[str] = mapped_column(ForeignKey(Service.matter), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    variable: Mapped[bool] = mapped_column(default=True)
    datatype: Mapped[str]
    required: Mapped[bool] = mapped_column(default=False)
    description: Mapped[str]
    description_en: Mapped[str]
    hint: Mapped[str | None]
    hint_en: Mapped[str | None]
    values: Mapped[list[dict[str, Any]]] = mapped_column(default=list)


class OpenRequest(Base):
    """开放接口报送 — how a case came in through Open311: with which key, and what its sender alone may read again.

    ``description`` is what was said, without the answers to attributes, which the case's text has as well. ``email`` and
    ``account`` are sealed: they are there for the desk's answer to the person, not for the interface.
    """

    __tablename__ = "open_request"

    case_id: Mapped[UUID] = mapped_column(ForeignKey(Case.id), primary_key=True)
    key_id: Mapped[UUID] = mapped_column(ForeignKey(ChannelKey.id))
    token: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str | None]
    email_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    account_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
