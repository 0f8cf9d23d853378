"""汇流: what is asked at the same time is done in one go, and each asker is answered for himself."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from shiyu.kernel.gather import Gatherer


class Door:
    """Notes what came in each go; the first go waits until it is let through."""

    def __init__(self) -> None:
        self.goes: list[list[int]] = []
        self.entered, self.open = threading.Event(), threading.Event()

    def work(self, items: Sequence[int]) -> Sequence[int | Exception]:
        self.goes.append(list(items))
        self.entered.set()
        assert self.open.wait(30)
        return [ValueError(item) if item < 0 else item * 10 for item in items]


def test_who_comes_while_one_is_served_is_served_with_the_others_in_the_next_go():
    door = Door()
    gatherer = Gatherer("test", door.work)

    first = gatherer.put(1)
    assert door.entered.wait(30)
    others = [gatherer.put(n) for n in (2, 3, 4)]
    door.open.set()

    assert first.result(30) == 10
    assert [one.result(30) for one in others] == [20, 30, 40]
    assert door.goes == [[1], [2, 3, 4]]


def test_no_go_is_larger_than_allowed():
    door = Door()
    gatherer = Gatherer("test", door.work, most=2)

    first = gatherer.put(0)
    assert door.entered.wait(30)
    others = [gatherer.put(n) for n in range(1, 6)]
    door.open.set()

    assert [one.result(30) for one in (first, *others)] == [0, 10, 20, 30, 40, 50]
    assert [len(go) for go in door.goes] == [1, 2, 2, 1]


def test_the_fault_of_one_is_told_to_him_alone():
    door = Door()
    door.open.set()
    gatherer = Gatherer("test", door.work)

    answers = [gatherer.put(n) for n in (1, -2, 3)]

    assert answers[0].result(30) == 10
    assert answers[2].result(30) == 30
    with pytest.raises(ValueError, match="-2"):
        answers[1].result(30)


def test_when_the_work_fails_everybody_of_that_go_hears_it_and_the_next_are_served():
    broken = threading.Event()
    broken.set()

    def work(items: Sequence[int]) -> Sequence[int]:
        if broken.is_set():
            raise RuntimeError("no database")
        return items

    gatherer = Gatherer("test", work)
    with pytest.raises(RuntimeError, match="no database"):
        gatherer.put(1).result(30)
    broken.clear()

    assert gatherer.put(2).result(30) == 2


def test_who_gave_up_waiting_is_not_worked_for():
    door = Door()
    gatherer = Gatherer("test", door.work)
    gatherer.put(1)
    assert door.entered.wait(30)
    given_up, patient = gatherer.put(2), gatherer.put(3)

    assert given_up.cancel()
    door.open.set()

    assert patient.result(30) == 30
    assert door.goes == [[1], [3]]


def test_coroutines_of_several_loops_and_threads_are_each_answered():
    gatherer: Gatherer[int, int] = Gatherer("test", lambda items: [item * 2 for item in items], hands=2)

    async def ask_many(start: int) -> list[int]:
        return list(await asyncio.gather(*(gatherer.ask(n) for n in range(start, start + 50))))

    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(lambda n: asyncio.run(ask_many(n * 100)), range(4)))

    assert told == [[n * 2 for n in range(start, start + 50)] for start in (0, 100, 200, 300)]
