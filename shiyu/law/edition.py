"""版次 — the law as this process remembers it: read once, asked for without a query, forgotten when the books were loaded anew."""

import inspect
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Engine, select
from sqlalchemy import inspect as inspection
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from shiyu.kernel import clock, db
from shiyu.kernel.db import Base, after_commit, new_id

LOOK_EVERY = 30.0  # seconds between two looks at the edition of the database; another process may have loaded books

T = TypeVar("T")


class BookEdition(Base):
    """依据版次 — one row: changes whenever books are loaded, so that every process sees that its memory is old."""

    __tablename__ = "book_edition"
    __table_args__ = (CheckConstraint("topic = 'law'", name="single"),)

    topic: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[UUID] = mapped_column(default=new_id)
    changed_at: Mapped[datetime]


@dataclass(slots=True)
class _Shelf:
    engine: Engine
    token: UUID | None
    looked: float
    parts: dict[Callable[[Session], Any], Any] = field(default_factory=dict)


_shelf: _Shelf | None = None
_building = threading.RLock()


def bump(s: Session) -> None:
    """Say that the law changed. In this transaction the memory is passed by; elsewhere it is renewed after the commit."""
    row = {"topic": "law", "token": new_id(), "changed_at": clock.now()}
    s.execute(insert(BookEdition).values(row).on_conflict_do_update(index_elements=["topic"], set_=row))
    s.info["law_changed"] = True


def token(s: Session) -> UUID | None:
    """The edition of the database, ``None`` before the first loading."""
    return s.scalar(select(BookEdition.token).where(BookEdition.topic == "law"))


def held(s: Session | None, read: Callable[[Session], T]) -> T:
    """What ``read`` makes of the tables, from memory. Without a session one is opened if it must be read."""
    if s is not None and s.info.get("law_changed"):
        return read(s)  # this transaction's own view, which nobody else may see before the commit
    shelf = _shelf
    if shelf and shelf.engine is db.engine() and time.monotonic() - shelf.looked < LOOK_EVERY and read in shelf.parts:
        return shelf.parts[read]
    return _build(s, read)


def refresh(s: Session | None = None) -> None:
    """Look at the edition now and forget what is old."""
    with _building, _session(s) as session:
        _look(session, at_once=True)


def today() -> date:
    """This day in Beijing, by which rows are in force."""
    return clock.beijing(clock.now()).date()


def in_force(begin: date, end: date | None, day: date) -> bool:
    """Whether a row holds on a day: from its first day until the day before ``end``."""
    return begin <= day and (end is None or day < end)


def copies(s: Session, model: type[Base], shape: type[T]) -> tuple[T, ...]:
    """Every row of a table as a frozen value whose fields have the names of columns; lists become tuples."""
    columns = [getattr(model, name) for name in inspect.signature(shape).parameters]
    rows = s.execute(select(*columns).order_by(*inspection(model).primary_key))
    return tuple(shape(*[tuple(value) if isinstance(value, list) else value for value in row]) for row in rows)


def _build(s: Session | None, read: Callable[[Session], T]) -> T:
    # While one thread looks or reads, the others go on with what they have; only what is not there is waited for.
    shelf = _shelf
    have = shelf is not None and shelf.engine is db.engine() and read in shelf.parts
    if not _building.acquire(blocking=not have) and shelf:
        return shelf.parts[read]
    try:
        with _session(s) as session:
            while True:
                shelf = _look(session)
                if read not in shelf.parts:
                    shelf.parts[read] = read(session)
                    # Another process may have loaded books between two statements of the reading.
                    if token(session) != shelf.token:
                        _look(session, at_once=True)
                        continue
                return shelf.parts[read]
    finally:
        _building.release()


def _look(s: Session, *, at_once: bool = False) -> _Shelf:
    global _shelf  # noqa: PLW0603 - one memory a process
    now, shelf = time.monotonic(), _shelf
    if shelf and shelf.engine is db.engine():
        if not at_once and now - shelf.looked < LOOK_EVERY:
            return shelf
        if token(s) == shelf.token:
            shelf.looked = now
            return shelf
    _shelf = _Shelf(db.engine(), token(s), now)
    return _shelf


@contextmanager
def _session(s: Session | None) -> Iterator[Session]:
    if s is not None:
        yield s
    else:
        with db.reading() as own:
            yield own


@after_commit
def _look_again(s: Session) -> None:
    if s.info.pop("law_changed", False) and _shelf:
        _shelf.looked = float("-inf")
