"""News: an event is a row, a listener is a cursor over the rows, the timeline is the events of one subject.

``publish`` writes the event in the caller's transaction: rolled back with it, durable with it. ``deliver`` hands batches to a
listener and moves its cursor in the transaction of the listener's own effects: effect in the database exactly once.

**Order.** A batch holds only rows whose transaction had ended when the batch was read (transaction id below
``pg_snapshot_xmin``), ordered by (epoch, xid, seq): a late commit cannot be skipped. That order is not the order of two
transactions that waited for each other, so each event carries the ``version`` of its subject and a listener with a state applies
only higher ones.

**Epoch.** Transaction ids begin anew when a dump is restored into another server. ``settle_epoch`` notices that and raises the
epoch, so that new rows still sort behind the old ones.

**Parking.** An event that a listener cannot digest is set aside with its later siblings of the same subject; the rest goes on.
After ``TRIES`` attempts with growing pauses it stays parked until a person retries it.
"""

import dataclasses
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, dataclass_transform
from uuid import UUID

import psycopg
import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy import (
    BigInteger,
    Engine,
    Index,
    Row,
    Select,
    SmallInteger,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy import Sequence as DbSequence
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from shiyu.kernel import clock
from shiyu.kernel.db import Base, after_commit, engine, new_id, transaction

CHANNEL = "shiyu_events"
TRIES = 10
BATCH = 1000
WAKE_EVERY = 0.05  # seconds; a NOTIFY inside every transaction would cost a quarter of the throughput
POLL_EVERY = 0.25  # seconds; a lost wake-up delays news by no more than this

log = structlog.get_logger(__name__)
delivered = Counter("shiyu_events_delivered", "Events that a listener has digested", ["listener"])
lag = Gauge("shiyu_events_lag_seconds", "Age of the oldest event that a listener has not seen", ["listener"])

event_seq = DbSequence("event_seq", schema="kernel", metadata=Base.metadata)


class Event(Base):
    """事件 — a fact with ids: what happened to which subject, by whom, when. Holds no personal data. Append-only."""

    __tablename__ = "event"
    __table_args__ = (
        Index(None, "epoch", "xid", "seq"),
        Index(None, "subject_id", "seq"),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    at: Mapped[datetime] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, event_seq, primary_key=True, server_default=event_seq.next_value())
    epoch: Mapped[int] = mapped_column(SmallInteger)
    xid: Mapped[int] = mapped_column(BigInteger, server_default=text("(pg_current_xact_id()::text::bigint)"))
    id: Mapped[UUID]
    kind: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[UUID]
    version: Mapped[int]
    actor_id: Mapped[UUID | None]
    exercise_id: Mapped[UUID | None]
    data: Mapped[dict[str, Any]]


class Cursor(Base):
    """游标 — how far a listener has read."""

    __tablename__ = "cursor"

    listener: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(SmallInteger, default=0)
    xid: Mapped[int] = mapped_column(BigInteger, default=0)
    seq: Mapped[int] = mapped_column(BigInteger, default=0)
    moved_at: Mapped[datetime]


class Parked(Base):
    """搁置事件 — an event that a listener could not digest; ``next_at`` is empty once a person must look."""

    __tablename__ = "parked"
    __table_args__ = (Index(None, "listener", "subject_id", "seq"), Index(None, "next_at"))

    listener: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]
    subject_id: Mapped[UUID]
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    next_at: Mapped[datetime | None]


class Epoch(Base):
    """纪元 — one row: which life of the server's transaction ids this is."""

    __tablename__ = "epoch"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, default=1)
    epoch: Mapped[int] = mapped_column(SmallInteger)


@dataclass(frozen=True, slots=True)
class Kind:
    """What an event class is called on the wire and which of its fields name the subject."""

    name: str
    subject: str
    subject_field: str


_kinds: dict[type, Kind] = {}


@dataclass_transform(frozen_default=True)
def event(name: str) -> Callable[[type], type]:
    """Declare an event class: ``@event("case.sent_back")``; its subject is ``case`` and stands in the field ``case_id``."""
    subject = name.split(".", maxsplit=1)[0]

    def declare(cls: type) -> type:
        cls = dataclass(frozen=True)(cls)
        names = {field.name for field in dataclasses.fields(cls)}
        if not {f"{subject}_id", "version"} <= names:
            raise TypeError(f"{cls.__name__} needs {subject}_id and version")
        if any(kind.name == name for kind in _kinds.values()):
            raise TypeError(f"{name} is declared twice")
        _kinds[cls] = Kind(name, subject, f"{subject}_id")
        return cls

    return declare


