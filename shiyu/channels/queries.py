"""Reads of the registry: the list with the silent ones first, one channel, its days, its errors, whom a key speaks for."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from shiyu.channels import policy
from shiyu.channels.lifecycle import S
from shiyu.channels.models import Channel, ChannelError, ChannelKey, DayCount, MatterMapping, Migration
from shiyu.kernel import clock
from shiyu.kernel.auth import SYSTEM_ADMIN, Viewer
from shiyu.kernel.db import Page, moment, page
from shiyu.kernel.errors import Refusal, not_found
from shiyu.law.book import book

WINDOW = timedelta(days=30)
"""How far back the days of a channel are shown and its usual gap is measured."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list is narrowed by; ``q`` is a part of code, name or number, ``silent`` only those that fell silent."""

    q: str = ""
    kind: str | None = None
    state: str | None = None
    silent: bool = False
    org_id: UUID | None = None


def channels(s: Session, viewer: Viewer, filters: Filters, after: str | None, limit: int) -> Page:
    """渠道一览 — the silent ones first, longest silent before all; then who must speak soonest; paused and retired last."""
    query = select(Channel).where(policy.visible_to(viewer))
    if filters.q.strip():
        part = filters.q.strip()
        columns = (Channel.code, Channel.name, Channel.name_en, Channel.number)
        query = query.where(or_(*[column.icontains(part, autoescape=True) for column in columns]))
    if filters.kind:
        query = query.where(Channel.kind == filters.kind)
    if filters.state:
        query = query.where(Channel.state == filters.state)
    if filters.org_id:
        query = query.where(Channel.org_id == filters.org_id)
    if filters.silent:
        query = query.where(Channel.silent_at <= clock.now())
    return page(s, query, [Channel.silent_at, Channel.id], [moment, UUID], after=after, limit=limit, descending=False)


def summary(s: Session, viewer: Viewer) -> dict[str, int]:
    """How many channels there are in each state, and how many fell silent."""
    query = select(Channel.state, func.count(), func.count().filter(Channel.silent_at <= clock.now()))
    rows = s.execute(query.where(policy.visible_to(viewer)).group_by(Channel.state)).all()
    found = {str(state): 0 for state in S} | {state: count for state, count, _ in rows}
    return found | {"silent": sum(silent for *_, silent in rows)}


def channel(s: Session, viewer: Viewer, code: str) -> Channel:
    """一个渠道 — by its code, or 404."""
    row = s.scalar(select(Channel).where(Channel.code == code, policy.visible_to(viewer)))
    if row is None:
        raise not_found("channel")
    return row


def registered(s: Session, code: str) -> Channel | None:
    """The channel of a code, for doors; a code that nobody registered is no error."""
    return s.scalar(select(Channel).where(Channel.code == code))


# --- what came in --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Day:
    """A channel's day in Beijing."""

    day: date
    accepted: int = 0
    known: int = 0
    refused: int = 0


def today() -> date:
    """The day in Beijing."""
    return clock.beijing(clock.now()).date()


def days(s: Session, ids: Collection[UUID], count: int = WINDOW.days) -> dict[UUID, list[Day]]:
    """渠道日计 — of each channel the last ``count`` days up to today, the empty ones too."""
    last = today()
    first = last - timedelta(days=count - 1)
    rows = s.scalars(select(DayCount).where(DayCount.channel_id.in_(ids), DayCount.day.between(first, last))).all()
    held = {(row.channel_id, row.day): Day(row.day, row.accepted, row.known, row.refused) for row in rows}
    span = [first + timedelta(days=n) for n in range(count)]
    return {ident: [held.get((ident, day), Day(day)) for day in span] for ident in ids}


