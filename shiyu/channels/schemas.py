"""What the wire carries of the registry."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field
from sqlalchemy.orm import Session

from shiyu.cases.schemas import Named
from shiyu.channels import policy, queries
from shiyu.channels.actions import Entry, Offer, Question
from shiyu.channels.lifecycle import LIFECYCLE
from shiyu.channels.models import (
    Channel,
    ChannelError,
    ChannelKey,
    MatterMapping,
    Migration,
    Service,
    ServiceAttribute,
)
from shiyu.directory import orgs
from shiyu.kernel import clock, words
from shiyu.kernel.auth import Viewer
from shiyu.kernel.web import Input, Output
from shiyu.law.book import book
from shiyu.law.matters import Entry as MatterEntry

KindName = Literal[
    "phone", "web", "app", "wechat", "email", "sms", "letter", "counter", "leader_mailbox", "media", "police", "grid",
    "partner", "open311", "file",
]  # fmt: skip
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,29}$")]
MatterCode = Annotated[str, Field(pattern=r"^\d{6}$")]
_BLANK = re.compile(r"\{\w+\}")
Count = Annotated[int, Field(ge=0, le=2_000_000_000)]


# --- in ------------------------------------------------------------------------------------------------------------------


class ChannelEntryIn(Input):
    """渠道信息. ``org`` is the code of the office it belongs to."""

    name: str = Field(min_length=1, max_length=60)
    name_en: str = Field(min_length=1, max_length=100)
    kind: KindName
    number: str | None = Field(None, max_length=60)
    subject: str | None = Field(None, max_length=200)
    org: str | None = Field(None, max_length=60)
    synthetic: bool = False

    def entry(self) -> Entry:
        """The same for the verb."""
        return Entry(self.name, self.name_en, self.kind, self.number, self.subject, self.org, self.synthetic)


class ChannelIn(ChannelEntryIn):
    """登记渠道."""

    code: Code


class ChannelEditIn(ChannelEntryIn):
    """修改渠道 — ``version`` that the screen showed."""

    version: int | None = Field(None, ge=1)


class ChannelActIn(Input):
    """暂停 恢复启用 停用."""

    reason: str | None = Field(None, max_length=500)


class ChannelKeyIn(Input):
    """发放密钥 — ``rate`` requests a minute."""

    name: str = Field(min_length=1, max_length=60)
    rate: int = Field(60, ge=1, le=6000)


class MappingIn(Input):
    """事项对照."""

    theirs: str = Field(min_length=1, max_length=100)
    name: str | None = Field(None, max_length=100)
    matter: MatterCode | None = None


class MigrationIn(Input):
    """归并记账."""

    source: str = Field(min_length=1, max_length=200)
    rows: Count
    imported: Count
    known: Count = 0
    refused: Count = 0
    old_total: Count | None = None

    def counts(self) -> dict[str, int]:
        """The four counts."""
        return {name: getattr(self, name) for name in ("rows", "imported", "known", "refused")}


class MigrationConfirmIn(Input):
    """归并确认 — how many cases the old line had."""

    old_total: Count


class AttributeValueIn(Input):
    """One value of a list."""

    key: str = Field(pattern=r"^[A-Za-z0-9_.\-]{1,40}$")
    name: str = Field(min_length=1, max_length=100)
    name_en: str = Field(min_length=1, max_length=100)


class AttributeIn(Input):
    """开放事项属性."""

    code: str = Field(pattern=r"^[A-Za-z0-9_.\-]{1,40}$")
    variable: bool = True
    datatype: Literal["string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"]
    required: bool = False
    description: str = Field(min_length=1, max_length=300)
    description_en: str = Field(min_length=1, max_length=300)
    hint: str | None = Field(None, max_length=300)
    hint_en: str | None = Field(None, max_length=300)
    values: list[AttributeValueIn] = Field(default_factory=list, max_length=200)


class OfferIn(Input):
    """开放事项 — its attributes become exactly these, in this order."""

    offered: bool = True
    type: Literal["realtime", "batch"] = "realtime"
    description: str | None = Field(None, max_length=500)
    description_en: str | None = Field(None, max_length=500)
    attributes: list[AttributeIn] = Field(default_factory=list, max_length=50)

    def offer(self) -> Offer:
        """The same for the verb."""
        plain = self.model_dump()
        questions = [Question(**one) for one in plain.pop("attributes")]
        return Offer(**plain, questions=questions)


# --- out -----------------------------------------------------------------------------------------------------------------


class ChannelDayOut(Output):
    """渠道日计."""

    day: date
    accepted: int
    known: int
    refused: int


class ChannelRow(Output):
    """A channel in the list. ``days``: accepted cases of the last 30 days, the oldest first."""

    code: str
    name: str
    name_en: str
    kind: str
    kind_label: dict[str, str]
    number: str | None
    subject: str | None
    org: Named | None
    state: str
    state_label: dict[str, str]
    synthetic: bool
    heard_at: datetime | None
    silent: bool
    error_at: datetime | None
    accepted: int
    refused: int
    days: list[int]


class ChannelPage(Output):
    """A page of channels."""

    rows: list[ChannelRow]
    next: str | None


class ChannelOut(ChannelRow):
    """One channel. ``can``: the verbs this viewer may use now; ``manages``: whether he may change it."""

    version: int
    silent_at: datetime | None
    created_at: datetime
    changed_at: datetime
    can: list[str]
    manages: bool
    confirms: bool


class ChannelSummaryOut(Output):
    """How many channels there are in each state, and how many fell silent."""

    active: int
    paused: int
    retired: int
    silent: int


class ChannelKeyOut(Output):
    """接口密钥 — without its secret."""

    id: UUID
    name: str
    prefix: str
    rate: int
    created_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


class ChannelKeyMade(ChannelKeyOut):
    """接口密钥 as it is given out: the only time that its secret is told."""

    secret: str


class MappingOut(Output):
    """事项对照 — ``matter`` is empty for a code that nobody has explained yet."""

    id: UUID
    theirs: str
    name: str | None
    matter: Named | None
    missed: int
    heard_at: datetime | None


class ChannelErrorOut(Output):
    """渠道差错."""

    id: UUID
    at: datetime
    code: str
    message: dict[str, str]
    field: str | None
    status: int
    key: str | None
    request_id: str | None


class ChannelErrorPage(Output):
    """A page of errors."""

    rows: list[ChannelErrorOut]
    next: str | None


class MigrationOut(Output):
    """归并台账."""

    id: UUID
    source: str
    at: datetime
    by_name: str | None
    rows: int
    imported: int
    known: int
    refused: int
    old_total: int | None
    confirmed_at: datetime | None
    confirmed_name: str | None
    can_confirm: bool


class MigrationPage(Output):
    """A page of the ledger."""

    rows: list[MigrationOut]
    next: str | None


class AttributeOut(AttributeIn):
    """开放事项属性 as it is kept."""


class OfferOut(Output):
    """开放事项 — a matter as Open311 offers it, or not."""

    matter: Named
    offered: bool
    type: str
    description: str | None
    description_en: str | None
    attributes: list[AttributeOut]


# --- from rows to the wire -----------------------------------------------------------------------------------------------


def rows_out(s: Session, channels: Sequence[Channel]) -> list[ChannelRow]:
    """Channels of a list, with a few queries however many."""
    ids = [row.id for row in channels]
    days, errors, offices = queries.days(s, ids), queries.newest_errors(s, ids), orgs.labels(s)
    return [ChannelRow(**_row(row, days[row.id], errors, offices)) for row in channels]


def channel_out(s: Session, viewer: Viewer, row: Channel) -> ChannelOut:
    """One channel for this viewer."""
    plain = _row(row, queries.days(s, [row.id])[row.id], queries.newest_errors(s, [row.id]), orgs.labels(s))
    return ChannelOut(
        **plain,
        version=row.version,
        silent_at=row.silent_at if row.state == "active" else None,
        created_at=row.created_at,
        changed_at=row.changed_at,
        can=LIFECYCLE.open_to(row.state, policy.roles(viewer)),
        manages=policy.manages(viewer),
        confirms=viewer.has(*policy.CONFIRMERS),
    )


def _row(
    row: Channel,
    days: Sequence[queries.Day],
    errors: Mapping[UUID, datetime],
    offices: Mapping[UUID, tuple[str, str]],
) -> dict[str, Any]:
    org = offices.get(row.org_id) if row.org_id else None
    same = ("code", "name", "name_en", "kind", "number", "subject", "state", "synthetic", "heard_at")
    return {name: getattr(row, name) for name in same} | {
        "kind_label": words.both(f"channel.kind.{row.kind}"),
        "state_label": words.both(f"channel.state.{row.state}"),
        "org": Named(code=org[0], name=org[1]) if org else None,
        "silent": row.silent_at <= clock.now(),
        "error_at": errors.get(row.id),
        "accepted": sum(day.accepted for day in days),
        "refused": sum(day.refused for day in days),
        "days": [day.accepted for day in days],
    }


def key_out(key: ChannelKey) -> ChannelKeyOut:
    """A key without its secret."""
    return ChannelKeyOut.model_validate(key)


def key_made(key: ChannelKey, secret: str) -> ChannelKeyMade:
    """A key with its secret."""
    return ChannelKeyMade(**key_out(key).model_dump(), secret=secret)


def _matter(found: MatterEntry | None) -> Named | None:
    return Named(code=found.code, name=found.name, name_en=found.name_en) if found else None


def mapping_out(s: Session, row: MatterMapping) -> MappingOut:
    """One line of the mapping."""
    return MappingOut(
        id=row.id,
        theirs=row.theirs,
        name=row.name,
        matter=_matter(book(s).matter(row.matter)) if row.matter else None,
        missed=row.missed,
        heard_at=row.heard_at,
    )


def error_out(row: ChannelError, prefixes: Mapping[UUID, str]) -> ChannelErrorOut:
    """One error; the sentence is that of its refusal, without the facts, which are not kept."""
    return ChannelErrorOut(
        id=row.id,
        at=row.at,
        code=row.code,
        message={lang: _BLANK.sub("…", said) for lang, said in words.both(f"refusal.{row.code}").items()},
        field=row.field,
        status=row.status,
        key=prefixes.get(row.key_id) if row.key_id else None,
        request_id=row.request_id,
    )


def migration_out(viewer: Viewer, row: Migration) -> MigrationOut:
    """One line of the ledger for this viewer."""
    same = (
        "id",
        "source",
        "at",
        "by_name",
        "rows",
        "imported",
        "known",
        "refused",
        "old_total",
        "confirmed_at",
        "confirmed_name",
    )
    open_ = row.confirmed_at is None and row.by_id != viewer.id
    return MigrationOut(
        **{name: getattr(row, name) for name in same}, can_confirm=open_ and viewer.has(*policy.CONFIRMERS)
    )


def service_out(matter: MatterEntry, row: Service | None, attributes: Collection[ServiceAttribute]) -> OfferOut:
    """One matter as it is offered."""
    named = _matter(matter)
    return OfferOut(
        matter=named or Named(code=matter.code, name=matter.name),
        offered=row is not None and row.offered,
        type=row.type if row else "realtime",
        description=row.description if row else None,
        description_en=row.description_en if row else None,
        attributes=[AttributeOut.model_validate(one, from_attributes=True) for one in attributes],
    )
