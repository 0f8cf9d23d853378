"""Random bytes of the system, fetched a page at a time.

Each call of the system lets another thread take the interpreter; where one report needs ten ids and nonces, threads that work at the
same time would hand it to and fro at every one of them.
"""

import os
import threading

_PAGE = 4096


class _Held(threading.local):
    page = b""
    at = 0
    owner = 0


_held = _Held()


def random_bytes(count: int) -> bytes:
    """``count`` bytes of ``os.urandom``, each given out once; a process that was forked begins a page of its own."""
    held = _held
    if held.at + count > len(held.page) or held.owner != os.getpid():
        held.page, held.at, held.owner = os.urandom(max(_PAGE, count)), 0, os.getpid()
    found = held.page[held.at : held.at + count]
    held.at += count
    return found
