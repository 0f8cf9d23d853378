"""The verbs of the registry. What a door tells (``count``, ``note_refusal``) is written in a transaction that the refusal does not undo."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from shiyu.channels import policy, queries
from shiyu.channels.events import ChannelAdded, ChannelMoved
from shiyu.channels.lifecycle import LIFECYCLE, S
from shiyu.channels.models import (
    NEVER,
    Channel,
    ChannelError,
    ChannelKey,
    DayCount,
    MatterMapping,
    Migration,
    Service,
    ServiceAttribute,
)
from shiyu.directory.orgs import org_by_code
from shiyu.kernel import audit, clock, events
from shiyu.kernel.auth import SYSTEM_ADMIN, Viewer
from shiyu.kernel.db import new_id
from shiyu.kernel.errors import Refusal, not_found
from shiyu.law.book import book
from shiyu.law.matters import LEAF

KEEP = 1000  # errors kept of one channel
USED_EVERY = timedelta(minutes=1)  # how exactly a key's last use is known
PREFIX, SECRET = 6, 24  # letters that name a key in lists; bytes of its secret


@dataclass(frozen=True, slots=True)
class Entry:
    """What is written of a channel. ``org``: code of the office it belongs to."""

    name: str
    name_en: str
    kind: str
    number: str | None = None
    subject: str | None = None
    org: str | None = None
    synthetic: bool = False


def add(s: Session, viewer: Viewer, code: str, entry: Entry) -> Channel:
    """登记渠道 — refuses a code that is taken (409) and an office that is none (404)."""
    viewer.need(SYSTEM_ADMIN)
    if queries.registered(s, code):
        raise Refusal("channel.code_taken", 409, field="code", given=code)
    now = clock.now()
    row = Channel(id=new_id(), code=code, state=S.ACTIVE, version=1, created_at=now, changed_at=now)
    _write(s, row, entry)
    row.silent_at = now
    s.add(row)
    s.flush()
    row.silent_at = queries.silent_from(s, row)
    audit.record(s, viewer, "channel.add", subject=f"channel:{row.id}", code=code, kind=entry.kind)
    events.publish(s, viewer, ChannelAdded(row.id, 1, code, entry.kind))
    s.flush()
    return row


def edit(s: Session, viewer: Viewer, code: str, entry: Entry, version: int | None = None) -> Channel:
    """修改渠道 — everything but code and state. A kind that has keys stays (409): its keys open another door."""
    row = _mine(s, viewer, code)
    if version is not None and version != row.version:
        raise Refusal("channel.stale", 409)
    if entry.kind != row.kind and s.scalar(select(_living_keys(row).exists())):
        raise Refusal("channel.has_keys", 409, field="kind")
    _write(s, row, entry)
    _touch(row)
    audit.record(s, viewer, "channel.edit", subject=f"channel:{row.id}", code=code)
    s.flush()
    return row


def act(s: Session, viewer: Viewer, code: str, verb: str, reason: str | None = None) -> Channel:
    """暂停 恢复启用 停用 — a retired channel's keys are revoked with it."""
    row = _seen(s, viewer, code)
    line = LIFECYCLE.take(row.state, verb, policy.roles(viewer), {"reason": reason})
    old, row.state = row.state, line.leads_to(row.state)
    _touch(row)
    row.silent_at = NEVER
    if row.state == S.ACTIVE:  # it is given its time anew
        row.silent_at = row.changed_at + (queries.silent_from(s, row) - (row.heard_at or row.created_at))
    if row.state == S.RETIRED:
        ending = _living_keys(row).with_only_columns(ChannelKey.id)
        s.execute(
            update(ChannelKey).where(ChannelKey.id.in_(ending)).values(revoked_at=row.changed_at, revoked_by=viewer.id)
        )
    audit.record(s, viewer, f"channel.{verb}", subject=f"channel:{row.id}", reason=reason, code=code)
    events.publish(s, viewer, ChannelMoved(row.id, row.version, verb, code, old, row.state))
    s.flush()
    return row


def _write(s: Session, row: Channel, entry: Entry) -> None:
    row.name, row.name_en, row.kind = entry.name, entry.name_en, entry.kind
    row.number, row.subject, row.synthetic = entry.number or None, entry.subject or None, entry.synthetic
    row.org_id = org_by_code(s, entry.org).id if entry.org else None


