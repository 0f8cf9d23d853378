"""汇流 — what is asked at the same time is done in one go: one query, one commit, each asker answered for himself.

Who finds the worker at rest is served at once; who comes meanwhile waits, and the next go serves all who wait. So nothing waits for a
timer: a single asker is as fast as ever, and the goes become larger as the load grows.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Gatherer(Generic[T, R]):
    """``work`` gets what was asked, at most ``most`` at once, and returns an answer or an exception for each, in their order.

    An exception that ``work`` raises goes to all of that go. ``hands`` threads work, so that one go may wait for the database while
    another one thinks.
    """

    def __init__(
        self, name: str, work: Callable[[Sequence[T]], Sequence[R | BaseException]], *, most: int = 200, hands: int = 1
    ) -> None:
        self.name, self.work, self.most, self.hands = name, work, most, hands
        self._asked: SimpleQueue[tuple[T, Future[R]]] = SimpleQueue()
        self._started = False
        self._starting = threading.Lock()

    async def ask(self, item: T) -> R:
        """The answer, for a coroutine."""
        return await asyncio.wrap_future(self.put(item))

    def put(self, item: T) -> "Future[R]":
        """The answer as a future, for any thread."""
        if not self._started:
            self._start()
        answer: Future[R] = Future()
        self._asked.put((item, answer))
        return answer

    def _start(self) -> None:
        with self._starting:
            if not self._started:
                for n in range(self.hands):
                    threading.Thread(target=self._run, name=f"shiyu-{self.name}-{n}", daemon=True).start()
                self._started = True

    def _run(self) -> None:
        while True:
            found = [self._asked.get()]
            try:
                while len(found) < self.most:
                    found.append(self._asked.get_nowait())
            except Empty:
                pass
            wanted = [(item, answer) for item, answer in found if answer.set_running_or_notify_cancel()]
            if wanted:
                self._go(wanted)

    def _go(self, wanted: list[tuple[T, "Future[R]"]]) -> None:
        try:
            told = self.work([item for item, _ in wanted])
        except BaseException as error:  # noqa: BLE001 - the askers raise it, the worker goes on
            told = [error] * len(wanted)
        for (_, answer), one in zip(wanted, told, strict=True):
            if isinstance(one, BaseException):
                answer.set_exception(one)
            else:
                answer.set_result(one)
