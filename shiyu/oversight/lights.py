"""红黄绿灯 — a promise's light, and how much of its working time is spent. Pure: values in, values out."""

from datetime import datetime

from shiyu.law.calendar import Calendar

LIGHTS = ("red", "amber", "green")


def light(due_at: datetime | None, amber_at: datetime | None, now: datetime) -> str | None:
    """The light of a promise: red once it is missed, amber from its warning time, else green; no promise, no light.

    The very moment it is due is still in time.
    """
    if due_at is None:
        return None
    if now > due_at:
        return "red"
    return "amber" if amber_at is not None and now > amber_at else "green"


def elapsed(started_at: datetime, due_at: datetime, now: datetime, calendar: Calendar) -> float:
    """已用时间比例 — the share of the working time from start to due that is spent: 0 at the start, 1 when due, more when missed.

    A promise without any working time in it (due the same night) is measured in plain time.
    """
    whole = calendar.working_seconds_between(started_at, due_at).seconds
    if whole:
        return calendar.working_seconds_between(started_at, now).seconds / whole
    plain = (due_at - started_at).total_seconds()
    return max((now - started_at).total_seconds(), 0.0) / plain if plain > 0 else 1.0