def _touch(row: Channel) -> None:
    row.version += 1
    row.changed_at = clock.now()


def _seen(s: Session, viewer: Viewer, code: str) -> Channel:
    row = s.scalar(select(Channel).where(Channel.code == code, policy.visible_to(viewer)).with_for_update())
    if row is None:
        raise not_found("channel")
    return row


def _mine(s: Session, viewer: Viewer, code: str) -> Channel:
    row = _seen(s, viewer, code)
    viewer.need(SYSTEM_ADMIN)
    return row


# --- keys ----------------------------------------------------------------------------------------------------------------


def make_key(s: Session, viewer: Viewer, code: str, name: str, rate: int) -> tuple[ChannelKey, str]:
    """发放密钥 — the key and its secret, which is never told again. 409 for a channel that is retired."""
    row = _mine(s, viewer, code)
    if row.state == S.RETIRED:
        raise Refusal("channel.retired", 409)
    prefix = f"sy_{secrets.token_hex(PREFIX // 2)}"
    secret = f"{prefix}_{secrets.token_urlsafe(SECRET)}"
    key = ChannelKey(
        id=new_id(),
        channel_id=row.id,
        name=name,
        prefix=prefix,
        digest=queries.digest(secret),
        rate=rate,
        created_at=clock.now(),
        created_by=viewer.id,
    )
    s.add(key)
    s.flush()
    audit.record(s, viewer, "channel.key.make", subject=f"channel:{row.id}", code=code, key=str(key.id), rate=rate)
    return key, secret


def revoke_key(s: Session, viewer: Viewer, code: str, key_id: UUID) -> ChannelKey:
    """吊销密钥 — it opens nothing any more. 409 if it was revoked before."""
    row = _mine(s, viewer, code)
    query = select(ChannelKey).where(ChannelKey.id == key_id, ChannelKey.channel_id == row.id).with_for_update()
    key = s.scalar(query)
    if key is None:
        raise not_found("channel.key")
    if key.revoked_at is not None:
        raise Refusal("channel.key_revoked", 409)
    key.revoked_at, key.revoked_by = clock.now(), viewer.id
    s.flush()
    audit.record(s, viewer, "channel.key.revoke", subject=f"channel:{row.id}", code=code, key=str(key.id))
    return key


def _living_keys(row: Channel) -> Any:
    return select(ChannelKey).where(ChannelKey.channel_id == row.id, ChannelKey.revoked_at.is_(None))


def used(s: Session, key: ChannelKey) -> None:
    """A key opened a door; written down once a minute."""
    now = clock.now()
    if key.used_at is None or now - key.used_at >= USED_EVERY:
        s.execute(update(ChannelKey).where(ChannelKey.id == key.id).values(used_at=now))


# --- mapping of matters --------------------------------------------------------------------------------------------------


def map_matter(
    s: Session, viewer: Viewer, code: str, theirs: str, matter: str | None, name: str | None = None
) -> MatterMapping:
    """事项对照 — a channel's code means this matter of ours; ``None``: it is not known any more. 422 for what is no third-level matter."""
    row = _mine(s, viewer, code)
    found = book(s).matter(matter) if matter else None
    if matter and (found is None or found.level != LEAF):
        raise Refusal("case.no_matter", 422, field="matter", matter=matter)
    now = clock.now()
    values = {"id": new_id(), "channel_id": row.id, "theirs": theirs, "matter": matter, "changed_at": now, "missed": 0}
    told = {"matter": matter, "changed_at": now} | ({"name": name} if name else {})
    insert = upsert(MatterMapping).values(values | {"name": name})
    query = insert.on_conflict_do_update(index_elements=["channel_id", "theirs"], set_=told).returning(MatterMapping)
    mapped = s.scalars(query, execution_options={"populate_existing": True}).one()
    audit.record(s, viewer, "channel.map", subject=f"channel:{row.id}", code=code, theirs=theirs, matter=matter)
    return mapped


