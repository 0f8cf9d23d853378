"""News: nothing lost, nothing twice, nothing told that did not happen; one bad event does not stop the others."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from shiyu.kernel import clock, events
from shiyu.kernel.auth import SYSTEM, Viewer
from shiyu.kernel.db import new_id, transaction
from shiyu.kernel.events import Cursor, Event, Listener, News, Parked, deliver, event, publish, retry_parked

ROOT = Path(__file__).parents[2]
T0 = "2026-03-02 09:00"


@event("parcel.posted")
class ParcelPosted:
    """寄出"""

    parcel_id: UUID
    version: int
    weight: int = 0


@event("parcel.opened")
class ParcelOpened:
    """拆开"""

    parcel_id: UUID
    version: int
    by: UUID | None = None


class Ear:
    """A listener of this test alone, which remembers what it heard and writes each event down in its own transaction."""

    def __init__(self, *classes: type, name: str = "test.ear") -> None:
        self.heard: list[tuple[UUID, int]] = []
        self.refuses: set[tuple[UUID, int]] = set()
        self.calls = 0
        kinds = tuple(events.kind_of(cls).name for cls in classes or (ParcelPosted, ParcelOpened))
        self.listener = Listener(name, kinds, self)

    def __call__(self, s: Session, rows: Sequence[News]) -> None:
        self.calls += 1
        for row in rows:
            if (row.subject_id, row.version) in self.refuses:
                raise ValueError(f"cannot digest {row.version}")
            s.execute(
                text("insert into public.effect (id, version, listener) values (:id, :version, :listener)"),
                {"id": row.subject_id, "version": row.version, "listener": self.listener.name},
            )
        self.heard += [(row.subject_id, row.version) for row in rows]

    def listen(self, limit: int = events.BATCH) -> int:
        """Everything that can be heard now."""
        total = 0
        while count := deliver(self.listener, limit):
            total += count
        return total


@pytest.fixture
def effects(database: str) -> str:
    """The database with a table in which each effect may stand once."""
    with transaction() as s:
        s.execute(
            text("create table public.effect (id uuid, version int, listener text, unique (id, version, listener))")
        )
    return database


def post(*facts: object, viewer: Viewer = SYSTEM) -> None:
    with transaction() as s:
        publish(s, viewer, *facts)


def kept() -> list[tuple[UUID, int]]:
    """The effects that were committed."""
    with transaction() as s:
        return [
            (row.id, row.version)
            for row in s.execute(text("select id, version from public.effect order by id, version"))
        ]


def parked() -> list[tuple[int, bool]]:
    """Parked events of any listener: tries, and whether they were given up."""
    with transaction() as s:
        return [(row.tries, row.next_at is None) for row in s.scalars(select(Parked).order_by(Parked.seq))]


# --- order and completeness --------------------------------------------------------------------------------------------


def test_a_late_commit_is_heard_and_heard_once(effects):
    ear, early, late = Ear(), new_id(), new_id()
    ear.listen()

    with transaction() as slow:
        publish(slow, SYSTEM, ParcelPosted(early, 1))
        post(ParcelPosted(late, 1))  # begun later, committed earlier
        ear.listen()
        between = list(ear.heard)
    ear.listen()

    assert (early, 1) not in between
    assert sorted(ear.heard) == sorted([(early, 1), (late, 1)])
    assert kept() == sorted([(early, 1), (late, 1)])


def test_many_interleaved_commits_in_any_order_are_all_heard_once(effects):
    ear, ids = Ear(), [new_id() for _ in range(6)]
    opened: list[tuple[object, Session]] = []
    for one in ids:
        context = transaction()
        s = context.__enter__()
        publish(s, SYSTEM, ParcelPosted(one, 1))
        opened.append((context, s))

    for at in (4, 0, 5, 2, 1, 3):
        opened[at][0].__exit__(None, None, None)  # type: ignore[attr-defined]
        ear.listen(limit=2)
    ear.listen()

    assert sorted(ear.heard) == sorted((one, 1) for one in ids)


def test_what_was_rolled_back_was_never_said(effects):
    ear, gone = Ear(), new_id()

    with pytest.raises(RuntimeError), transaction() as s:
        publish(s, SYSTEM, ParcelPosted(gone, 1))
        raise RuntimeError
    ear.listen()

    assert ear.heard == []
    with transaction() as s:
        assert s.scalar(select(func.count()).select_from(Event)) == 0


def test_one_act_may_say_several_things_and_each_listener_hears_its_own_kinds(effects):
    parcel = new_id()
    all_ears, opening = Ear(name="test.all"), Ear(ParcelOpened, name="test.opening")

    post(ParcelPosted(parcel, 1, weight=3), ParcelOpened(parcel, 2, by=uuid4()))
    all_ears.listen()
    opening.listen()

    assert all_ears.heard == [(parcel, 1), (parcel, 2)]
    assert opening.heard == [(parcel, 2)]


def test_a_batch_smaller_than_one_act_loses_nothing(effects):
    ear, ids = Ear(), [new_id() for _ in range(25)]
    post(*[ParcelPosted(one, 1) for one in ids])

    ear.listen(limit=4)

    assert ear.heard == [(one, 1) for one in ids]


def test_a_new_listener_hears_from_the_beginning(effects):
    ids = [new_id() for _ in range(3)]
    old = Ear(name="test.old")
    for one in ids:
        post(ParcelPosted(one, 1))
        old.listen()

    young = Ear(name="test.young")
    young.listen()

    assert young.heard == old.heard == [(one, 1) for one in ids]


def test_an_event_holds_ids_and_codes_and_who_and_in_which_drill(effects):
    parcel, by, drill = new_id(), uuid4(), uuid4()

    post(ParcelOpened(parcel, 2, by=by), viewer=Viewer(by, exercise_id=drill))

    with transaction() as s:
        [row] = events.timeline(s, parcel)
    assert (row.kind, row.subject, row.subject_id, row.version) == ("parcel.opened", "parcel", parcel, 2)
    assert (row.actor_id, row.exercise_id, row.data) == (by, drill, {"by": str(by)})


def test_the_timeline_is_in_the_order_of_versions(effects):
    parcel = new_id()
    for version in (1, 2, 3):
        post(ParcelPosted(parcel, version))

    with transaction() as s:
        assert [row.version for row in events.timeline(s, parcel)] == [1, 2, 3]


def test_a_commit_wakes_who_listens(effects):
    plain = effects.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as ear:
        ear.execute(f"listen {events.CHANNEL}")

        post(ParcelPosted(new_id(), 1))

        assert list(ear.notifies(timeout=10, stop_after=1))


@pytest.mark.parametrize("declare", ["no_subject", "no_version", "twice"])
def test_an_event_without_subject_or_version_or_declared_twice_is_an_error(declare):
    name = "parcel.posted" if declare == "twice" else "stamp.torn"
    fields = {
        "no_subject": {"version": int},
        "no_version": {"stamp_id": UUID},
        "twice": {"parcel_id": UUID, "version": int},
    }
    cls = type("Stamp", (), {"__annotations__": fields[declare]})

    with pytest.raises(TypeError):
        event(name)(cls)


# --- exactly once ------------------------------------------------------------------------------------------------------


def test_a_process_that_dies_inside_a_listener_leaves_no_effect_and_no_moved_cursor(effects):
    ear, ids = Ear(), [new_id() for _ in range(4)]
    post(*[ParcelPosted(one, 1) for one in ids])
    deliver(ear.listener)  # the cursor is made

    def dies(s: Session, rows: Sequence[News]) -> None:
        ear(s, rows)
        raise SystemExit(1)

    with pytest.raises(SystemExit):
        deliver(Listener(ear.listener.name, ear.listener.kinds, dies))
    assert kept() == []
    ear.listen()

    assert kept() == sorted((one, 1) for one in ids)


WORKER = """
import sys, threading
from sqlalchemy import text
sys.path.insert(0, {root!r})
from shiyu.kernel import db, events
import tests.kernel.test_events as told
halt = int(sys.argv[2])

