"""Jobs: slow effects (mail, reports, training) and things done every so often. The only file that knows Procrastinate.

A job is written in the caller's transaction, so it exists exactly if the act does. About 600 jobs a second a worker: never one
job an event.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import procrastinate
import structlog
from procrastinate import PsycopgConnector, RetryStrategy, SyncPsycopgConnector
from procrastinate.schema import SchemaManager
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Mapped, Session, mapped_column

from shiyu.kernel import clock
from shiyu.kernel.db import Base, transaction

log = structlog.get_logger(__name__)
_book = procrastinate.App(connector=SyncPsycopgConnector())


@dataclass(frozen=True)
class Job:
    """作业 — a function that a worker runs later, at least once."""

    name: str
    task: Any

    def defer(self, s: Session, *, key: str | None = None, in_seconds: float | None = None, **arguments: Any) -> None:
        """Run it after this transaction commits. ``key`` keeps jobs with the same key in order, one at a time."""
        options: dict[str, Any] = {"connection": s.connection().connection.dbapi_connection, "lock": key}
        if in_seconds is not None:
            options["schedule_at"] = clock.now() + timedelta(seconds=in_seconds)
        self.task.configure(**options).defer(**arguments)


def job(name: str, *, tries: int = 8) -> Callable[[Callable[..., None]], Job]:
    """Declare a job: ``@job("channels.send")``. Tried again after 2, 4, 8 … seconds."""

    def declare(call: Callable[..., None]) -> Job:
        retry = RetryStrategy(max_attempts=tries, exponential_wait=2)
        return Job(name, _book.task(name=name, retry=retry)(call))

    return declare


def schema_sql() -> str:
    """The queue's own tables, for the migration."""
    return SchemaManager.get_schema()


class Tick(Base):
    """定时 — when something that happens every so often last happened; who updates the row does it."""

    __tablename__ = "tick"

    name: Mapped[str] = mapped_column(primary_key=True)
    last_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Every:
    """A thing done every ``seconds``, by one worker of many, in a transaction of its own."""

    name: str
    seconds: float
    call: Callable[[Session], None]


_every: dict[str, Every] = {}


def every(seconds: float) -> Callable[[Callable[[Session], None]], Callable[[Session], None]]:
    """Declare a thing done every so often: ``@every(60)``."""

    def declare(call: Callable[[Session], None]) -> Callable[[Session], None]:
        name = f"{call.__module__.split('.')[1]}.{call.__name__}"
        _every[name] = Every(name, seconds, call)
        return call

    return declare


def due_ticks() -> int:
    """Do what is due now; how many things were done. A failure is logged and tried again at the next turn."""
    done = 0
    for tick in _every.values():
        try:
            with transaction() as s:
                now = clock.now()
                claim = upsert(Tick).values(name=tick.name, last_at=now)
                claim = claim.on_conflict_do_update(
                    index_elements=[Tick.name],
                    set_={"last_at": now},
                    where=Tick.last_at <= now - func.make_interval(0, 0, 0, 0, 0, 0, tick.seconds),
                )
                if s.execute(claim.returning(Tick.name)).first():
                    tick.call(s)
                    done += 1
        except Exception as error:
            log.exception("tick failed", tick=tick.name, error=repr(error))
    return done


def tick_forever(stop: threading.Event) -> None:
    """The worker's loop for things done every so often."""
    while not stop.is_set():
        due_ticks()
        stop.wait(0.5)


def work_forever(url: str, stop: threading.Event, *, concurrency: int = 8) -> None:
    """Run jobs until told to stop."""

    async def run() -> None:
        app = _book.with_connector(PsycopgConnector(conninfo=url, max_size=concurrency + 2))
        async with app.open_async():
            worker = asyncio.create_task(
                app.run_worker_async(concurrency=concurrency, install_signal_handlers=False, wait=True)
            )
            while not stop.is_set() and not worker.done():
                await asyncio.sleep(0.2)
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    asyncio.run(run())


def run_waiting(url: str) -> None:
    """Run what waits and return; for tests and one-off commands."""
    with _book.replace_connector(PsycopgConnector(conninfo=url)) as app:
        app.run_worker(wait=False, install_signal_handlers=False, listen_notify=False, concurrency=1)