def kinds() -> dict[str, type]:
    """Every declared event by its name on the wire."""
    return {kind.name: cls for cls, kind in _kinds.items()}


def kind_of(cls: type) -> Kind:
    """The name and subject of an event class."""
    return _kinds[cls]


_epoch: tuple[Engine, int] | None = None


def current_epoch() -> int:
    """The epoch of the bound database, read once for each binding."""
    global _epoch  # noqa: PLW0603 - one ledger a process
    bound, held = engine(), _epoch
    if held is None or held[0] is not bound:
        with bound.connect() as connection:
            _epoch = held = bound, connection.scalar(select(Epoch.epoch)) or 1
    return held[1]


def settle_epoch() -> int:
    """Raise the epoch when this server's transaction ids lie below those of the stored events or cursors (a restored dump)."""
    global _epoch  # noqa: PLW0603
    with transaction() as s:
        s.execute(text("select pg_advisory_xact_lock(hashtext('shiyu.epoch'))"))
        row = s.get(Epoch, 1)
        if row is None:
            s.add(row := Epoch(id=1, epoch=1))
        # A cursor may stand beyond the newest event: other work had used up transaction ids since.
        reached = [s.scalar(select(func.max(of.xid)).where(of.epoch == row.epoch)) or 0 for of in (Event, Cursor)]
        present = s.scalar(text("select pg_snapshot_xmax(pg_current_snapshot())::text::bigint")) or 0
        if max(reached) >= present:
            row.epoch += 1
    _epoch = None
    return current_epoch()


def row_of(fact: Any, actor_id: UUID | None, at: datetime, exercise_id: UUID | None = None) -> dict[str, Any]:
    """The columns of one event, for callers that write many rows in a statement of their own."""
    kind = _kinds[type(fact)]
    data = {name: value for name, value in vars(fact).items() if name not in {kind.subject_field, "version"}}
    return {
        "id": new_id(),
        "at": at,
        "epoch": current_epoch(),
        "kind": kind.name,
        "subject": kind.subject,
        "subject_id": getattr(fact, kind.subject_field),
        "version": fact.version,
        "actor_id": actor_id,
        "exercise_id": exercise_id,
        "data": {name: str(value) if isinstance(value, UUID) else value for name, value in data.items()},
    }


def publish(s: Session, viewer: Any, *facts: Any, exercise_id: UUID | None = None) -> None:
    """发布 — write events on the caller's transaction. ``viewer`` is who did it; only the id is kept."""
    at = clock.now()
    s.execute(insert(Event), [row_of(fact, viewer.id, at, exercise_id or viewer.exercise_id) for fact in facts])
    mark(s)


def mark(s: Session) -> None:
    """Say that this transaction wrote events, so that listeners are woken after its commit."""
    s.info["published"] = True


# --- waking listeners --------------------------------------------------------------------------------------------------


class _Waker(threading.Thread):
    """Sends NOTIFY on a connection of its own, at most every ``WAKE_EVERY`` seconds however many commits there are."""

    def __init__(self) -> None:
        super().__init__(name="shiyu-waker", daemon=True)
        self.flag = threading.Event()

    def run(self) -> None:
        while True:
            self.flag.wait()
            self.flag.clear()
            try:
                with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    connection.execute(text(f"notify {CHANNEL}"))
            except Exception as error:  # noqa: BLE001 - a lost wake-up costs POLL_EVERY, a dead waker would cost it always
                log.debug("wake-up not sent", error=str(error))
            time.sleep(WAKE_EVERY)


_waker: _Waker | None = None
_waker_lock = threading.Lock()


@after_commit
def _wake(s: Session) -> None:
    global _waker  # noqa: PLW0603 - one thread a process
    if not s.info.pop("published", False):
        return
    if _waker is None:
        with _waker_lock:
            if _waker is None:
                _waker = _Waker()
                _waker.start()
    _waker.flag.set()


# --- listening ---------------------------------------------------------------------------------------------------------

News = Row[Any]  # the columns of Event, read-only


@dataclass(frozen=True, slots=True)
class Listener:
    """听者 — a function over batches of events, with the kinds it wants. Delivery is at least once for effects outside the database."""

    name: str
    kinds: tuple[str, ...]
    call: Callable[[Session, Sequence[News]], None]


_listeners: dict[str, Listener] = {}

Call = Callable[[Session, Sequence[News]], None]


