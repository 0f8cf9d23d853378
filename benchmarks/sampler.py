"""Where the time goes: looks every few milliseconds at what each busy thread of this process is doing and counts it.

Costs about a percent. A thread is counted under the innermost part of the program that it stands in; the event loop and threads that
wait for work are not counted.
"""

import sys
import threading
import time
from collections import Counter
from types import FrameType

EVERY = 0.004  # seconds between looks
STACK = 60

# Innermost first: the first line whose words stand in the file name (and function) decides.
PARTS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("database: waiting for it", ("psycopg/",), ("wait", "execute", "_commit_gen", "commit", "connect")),
    ("database: driver (psycopg)", ("psycopg",), ()),
    ("database: SQLAlchemy", ("sqlalchemy/",), ()),
    ("sealing personal data", ("kernel/vault.py",), ()),
    ("who is it (session)", ("kernel/auth.py",), ()),
    ("class (classifier)", ("law/classifier.py",), ()),
    ("place (gazetteer)", ("directory/gazetteer.py", "directory/spotting.py", "shapely/"), ()),
    ("whose, by when (duties, limits)", ("law/",), ()),
    ("likely duplicates", ("cases/triage.py",), ("likenesses", "like", "shingles", "overlap", "_nearness")),
    ("suggestion with reasons", ("cases/triage.py",), ()),
    ("rows of the case", ("cases/actions/intake.py", "kernel/events.py", "kernel/db.py"), ()),
    ("answer to the wire", ("cases/schemas/", "cases/api.py", "cases/queries.py", "cases/policy.py"), ()),
    ("body: reading and checking", ("pydantic", "kernel/web.py"), ()),
    ("log and measures", ("structlog/", "prometheus_client/"), ()),
    ("HTTP (FastAPI, Starlette, uvicorn)", ("fastapi/", "starlette/", "uvicorn/", "anyio/"), ()),
)
_IDLE = ("wait", "get", "_worker", "_run", "run_forever", "select", "sleep")
_IDLE_FILES = (
    "threading.py",
    "queue.py",
    "selectors.py",
    "uvloop",
    "anyio/_backends",
    "sampler.py",
    "kernel/events.py",
    "kernel/gather.py",
)


class Sampler(threading.Thread):
    """A daemon that looks until it is stopped."""

    def __init__(self) -> None:
        super().__init__(name="sampler", daemon=True)
        self.counts: Counter[str] = Counter()
        self.stopping = threading.Event()

    def run(self) -> None:
        own = threading.get_ident()
        while not self.stopping.is_set():
            for ident, frame in sys._current_frames().items():
                if ident != own and (part := part_of(frame)):
                    self.counts[part] += 1
            time.sleep(EVERY)

    def table(self) -> list[tuple[str, float]]:
        """Each part with its share, the largest first."""
        total = sum(self.counts.values()) or 1
        return [(part, count / total) for part, count in self.counts.most_common()]


def part_of(frame: FrameType | None) -> str | None:
    """The part of the program that a thread stands in, ``None`` when it waits for work."""
    if frame is None or _idle(frame):
        return None
    for _ in range(STACK):
        if frame is None:
            break
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        for part, files, names in PARTS:
            if any(piece in file for piece in files) and (not names or name in names):
                return part
        frame = frame.f_back
    return "other"


def _idle(frame: FrameType) -> bool:
    code = frame.f_code
    if any(piece in code.co_filename for piece in _IDLE_FILES) and code.co_name in {*_IDLE, "run"}:
        return True
    return code.co_name in {"run", "serve", "_serve"} and (
        "uvicorn/" in code.co_filename or "asyncio/" in code.co_filename
    )
