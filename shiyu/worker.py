"""Front door: the worker. Runs listeners, things done every so often, and jobs, each loop in a thread of its own."""

import threading
from datetime import timedelta

import structlog
from sqlalchemy.orm import Session

from shiyu.kernel import audit, auth, events, files, jobs

log = structlog.get_logger(__name__)


@jobs.every(1)
def seal_audit(s: Session) -> None:
    """留痕封存 — new rows of the audit go into the hash chain."""
    audit.seal_new(s)


@jobs.every(3600)
def keep_house(s: Session) -> None:
    """日常维护 — ended sessions and uploads that no case took are forgotten; the events' next months are made."""
    auth.forget_ended(s)
    files.forget_unclaimed(s, timedelta(days=1))
    events.ensure_partitions(s)


def run(url: str, stop: threading.Event) -> list[threading.Thread]:
    """Start the worker's loops; they end soon after ``stop`` is set."""
    conninfo = url.replace("postgresql+psycopg://", "postgresql://")
    loops = {
        "listeners": lambda: events.listen_forever(conninfo, stop),
        "ticks": lambda: jobs.tick_forever(stop),
        "jobs": lambda: jobs.work_forever(conninfo, stop),
    }
    threads = [threading.Thread(target=loop, name=f"shiyu-{name}", daemon=True) for name, loop in loops.items()]
    for thread in threads:
        thread.start()
    log.info("worker runs", listeners=len(events.listeners()))
    return threads