def silent_from(s: Session, row: Channel) -> datetime:
    """沉默时限 — from when a channel that says nothing more counts as silent: several times its own usual gap (``law.thresholds``).

    The usual gap is the time up to its newest report, at most ``WINDOW``, shared among the reports of that time; with too few of them
    the default holds. Never less than ``channel.silent.least`` hours: nobody calls at night.
    """
    law, now = book(s), clock.now()
    heard = row.heard_at or row.created_at
    edge = heard - WINDOW
    query = select(func.coalesce(func.sum(DayCount.accepted), 0), func.min(DayCount.day)).where(
        DayCount.channel_id == row.id, DayCount.accepted > 0, DayCount.day >= clock.beijing(edge).date()
    )
    count, first = s.execute(query).one()
    if count < law.threshold("channel.silent.history", now):
        return heard + timedelta(hours=law.threshold("channel.silent.default", now))
    start = row.created_at
    if first < clock.beijing(start).date():  # it was heard before somebody registered it
        start = datetime.combine(first, time(), clock.BEIJING)
    usual = (heard - max(start, edge)) / count
    least = timedelta(hours=law.threshold("channel.silent.least", now))
    return heard + max(least, usual * law.threshold("channel.silent.times", now))


def errors(s: Session, row: Channel, after: str | None, limit: int) -> Page:
    """渠道差错 — the newest first."""
    query = select(ChannelError).where(ChannelError.channel_id == row.id)
    return page(s, query, [ChannelError.at, ChannelError.id], [moment, UUID], after=after, limit=limit)


def newest_errors(s: Session, ids: Collection[UUID]) -> Mapping[UUID, datetime]:
    """When each channel was last refused something."""
    query = select(ChannelError.channel_id, func.max(ChannelError.at)).where(ChannelError.channel_id.in_(ids))
    return dict(s.execute(query.group_by(ChannelError.channel_id)).all())


# --- what hangs on a channel ---------------------------------------------------------------------------------------------


def keys(s: Session, viewer: Viewer, row: Channel) -> Sequence[ChannelKey]:
    """接口密钥 — the newest first; 403 for who does not manage channels."""
    viewer.need(SYSTEM_ADMIN)
    query = select(ChannelKey).where(ChannelKey.channel_id == row.id)
    return s.scalars(query.order_by(ChannelKey.created_at.desc(), ChannelKey.id.desc())).all()


def mappings(s: Session, row: Channel) -> Sequence[MatterMapping]:
    """事项对照 — the unknown codes first, by how often they were missed."""
    query = select(MatterMapping).where(MatterMapping.channel_id == row.id)
    unknown_first = (MatterMapping.matter.is_not(None), MatterMapping.missed.desc(), MatterMapping.theirs)
    return s.scalars(query.order_by(*unknown_first)).all()


def translations(s: Session, row: Channel) -> dict[str, str]:
    """A channel's own codes and what they are here."""
    query = select(MatterMapping.theirs, MatterMapping.matter)
    return dict(s.execute(query.where(MatterMapping.channel_id == row.id, MatterMapping.matter.is_not(None))).all())  # type: ignore[arg-type] - only rows with a matter


def migrations(s: Session, row: Channel, after: str | None, limit: int) -> Page:
    """归并台账 — the newest first."""
    query = select(Migration).where(Migration.channel_id == row.id)
    return page(s, query, [Migration.at, Migration.id], [moment, UUID], after=after, limit=limit)


# --- whom a key speaks for -----------------------------------------------------------------------------------------------


def digest(secret: str) -> bytes:
    """How a key's secret is kept: it is random and long, so a plain hash suffices."""
    return hashlib.sha256(secret.encode()).digest()


def bearer(s: Session, secret: str, kind: str) -> tuple[ChannelKey, Channel]:
    """持钥渠道 — the key and its channel, or refusal 403: no such key, revoked, of a channel of another kind, or one that is not active."""
    found = s.execute(
        select(ChannelKey, Channel)
        .join(Channel, Channel.id == ChannelKey.channel_id)
        .where(ChannelKey.digest == digest(secret))
    ).one_or_none()
    if found is None or found[0].revoked_at is not None or found[1].kind != kind:
        raise Refusal("channel.key_unknown", 403, field="api_key")
    key, row = found
    if row.state != S.ACTIVE:
        raise Refusal("channel.not_active", 403, field="api_key")
    return key, row


def prefixes(s: Session, row: Channel) -> dict[UUID, str]:
    """The first letters of a channel's keys, by which errors name them."""
    query = select(ChannelKey.id, ChannelKey.prefix).where(ChannelKey.channel_id == row.id)
    return dict(s.execute(query).all())
