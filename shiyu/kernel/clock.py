"""The only ``now()`` of the house. Everything is stored in UTC and shown in Beijing time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

BEIJING = ZoneInfo("Asia/Shanghai")

_fixed: datetime | None = None


def now() -> datetime:
    """The present moment, aware, in UTC; the fixed one inside ``at``."""
    return _fixed or datetime.now(UTC)


def beijing(moment: datetime) -> datetime:
    """The same moment on a clock in Beijing."""
    return moment.astimezone(BEIJING)


def parse(text: str) -> datetime:
    """A moment from ISO text; without an offset it is Beijing time."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)


@contextmanager
def at(moment: datetime | str) -> Iterator[None]:
    """Stand still at a moment, for tests and for replaying a story. Holds for the whole process, threads included."""
    global _fixed  # noqa: PLW0603 - one clock a process is the point
    before, _fixed = _fixed, parse(moment) if isinstance(moment, str) else moment
    try:
        yield
    finally:
        _fixed = before
