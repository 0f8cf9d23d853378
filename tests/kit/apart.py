"""Run something in a thread of its own: the browser driver keeps an event loop running in the thread of the tests."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def apart(call: Callable[[], T]) -> T:
    """What the call answers or raises."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call).result()