def listens(*classes: type, name: str | None = None) -> Callable[[Call], Call]:
    """Register a listener for some kinds of event; its name (room and function) is also the name of its cursor."""

    def register(call: Call) -> Call:
        key = name or f"{call.__module__.split('.')[1]}.{call.__name__}"
        if key in _listeners:
            raise TypeError(f"{key} listens twice")
        _listeners[key] = Listener(key, tuple(_kinds[cls].name for cls in classes), call)
        return call

    return register


def listeners() -> dict[str, Listener]:
    """Every registered listener by name."""
    return dict(_listeners)


_KEY = (Event.epoch, Event.xid, Event.seq)
_COLUMNS = tuple(Event.__table__.columns)


def deliver(listener: Listener, limit: int = BATCH) -> int:
    """Hand one batch to a listener; how many events it covered. Another process at the same listener means 0."""
    with transaction() as s:
        cursor = s.scalar(select(Cursor).where(Cursor.listener == listener.name).with_for_update(skip_locked=True))
        if cursor is None:
            fresh = upsert(Cursor).values(listener=listener.name, moved_at=clock.now()).on_conflict_do_nothing()
            return len(s.execute(fresh.returning(Cursor.listener)).all())
        # Everything below this transaction id has ended: nothing can still appear below it.
        edge = s.scalar(text("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint")) or 0
        epoch = current_epoch()
        rows = s.execute(
            select(*_COLUMNS)
            .where(tuple_(*_KEY) > tuple_(cursor.epoch, cursor.xid, cursor.seq))
            .where(tuple_(Event.epoch, Event.xid) < tuple_(epoch, edge))
            .where(Event.kind.in_(listener.kinds))
            .order_by(*_KEY)
            .limit(limit)
        ).all()
        if rows:
            _digest(s, listener, rows)
        if len(rows) == limit:
            cursor.epoch, cursor.xid, cursor.seq = rows[-1].epoch, rows[-1].xid, rows[-1].seq
        elif rows or cursor.epoch < epoch or edge - cursor.xid > BATCH:  # not at every idle look: moving is a write
            cursor.epoch, cursor.xid, cursor.seq = epoch, edge - 1, 2**62
        else:
            return 0
        cursor.moved_at = clock.now()
        delivered.labels(listener.name).inc(len(rows))
        return len(rows)


def _digest(s: Session, listener: Listener, rows: Sequence[News]) -> None:
    waiting = set(s.scalars(select(Parked.subject_id).where(Parked.listener == listener.name).distinct()))
    ready = [row for row in rows if row.subject_id not in waiting]
    for row in rows:
        if row.subject_id in waiting:
            _park(s, listener, row, None)
    if not ready or _try(s, listener, ready) is None:
        return
    for row in ready:  # the batch failed: one by one, so that only the bad subject waits
        if row.subject_id in waiting:
            _park(s, listener, row, None)
        elif error := _try(s, listener, [row]):
            waiting.add(row.subject_id)
            _park(s, listener, row, error)


def _try(s: Session, listener: Listener, rows: Sequence[News]) -> str | None:
    try:
        with s.begin_nested():
            listener.call(s, rows)
    except Exception as error:  # noqa: BLE001 - whatever a listener throws is kept with the event
        s.expire_all()
        log.warning("event not digested", listener=listener.name, events=len(rows), error=repr(error))
        return traceback.format_exc(limit=-5)
    return None


def _park(s: Session, listener: Listener, row: News, error: str | None) -> None:
    s.add(
        Parked(
            listener=listener.name,
            seq=row.seq,
            at=row.at,
            subject_id=row.subject_id,
            tries=1 if error else 0,
            error=error,
            next_at=clock.now() + timedelta(seconds=2),
        )
    )
    s.flush()


def retry_parked(listener: Listener, *, everything: bool = False) -> int:
    """Try parked events again, oldest first within a subject; how many were digested. ``everything`` ignores pauses and tries."""
    digested = 0
    with transaction() as s:
        if s.scalar(select(Cursor).where(Cursor.listener == listener.name).with_for_update(skip_locked=True)) is None:
            return 0
        stuck: set[UUID] = set()
        for parked in s.scalars(_parked(listener, everything)).all():
            if parked.subject_id in stuck:
                continue
            row = s.execute(select(*_COLUMNS).where(Event.at == parked.at, Event.seq == parked.seq)).one()
            if error := _try(s, listener, [row]):
                parked.tries, parked.error = parked.tries + 1, error
                pause = timedelta(seconds=2**parked.tries)
                parked.next_at = clock.now() + pause if parked.tries < TRIES else None
                stuck.add(parked.subject_id)
            else:
                s.delete(parked)
                digested += 1
    return digested


