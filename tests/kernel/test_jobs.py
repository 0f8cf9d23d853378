"""Jobs: one exists exactly if its act does; what happens every so often happens once, however many workers there are."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from shiyu.kernel import clock, jobs
from shiyu.kernel.db import transaction
from tests.kit.apart import apart

DONE: list[str] = []
T0 = "2026-03-02 09:00"


@jobs.job("test.note")
def note(word: str) -> None:
    """Write a word down."""
    with transaction() as s:
        s.execute(text("insert into public.note values (:word)"), {"word": word})


@jobs.job("test.fail", tries=2)
def fail(word: str) -> None:
    """Fail, always."""
    DONE.append(word)
    raise RuntimeError(word)


@pytest.fixture
def notes(database: str) -> str:
    """The database with a table for words; its address as libpq reads it."""
    with transaction() as s:
        s.execute(text("create table public.note (word text)"))
    DONE.clear()
    return database.replace("postgresql+psycopg://", "postgresql://")


def written() -> list[str]:
    with transaction() as s:
        return list(s.scalars(text("select word from public.note order by word")))


def waiting() -> int:
    with transaction() as s:
        return s.scalar(text("select count(*) from procrastinate_jobs where status = 'todo'")) or 0


def test_a_job_runs_after_its_act_was_committed(notes):
    with transaction() as s:
        note.defer(s, word="one")
        note.defer(s, word="two")

    apart(lambda: jobs.run_waiting(notes))

    assert written() == ["one", "two"]
    assert waiting() == 0


def test_a_job_of_an_act_that_was_rolled_back_does_not_exist(notes):
    with pytest.raises(RuntimeError), transaction() as s:
        note.defer(s, word="never")
        raise RuntimeError

    assert waiting() == 0
    apart(lambda: jobs.run_waiting(notes))
    assert written() == []


def test_a_job_is_not_run_before_its_act_is_committed(notes):
    with transaction() as s:
        note.defer(s, word="late")
        apart(lambda: jobs.run_waiting(notes))
        assert written() == []

    apart(lambda: jobs.run_waiting(notes))

    assert written() == ["late"]


def test_a_job_for_later_waits_for_its_time(notes):
    with transaction() as s:
        note.defer(s, word="tomorrow", in_seconds=86400)
        note.defer(s, word="now")

    apart(lambda: jobs.run_waiting(notes))

    assert written() == ["now"]
    assert waiting() == 1


def test_a_job_that_fails_is_kept_for_another_try(notes):
    with transaction() as s:
        fail.defer(s, word="again")

    apart(lambda: jobs.run_waiting(notes))

    assert DONE == ["again"]
    assert waiting() == 1


# --- every so often ----------------------------------------------------------------------------------------------------


@pytest.fixture
def ticks(database: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Nothing happens every so often but what the test declares."""
    monkeypatch.setattr(jobs, "_every", {})
    return []


def test_what_is_done_every_minute_is_done_once_a_minute(ticks):
    @jobs.every(60)
    def ring(s: Session) -> None:
        ticks.append("ring")

    for moment in ("2026-03-02 09:00:00", "2026-03-02 09:00:59", "2026-03-02 09:01:00", "2026-03-02 09:01:30"):
        with clock.at(moment):
            jobs.due_ticks()

    assert len(ticks) == 2


def test_two_workers_do_it_once(ticks):
    both = threading.Barrier(2)

    @jobs.every(60)
    def ring(s: Session) -> None:
        ticks.append("ring")

    def work() -> None:
        both.wait(10)
        jobs.due_ticks()

    for moment in (clock.parse(T0), clock.parse(T0) + timedelta(minutes=2)):  # the first time and a later one
        with clock.at(moment):
            workers = [threading.Thread(target=work) for _ in range(2)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()

    assert len(ticks) == 2


def test_one_that_fails_is_tried_again_and_does_not_hold_up_the_others(ticks):
    @jobs.every(60)
    def breaks(s: Session) -> None:
        ticks.append("breaks")
        raise RuntimeError

    @jobs.every(60)
    def rings(s: Session) -> None:
        ticks.append("rings")

    with clock.at(T0):
        assert jobs.due_ticks() == 1
        assert jobs.due_ticks() == 0

    assert ticks == ["breaks", "rings", "breaks"]


def test_what_a_tick_wrote_is_committed_with_it_and_rolled_back_with_it(ticks):
    with transaction() as s:
        s.execute(text("create table public.note (word text)"))

    @jobs.every(60)
    def writes(s: Session) -> None:
        s.execute(text("insert into public.note values ('half')"))
        if not ticks:
            ticks.append("failed")
            raise RuntimeError

    with clock.at(T0):
        jobs.due_ticks()
        assert written() == []
        jobs.due_ticks()

    assert written() == ["half"]