def note(s, rows):
    for n, row in enumerate(rows, 1):
        s.execute(text("insert into public.effect values (:id, :version, 'test.worker')"),
                  {{"id": row.subject_id, "version": row.version}})
        if n == halt:
            print("in the middle", flush=True)
            threading.Event().wait(60)

db.bind(sys.argv[1])
events._listeners.clear()
events.listens(told.ParcelPosted, name="test.worker")(note)
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
events.listen_forever(sys.argv[1].replace("postgresql+psycopg://", "postgresql://"), stop)
"""


@contextmanager
def worker(url: str, halt: int = 0) -> Iterator[subprocess.Popen[str]]:
    """A worker process of its own; ``halt``: it stands still inside a batch after so many events."""
    code = WORKER.format(root=str(ROOT))
    child = subprocess.Popen(
        [sys.executable, "-c", code, url, str(halt)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def until(true: object, seconds: float = 30) -> bool:
    """Wait for something that another process does."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if true():  # type: ignore[operator]
            return True
        pause.wait(0.05)
    return False


def test_a_worker_killed_in_the_middle_of_a_batch_loses_nothing_and_doubles_nothing(effects):
    ids = [new_id() for _ in range(40)]
    post(*[ParcelPosted(one, 1) for one in ids[:20]])

    with worker(effects, halt=7) as first:
        assert first.stdout is not None
        while "in the middle" not in first.stdout.readline():
            assert first.poll() is None
        post(*[ParcelPosted(one, 1) for one in ids[20:]])  # committed; told to a worker that is about to die
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert kept() == []

    with worker(effects):
        assert until(lambda: len(kept()) >= 40)

    assert kept() == sorted((one, 1) for one in ids)