def unmap(s: Session, viewer: Viewer, code: str, mapping_id: UUID) -> None:
    """删除对照 — the row goes; the code is listed again when it is heard again."""
    row = _mine(s, viewer, code)
    query = delete(MatterMapping).where(MatterMapping.id == mapping_id, MatterMapping.channel_id == row.id)
    theirs = s.scalar(query.returning(MatterMapping.theirs))
    if theirs is None:
        raise not_found("channel.mapping")
    audit.record(s, viewer, "channel.unmap", subject=f"channel:{row.id}", code=code, theirs=theirs)


def note_unknown(s: Session, channel_id: UUID, theirs: str) -> None:
    """未知事项 — a code that means nothing to us yet was heard; it is listed until somebody says what it means."""
    now = clock.now()
    values = {"id": new_id(), "channel_id": channel_id, "theirs": theirs[:100], "missed": 1, "heard_at": now}
    told = {"missed": MatterMapping.missed + 1, "heard_at": now}
    insert = upsert(MatterMapping).values(values | {"changed_at": now})
    s.execute(insert.on_conflict_do_update(index_elements=["channel_id", "theirs"], set_=told))


# --- what came in --------------------------------------------------------------------------------------------------------


def heard(s: Session, told: Mapping[tuple[str, date], tuple[int, datetime]]) -> None:
    """收到诉求 — for (code, day): how many cases were accepted and when the newest was. Codes that nobody registered are passed by."""
    query = select(Channel).where(Channel.code.in_({code for code, _ in told})).order_by(Channel.id).with_for_update()
    rows = {row.code: row for row in s.scalars(query)}
    for (code, day), (accepted, at) in sorted(told.items()):
        if row := rows.get(code):
            count(s, row.id, day, accepted=accepted)
            row.heard_at = max(at, row.heard_at or at)
    for row in rows.values():
        if row.state == S.ACTIVE:
            row.silent_at = queries.silent_from(s, row)


def count(s: Session, channel_id: UUID, day: date, **more: int) -> None:
    """渠道日计 — adds to a day: ``accepted``, ``known``, ``refused``."""
    values = {"channel_id": channel_id, "day": day, "accepted": 0, "known": 0, "refused": 0} | more
    told = {name: getattr(DayCount, name) + number for name, number in more.items()}
    insert = upsert(DayCount).values(values)
    s.execute(insert.on_conflict_do_update(index_elements=["channel_id", "day"], set_=told))


def note_refusal(
    s: Session, channel_id: UUID, why: Refusal, key_id: UUID | None = None, request_id: str | None = None
) -> None:
    """渠道差错 — a request was refused: counted, and kept with its reason among the newest ``KEEP``."""
    count(s, channel_id, queries.today(), refused=1)
    s.add(
        ChannelError(
            id=new_id(),
            channel_id=channel_id,
            at=clock.now(),
            code=why.code,
            field=why.field,
            status=why.status,
            key_id=key_id,
            request_id=request_id,
        )
    )
    s.flush()
    oldest = select(ChannelError.at).where(ChannelError.channel_id == channel_id)
    edge = oldest.order_by(ChannelError.at.desc()).offset(KEEP).limit(1).scalar_subquery()
    s.execute(delete(ChannelError).where(ChannelError.channel_id == channel_id, ChannelError.at <= edge))


# --- taking over an old line's cases ---------------------------------------------------------------------------------------


def record_migration(
    s: Session,
    viewer: Viewer,
    row: Channel,
    source: str,
    counts: Mapping[str, int],
    old_total: int | None = None,
) -> Migration:
    """归并记账 — ``counts``: rows, imported, known, refused, where rows is the sum of the others."""
    if counts["rows"] != counts["imported"] + counts["known"] + counts["refused"]:
        raise Refusal("channel.migration_sum", 422, field="rows")
    entry = Migration(
        id=new_id(),
        channel_id=row.id,
        source=source,
        at=clock.now(),
        by_id=viewer.id,
        by_name=viewer.name or None,
        old_total=old_total,
        **{name: counts[name] for name in ("rows", "imported", "known", "refused")},
    )
    s.add(entry)
    s.flush()
    audit.record(s, viewer, "channel.migration", subject=f"channel:{row.id}", code=row.code, migration=str(entry.id))
    return entry


def add_migration(
    s: Session, viewer: Viewer, code: str, source: str, counts: Mapping[str, int], old_total: int | None
) -> Migration:
    """归并记账 by hand — for what came over in another way than by our own import."""
    return record_migration(s, viewer, _mine(s, viewer, code), source, counts, old_total)


