"""The ledger: engine, ``Base``, ``transaction()``, keyset pages.

One PostgreSQL schema a room, named after the folder the model stands in; nobody writes it down twice.
"""

import base64
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import orjson
import psycopg
from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Engine,
    MetaData,
    Select,
    create_engine,
    event,
    literal,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session, sessionmaker

from shiyu.kernel.chance import random_bytes
from shiyu.kernel.errors import Refusal


class Base(DeclarativeBase):
    """Every table's parent. Puts the table into its room's schema."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: JSONB,
        list[dict[str, Any]]: JSONB,
    }

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "__tablename__" in cls.__dict__:
            given = cls.__dict__.get("__table_args__", ())
            given = (given,) if isinstance(given, dict) else tuple(given)
            options: dict[str, Any] = {"schema": cls.__module__.split(".")[1]}
            if given and isinstance(given[-1], dict):
                options |= given[-1]
                given = given[:-1]
            cls.__table_args__ = (*given, options)
        super().__init_subclass__(**kwargs)


RESTED = 2.0  # seconds after which a pooled connection is proved before it is used

_ids = threading.local()


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562 section 5.7): time-ordered, made in Python, growing within this thread.

    48 bits of milliseconds, then 12 bits that count sub-millisecond steps, then 62 random bits.
    """
    stamp = (time.time_ns() << 12) // 1_000_000  # milliseconds with 12 fractional bits
    _ids.last = stamp = max(stamp, getattr(_ids, "last", 0) + 1)
    value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0x2 << 62 | int.from_bytes(random_bytes(8)) >> 2
    return UUID(int=value)


_engine: Engine | None = None
_sessions: sessionmaker[Session] = sessionmaker(expire_on_commit=False)
_after_commit: list[Callable[[Session], None]] = []


def bind(url: str, *, pool: int = 16) -> Engine:
    """Connect this process to its database; an earlier engine is closed."""
    global _engine  # noqa: PLW0603 - one ledger a process
    unbind()
    _engine = create_engine(
        url,
        pool_size=pool,
        max_overflow=pool,
        pool_timeout=10,
        json_serializer=lambda value: orjson.dumps(value, default=str).decode(),
        json_deserializer=orjson.loads,
        connect_args={"options": "-c timezone=UTC -c idle_in_transaction_session_timeout=60s", "connect_timeout": 10},
    )
    _sessions.configure(bind=_engine)
    return _engine


def unbind() -> None:
    """Close every connection."""
    global _engine  # noqa: PLW0603
    if _engine is not None:
        _engine.dispose()
    _engine = None


def engine() -> Engine:
    """The engine of this process."""
    if _engine is None:
        raise RuntimeError("no database is bound: call shiyu.kernel.db.bind(url) first")
    return _engine


def after_commit(call: Callable[[Session], None]) -> Callable[[Session], None]:
    """Register a light call (never a promise: it is lost when the process dies) for after each commit."""
    _after_commit.append(call)
    return call


@contextmanager
def transaction() -> Iterator[Session]:
    """One act, one transaction: commits at the end, rolls back on any error."""
    with _sessions() as session:
        with session.begin():
            yield session
        for call in _after_commit:
            call(session)


@contextmanager
def reading() -> Iterator[Session]:
    """A transaction that cannot write."""
    with _sessions() as session, session.begin():
        session.connection(execution_options={"postgresql_readonly": True})
        yield session


@contextmanager
def glance() -> Iterator[Connection]:
    """For single statements: each is a transaction of its own, so that no journey is spent on BEGIN and COMMIT."""
    with engine().execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        yield connection


@event.listens_for(Engine, "connect")
def _prepare_early(connection: Any, _record: Any) -> None:
    # Statements are few and hot: prepare each on its second use (psycopg's default is the fifth).
    connection.prepare_threshold = 2


@event.listens_for(Engine, "checkin")
def _note_use(_connection: Any, record: Any) -> None:
    record.info["used"] = time.monotonic()


@event.listens_for(Engine, "checkout")
def _prove_life(connection: Any, record: Any, _proxy: Any) -> None:
    # A connection that rested is proved before use, since the server may have restarted; a busy one is not asked each time.
    if time.monotonic() - record.info.get("used", 0.0) > RESTED:
        try:
            connection.execute("")
            connection.rollback()
        except psycopg.Error as error:
            raise DisconnectionError from error


@dataclass(frozen=True, slots=True)
class Page:
    """一页 — rows and the cursor of the next page (``None`` at the end)."""

    rows: list[Any]
    next: str | None


def encode_cursor(*keys: Any) -> str:
    """Keys of the last row of a page as opaque text."""
    return base64.urlsafe_b64encode(orjson.dumps([str(k) if isinstance(k, UUID) else k for k in keys])).decode()


def decode_cursor(cursor: str, kinds: Sequence[Callable[[Any], Any]]) -> tuple[Any, ...]:
    """The keys again, each through its kind; a damaged cursor is a refusal."""
    try:
        keys = orjson.loads(base64.urlsafe_b64decode(cursor))
        return tuple(kind(key) for kind, key in zip(kinds, keys, strict=True))
    except (
        ValueError,
        TypeError,
        AttributeError,
        OverflowError,
    ) as error:  # whatever a kind says of what is none of its own
        raise Refusal("page.bad_cursor", 422, field="after") from error


def moment(value: Any) -> datetime:
    """A moment out of a cursor."""
    return datetime.fromisoformat(value)


def page(
    session: Session,
    query: Select[Any],
    keys: Sequence[InstrumentedAttribute[Any] | ColumnElement[Any]],
    kinds: Sequence[Callable[[Any], Any]],
    *,
    after: str | None = None,
    limit: int = 50,
    descending: bool = True,
) -> Page:
    """One keyset page of ``query`` ordered by ``keys`` (the last is unique). ``query`` selects one entity."""
    if after:
        edge = tuple_(*[literal(v) for v in decode_cursor(after, kinds)])
        query = query.where(tuple_(*keys) < edge if descending else tuple_(*keys) > edge)
    query = query.order_by(*[key.desc() if descending else key.asc() for key in keys]).limit(limit + 1)
    rows = list(session.scalars(query))
    if len(rows) <= limit:
        return Page(rows, None)
    rows = rows[:limit]
    last = [getattr(rows[-1], key.key) for key in keys if key.key is not None]
    return Page(rows, encode_cursor(*last))