def test_two_workers_never_digest_the_same_batch(effects):
    ids = [new_id() for _ in range(10)]
    post(*[ParcelPosted(one, 1) for one in ids])
    inside, go_on = threading.Event(), threading.Event()
    ear = Ear()
    deliver(ear.listener)

    def slow(s: Session, rows: Sequence[News]) -> None:
        inside.set()
        assert go_on.wait(30)
        ear(s, rows)

    first = threading.Thread(target=deliver, args=(Listener(ear.listener.name, ear.listener.kinds, slow),))
    first.start()
    assert inside.wait(30)
    second = deliver(ear.listener)
    go_on.set()
    first.join()
    ear.listen()

    assert second == 0
    assert ear.heard == [(one, 1) for one in ids]


def test_many_workers_at_once_share_the_work_without_doubling(effects):
    ids = [new_id() for _ in range(60)]
    for one in ids:
        post(ParcelPosted(one, 1))
    ear = Ear()

    threads = [threading.Thread(target=lambda: [deliver(ear.listener, 7) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ear.listen()

    assert sorted(ear.heard) == sorted((one, 1) for one in ids)


# --- parking -----------------------------------------------------------------------------------------------------------


def test_a_bad_event_waits_with_its_siblings_while_the_others_go_on(effects):
    bad, good = new_id(), new_id()
    ear = Ear()
    ear.refuses = {(bad, 1)}
    post(ParcelPosted(bad, 1), ParcelPosted(good, 1), ParcelOpened(bad, 2))

    ear.listen()
    post(ParcelOpened(bad, 3), ParcelOpened(good, 2))
    ear.listen()

    assert kept() == sorted([(good, 1), (good, 2)])
    assert parked() == [(1, False), (0, False), (0, False)]


def test_parked_events_are_digested_in_their_order_once_they_can_be(effects):
    bad, ear = new_id(), Ear()
    ear.refuses = {(bad, 1)}
    with clock.at(T0):
        post(ParcelPosted(bad, 1), ParcelOpened(bad, 2))
        ear.listen()
        assert retry_parked(ear.listener) == 0  # the pause is not over

    ear.refuses.clear()
    with clock.at(clock.parse(T0) + timedelta(seconds=5)):
        done = retry_parked(ear.listener)

    assert done == 2
    assert ear.heard == [(bad, 1), (bad, 2)]
    assert parked() == []


def test_after_ten_tries_an_event_is_given_up_shown_and_retried_only_by_a_person(effects, monkeypatch):
    bad, ear = new_id(), Ear()
    monkeypatch.setitem(events._listeners, ear.listener.name, ear.listener)
    ear.refuses = {(bad, 1)}
    moment = clock.parse(T0)
    with clock.at(moment):
        post(ParcelPosted(bad, 1), ParcelOpened(bad, 2))
        ear.listen()
    pauses = []
    for _ in range(30):
        moment += timedelta(hours=1)
        with clock.at(moment):
            before = ear.calls
            retry_parked(ear.listener)
            pauses.append(ear.calls - before)
    assert sum(pauses) == events.TRIES - 1
    assert parked() == [(events.TRIES, True), (0, False)]
    with transaction() as s:
        [told] = [one for one in events.backlog(s) if one["listener"] == ear.listener.name]
    assert (told["parked"], told["given_up"]) == (2, 1)

    ear.refuses.clear()
    assert retry_parked(ear.listener) == 0
    assert retry_parked(ear.listener, everything=True) == 2
    assert ear.heard == [(bad, 1), (bad, 2)]


def test_the_pause_between_tries_grows(effects):
    bad, ear = new_id(), Ear()
    ear.refuses = {(bad, 1)}
    moment = clock.parse(T0)
    with clock.at(moment):
        post(ParcelPosted(bad, 1))
        ear.listen()
    waits = []
    for _ in range(5):
        with transaction() as s:
            due = s.scalar(select(Parked.next_at))
        assert due is not None
        waits.append((due - moment).total_seconds())
        moment = due
        with clock.at(moment):
            retry_parked(ear.listener)

    assert waits == sorted(waits)
    assert waits[-1] > waits[0]


def test_events_that_were_given_up_do_not_starve_the_others(effects, monkeypatch):
    monkeypatch.setattr(events, "BATCH", 3)
    ear, hopeless, curable = Ear(), [new_id() for _ in range(3)], new_id()
    ear.refuses = {(one, 1) for one in (*hopeless, curable)}
    with clock.at(T0):
        post(*[ParcelPosted(one, 1) for one in (*hopeless, curable)])
        ear.listen()
    with transaction() as s:
        s.execute(text("update kernel.parked set next_at = null where subject_id = any(:ids)"), {"ids": hopeless})

    ear.refuses.clear()
    with clock.at("2026-03-03 09:00"):
        done = retry_parked(ear.listener)

    assert done == 1
    assert kept() == [(curable, 1)]


def test_a_listener_whose_statement_fails_keeps_the_effects_of_the_others(effects):
    good, bad = new_id(), new_id()

    def half(s: Session, rows: Sequence[News]) -> None:
        for row in rows:
            s.execute(text("insert into public.effect values (:id, 1, 'test.half')"), {"id": row.subject_id})
            if row.subject_id == bad:
                s.execute(text("select 1/0"))

    listener = Listener("test.half", ("parcel.posted",), half)
    post(ParcelPosted(good, 1), ParcelPosted(bad, 1))
    deliver(listener)
    deliver(listener)

    assert kept() == [(good, 1)]
    assert parked() == [(1, False)]


# --- a restored dump ---------------------------------------------------------------------------------------------------


def test_the_epoch_rises_when_the_transactions_of_this_server_are_younger_than_the_events(effects):
    ear, before, after = Ear(), new_id(), new_id()
    post(ParcelPosted(before, 1))
    with transaction() as s:
        s.execute(text("update kernel.event set xid = 900000000000"))
    first = events.current_epoch()

    assert events.settle_epoch() == first + 1
    assert events.settle_epoch() == first + 1  # a second start changes nothing
    post(ParcelPosted(after, 1))
    ear.listen()

    assert ear.heard == [(before, 1), (after, 1)]


def test_the_epoch_rises_when_a_cursor_had_gone_beyond_the_transactions_of_this_server(effects):
    ear, before, after = Ear(), new_id(), new_id()
    post(ParcelPosted(before, 1))
    ear.listen()
    with transaction() as s:  # the old server had been busy with other things since its last event
        s.execute(text("update kernel.cursor set xid = 900000000000"))

    events.settle_epoch()
    post(ParcelPosted(after, 1))
    ear.listen()

    assert ear.heard == [(before, 1), (after, 1)]


def test_the_epoch_stays_where_nothing_was_restored(effects):
    post(ParcelPosted(new_id(), 1))
    before = events.current_epoch()

    assert events.settle_epoch() == before


# --- partitions --------------------------------------------------------------------------------------------------------


def test_partitions_are_made_for_this_month_and_the_next_ones(effects):
    with clock.at("2031-11-15 12:00"), transaction() as s:
        made = events.ensure_partitions(s, months=3)
        again = events.ensure_partitions(s, months=3)

    assert made == ["event_2031_11", "event_2031_12", "event_2032_01"]
    assert again == []
    with clock.at("2032-01-31 23:59"):
        post(ParcelPosted(parcel := new_id(), 1))
    with transaction() as s:
        where = s.scalar(
            text("select tableoid::regclass::text from kernel.event where subject_id = :id"), {"id": parcel}
        )
    assert where == "kernel.event_2032_01"


def test_a_month_that_was_never_made_still_takes_events_and_can_be_made_later(effects):
    ear, parcel = Ear(), new_id()
    with clock.at("2041-05-10 12:00"):
        post(ParcelPosted(parcel, 1))
        ear.listen()
        assert ear.heard == [(parcel, 1)]

        with transaction() as s:
            made = events.ensure_partitions(s, months=1)

    assert made == ["event_2041_05"]
    with transaction() as s:
        assert len(events.timeline(s, parcel)) == 1
        where = s.scalar(
            text("select tableoid::regclass::text from kernel.event where subject_id = :id"), {"id": parcel}
        )
    assert where == "kernel.event_2041_05"


def test_the_backlog_counts_what_waits_and_how_long(effects, monkeypatch):
    ear = Ear()
    monkeypatch.setattr(events, "_listeners", {ear.listener.name: ear.listener})
    with clock.at(T0):
        post(ParcelPosted(new_id(), 1), ParcelPosted(new_id(), 1))
    with clock.at(clock.parse(T0) + timedelta(seconds=90)), transaction() as s:
        [behind] = events.backlog(s)
    ear.listen()
    with transaction() as s:
        [level] = events.backlog(s)

    assert (behind["waiting"], behind["seconds"]) == (2, 90.0)
    assert (level["waiting"], level["seconds"]) == (0, 0.0)


def test_a_cursor_of_an_idle_listener_is_not_written_at_every_look(effects):
    ear = Ear()
    post(ParcelPosted(new_id(), 1))
    ear.listen()

    assert [deliver(ear.listener) for _ in range(3)] == [0, 0, 0]
    with transaction() as s:
        before = s.scalar(select(Cursor.moved_at).where(Cursor.listener == ear.listener.name))
    deliver(ear.listener)
    with transaction() as s:
        assert s.scalar(select(Cursor.moved_at).where(Cursor.listener == ear.listener.name)) == before


def test_processes_that_start_at_once_make_the_partitions_once(effects):
    made: list[list[str]] = []

    def start() -> None:
        with transaction() as s:
            made.append(events.ensure_partitions(s, months=12))

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 3
    assert sorted(len(one) for one in made)[:2] == [0, 0]