def confirm_migration(s: Session, viewer: Viewer, code: str, migration_id: UUID, old_total: int) -> Migration:
    """归并确认 — a second person says how many cases the old line had. 403 for who brought them in, 409 if it was confirmed before."""
    row = _seen(s, viewer, code)
    viewer.need(*policy.CONFIRMERS)
    query = select(Migration).where(Migration.id == migration_id, Migration.channel_id == row.id).with_for_update()
    entry = s.scalar(query)
    if entry is None:
        raise not_found("channel.migration")
    if entry.confirmed_at is not None:
        raise Refusal("channel.migration_confirmed", 409)
    if entry.by_id == viewer.id:
        raise Refusal("channel.migration_own", 403)
    if old_total < entry.imported + entry.known:
        raise Refusal("channel.migration_total", 422, field="old_total", least=entry.imported + entry.known)
    entry.old_total = old_total
    entry.confirmed_at, entry.confirmed_by, entry.confirmed_name = clock.now(), viewer.id, viewer.name or None
    s.flush()
    subject = f"channel:{row.id}"
    audit.record(s, viewer, "channel.migration.confirm", subject=subject, code=code, migration=str(entry.id))
    return entry


# --- what Open311 offers -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """开放事项属性 — one attribute of a service; the fields are those of ``ServiceAttribute``, in the order of asking."""

    code: str
    datatype: str
    description: str
    description_en: str
    variable: bool = True
    required: bool = False
    hint: str | None = None
    hint_en: str | None = None
    values: Sequence[Mapping[str, str]] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Offer:
    """开放事项 — how a matter is offered; the fields are those of ``Service``."""

    offered: bool = True
    type: str = "realtime"
    description: str | None = None
    description_en: str | None = None
    questions: Sequence[Question] = ()


LISTS = ("singlevaluelist", "multivaluelist")


def offer(s: Session, viewer: Viewer, matter: str, given: Offer) -> Service:
    """开放事项 — offers a matter through Open311 or takes it back; its attributes become exactly these.

    Refuses (422) what is no third-level matter, two attributes of one code, a list without values and values without a list.
    """
    viewer.need(SYSTEM_ADMIN)
    found = book(s).matter(matter)
    if found is None or found.level != LEAF:
        raise Refusal("case.no_matter", 422, field="matter", matter=matter)
    codes = [one.code for one in given.questions]
    if len(set(codes)) != len(codes):
        raise Refusal("open311.attribute_twice", 422, field="attributes")
    for one in given.questions:
        if (one.datatype in LISTS) != bool(one.values) or len({v["key"] for v in one.values}) != len(one.values):
            raise Refusal("open311.attribute_values", 422, field="attributes", attribute=one.code)
    now = clock.now()
    row = s.get(Service, matter, with_for_update=True) or Service(matter=matter, changed_at=now)
    row.offered, row.type, row.changed_at = given.offered, given.type, now
    row.description, row.description_en = given.description or None, given.description_en or None
    s.add(row)
    s.flush()
    s.execute(delete(ServiceAttribute).where(ServiceAttribute.matter == matter))
    s.add_all(
        ServiceAttribute(
            matter=matter,
            position=place,
            values=[dict(value) for value in one.values],
            **{name: getattr(one, name) for name in _PLAIN},
        )
        for place, one in enumerate(given.questions, 1)
    )
    s.flush()
    audit.record(s, viewer, "open311.offer", subject=f"matter:{matter}", offered=given.offered, type=given.type)
    return row


_PLAIN = ("code", "datatype", "description", "description_en", "variable", "required", "hint", "hint_en")


def offer_all(s: Session, viewer: Viewer) -> int:
    """全部开放 — every matter in force that Open311 does not know yet is offered without attributes; how many."""
    viewer.need(SYSTEM_ADMIN)
    now = clock.now()
    rows = [
        {"matter": entry.code, "offered": True, "type": "realtime", "changed_at": now}
        for entry in book(s).matters.leaves(queries.today())
    ]
    if not rows:
        return 0
    added = s.scalars(upsert(Service).values(rows).on_conflict_do_nothing().returning(Service.matter)).all()
    audit.record(s, viewer, "open311.offer_all", number=len(added))
    return len(added)
