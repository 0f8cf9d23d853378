"""The worker is killed between a commit and its listeners: what was published is digested later, each effect exactly once."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from shiyu.analysis.models import Fact, Tally
from shiyu.cases.actions import Report, accept_many, act
from shiyu.cases.models import Case
from shiyu.demo import people
from shiyu.kernel.db import reading, transaction
from tests.kit.people import deliver

PATIENCE = 30.0
REPORTS = 30


@contextmanager
def a_worker(database: str) -> Iterator["subprocess.Popen[bytes]"]:
    """The platform's own worker, as a process."""
    words = [sys.executable, "-m", "shiyu.cli", "worker", "--parent", str(os.getpid())]
    process = subprocess.Popen(words, env=os.environ | {"SHIYU_DATABASE_URL": database})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(what: Callable[[], object], process: "subprocess.Popen[bytes]") -> None:
    """Wait for a condition, while the worker lives."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert process.poll() is None, "the worker ended by itself"
        if time.monotonic() > end:
            pytest.fail("what was waited for did not come")
        time.sleep(0.01)


def reported(begin: int) -> None:
    """Reports become cases in one commit, and every third is signed in commits of their own."""
    with transaction() as s:
        reports = [
            Report(f"{begin + n}", "hotline", f"铁东区乐雪社区{n}号楼2单元楼梯扶手缺失。") for n in range(REPORTS)
        ]
        told = accept_many(s, people.NOBODY, reports)
    with reading() as s:
        handler = people.cast(s).one("handle.210302-zhujian")
    for one in told[::3]:
        with transaction() as s:
            act(s, handler, one.no, "sign", {})


def digested() -> int:
    """How many cases the analyst knows."""
    with reading() as s:
        return s.scalar(select(func.count()).select_from(Fact)) or 0


def held_up(database: str) -> bool:
    """A listener waits for a lock in the middle of its batch."""
    with psycopg.connect(database.replace("+psycopg", "")) as look:
        return bool(
            look.execute(
                "select 1 from pg_locks where not granted and relation = 'analysis.tally'::regclass"
            ).fetchone()
        )


def test_a_worker_killed_in_the_middle_of_a_batch_loses_and_doubles_nothing(city: str) -> None:
    with psycopg.connect(city.replace("+psycopg", "")) as barrier:
        barrier.execute("lock table analysis.tally in share mode")  # what is read stays readable, what is written waits
        reported(0)
        with a_worker(city) as worker:
            until(lambda: held_up(city), worker)
            worker.kill()
        barrier.rollback()
    assert digested() == 0  # what it had begun went with it

    reported(100)
    with a_worker(city) as worker:
        until(lambda: digested() > 0, worker)
        worker.kill()  # somewhere, after a commit of its own

    reported(200)
    deliver()  # who comes after it
    with reading() as s:
        _every_case_counts_once(s)


def _every_case_counts_once(s: Session) -> None:
    cases = dict(s.execute(select(Case.id, Case.version)).all())
    facts = dict(s.execute(select(Fact.case_id, Fact.version)).all())
    tallied = dict(s.execute(select(Tally.level, func.sum(Tally.accepted)).group_by(Tally.level)).all())
    places = {"county": Case.county_id, "town": Case.town_id, "community": Case.community_id, "grid": Case.grid_id}
    placed = {level: s.scalar(select(func.count()).where(place.is_not(None))) for level, place in places.items()}
    assert len(cases) == 3 * REPORTS
    assert facts == cases
    assert tallied == {"city": len(cases)} | {level: count for level, count in placed.items() if count}
    assert s.scalar(text("select count(*) from kernel.parked")) == 0