def _parked(listener: Listener, everything: bool) -> Select[Parked]:
    query = select(Parked).where(Parked.listener == listener.name).order_by(Parked.seq)
    if everything:
        return query
    # What waits behind an event whose pause runs or that was given up must not use up the batch.
    before = aliased(Parked)
    waits = or_(before.next_at.is_(None), before.next_at > clock.now())
    held = exists().where(before.listener == Parked.listener, before.subject_id == Parked.subject_id, waits)
    return query.where(~held.where(before.seq <= Parked.seq)).limit(BATCH)


def drain(names: Iterable[str] | None = None) -> int:
    """Deliver until every listener (or those named) has seen all; for tests, ``doctor`` and one-off commands."""
    total = 0
    for listener in [_listeners[name] for name in names] if names is not None else list(_listeners.values()):
        while count := deliver(listener):
            total += count
    return total


def backlog(s: Session) -> list[dict[str, Any]]:
    """How far each listener is behind: events waiting, age of the oldest in seconds, events parked and given up."""
    cursors = {cursor.listener: cursor for cursor in s.scalars(select(Cursor))}
    parked = dict(s.execute(select(Parked.listener, func.count()).group_by(Parked.listener)).all())
    given_up = dict(
        s.execute(select(Parked.listener, func.count()).where(Parked.next_at.is_(None)).group_by(Parked.listener)).all()
    )
    found = []
    for listener in _listeners.values():
        cursor = cursors.get(listener.name)
        waiting = select(func.count(), func.min(Event.at)).where(Event.kind.in_(listener.kinds))
        if cursor:
            waiting = waiting.where(tuple_(*_KEY) > tuple_(cursor.epoch, cursor.xid, cursor.seq))
        count, oldest = s.execute(waiting).one()
        age = (clock.now() - oldest).total_seconds() if oldest else 0.0
        lag.labels(listener.name).set(age)
        found.append(
            {
                "listener": listener.name,
                "waiting": count,
                "seconds": round(age, 3),
                "parked": parked.get(listener.name, 0),
                "given_up": given_up.get(listener.name, 0),
            }
        )
    return found


def listen_forever(url: str, stop: threading.Event) -> None:
    """The worker's loop: deliver, retry, wait for a wake-up or for ``POLL_EVERY``."""
    next_retry = 0.0
    while not stop.is_set():
        try:
            with psycopg.connect(url, autocommit=True) as ear:
                ear.execute(f"listen {CHANNEL}")
                while not stop.is_set():
                    busy = sum(deliver(listener) for listener in _listeners.values())
                    if time.monotonic() >= next_retry:
                        next_retry = time.monotonic() + 1
                        for listener in _listeners.values():
                            retry_parked(listener)
                    if not busy:
                        for _ in ear.notifies(timeout=POLL_EVERY, stop_after=1):
                            pass
        except Exception as error:  # noqa: BLE001 - the database may restart; news waits for it
            log.warning("listening interrupted", error=repr(error))
            stop.wait(1)


def timeline(s: Session, subject_id: UUID, limit: int = 500) -> Sequence[News]:
    """时间线 — the events of one subject, oldest first."""
    query = select(*_COLUMNS).where(Event.subject_id == subject_id).order_by(Event.version, Event.seq).limit(limit)
    return s.execute(query).all()


def ensure_partitions(s: Session, months: int = 4) -> list[str]:
    """Make the event table's partitions for this month and the next ones; returns the names of new ones."""
    made = []
    s.execute(text("select pg_advisory_xact_lock(hashtext('shiyu.partitions'))"))  # several processes may start at once
    first = clock.now().date().replace(day=1)
    for _ in range(months):
        following = (first + timedelta(days=32)).replace(day=1)
        name = f"event_{first:%Y_%m}"
        if not s.scalar(text("select to_regclass(:name)"), {"name": f"kernel.{name}"}):
            _make_partition(s, name, f"{first} 00:00+00", f"{following} 00:00+00")
            made.append(name)
        first = following
    return made


def _make_partition(s: Session, name: str, since: str, until: str) -> None:
    # What fell into the default partition before its month was made moves along, since the two may not overlap.
    s.execute(text(f"create table kernel.{name} (like kernel.event including defaults including constraints)"))
    late = f"delete from kernel.event_other where at >= '{since}' and at < '{until}' returning *"  # noqa: S608 - months
    s.execute(text(f"with late as ({late}) insert into kernel.{name} select * from late"))  # noqa: S608 - made here
    s.execute(
        text(f"alter table kernel.event attach partition kernel.{name} for values from ('{since}') to ('{until}')")
    )
