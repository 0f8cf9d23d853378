"""工作日历 — reckoning in working days, working hours and plain time, Beijing time. Pure: holidays and hours come from outside.

Counting begins on the day after the start unless a rule says "same", and a term of days ends when the office closes on its last day
(the customary way of counting terms, Civil Code of the PRC, articles 201 and 203). A year without published holidays is reckoned
Monday to Friday, and the answer says so.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from shiyu.kernel.clock import BEIJING

WORKING_UNITS = ("work_day", "work_hour")
NATURAL_UNITS = ("day", "hour", "minute")
UNITS = (*WORKING_UNITS, *NATURAL_UNITS)
DAY_ONES = ("next", "same")

Hours = tuple[tuple[time, time], ...]
Pause = tuple[datetime, datetime]

_DAY = timedelta(days=1)
_LAST_MOMENT = time(23, 59, 59)
_WORKDAYS_A_WEEK = 5


@dataclass(frozen=True, slots=True)
class Reckoned:
    """推算结果 — a moment, and the years it was reckoned in although their holidays are not known."""

    at: datetime
    unknown_years: tuple[int, ...] = ()

    @property
    def uncertain(self) -> bool:
        """Whether holidays that nobody has published yet may move it."""
        return bool(self.unknown_years)


@dataclass(frozen=True, slots=True)
class Worked:
    """工作时长 — seconds inside working hours, and the years reckoned without known holidays."""

    seconds: float
    unknown_years: tuple[int, ...] = ()

    @property
    def uncertain(self) -> bool:
        """Whether holidays that nobody has published yet may change it."""
        return bool(self.unknown_years)


@dataclass(frozen=True)
class Calendar:
    """工作日历 — ``days`` says "holiday" or "makeup" (调休上班) of the days a notice names; all others follow the week.

    ``hours`` are the working periods of a day in order; ``known_years`` those whose notice is in ``days``.
    """

    days: Mapping[date, str]
    hours: Hours
    known_years: frozenset[int]

    def __post_init__(self) -> None:
        if not self.hours or any(begin >= end for begin, end in self.hours):
            raise ValueError("a working day needs at least one period, each ending after it begins")
        if any(before[1] > after[0] for before, after in pairwise(self.hours)):
            raise ValueError("working periods stand in order and do not overlap")
        if wrong := {kind for kind in self.days.values() if kind not in {"holiday", "makeup"}}:
            raise ValueError(f"a day is a holiday or a makeup day, not {sorted(wrong)}")

    @property
    def closes(self) -> time:
        """When the office closes."""
        return self.hours[-1][1]

    def is_workday(self, day: date) -> bool:
        """Whether the office works on a day."""
        named = self.days.get(day)
        return named == "makeup" if named else day.weekday() < _WORKDAYS_A_WEEK

    def add(self, start: datetime, amount: int, unit: str, day_one: str = "next") -> Reckoned:
        """The end of a term of ``amount`` in any unit."""
        if unit == "work_day":
            return self.add_workdays(start, amount, day_one)
        if unit == "work_hour":
            return self.add_work_hours(start, amount)
        return self.add_natural(start, amount, unit, day_one)

    def add_workdays(self, start: datetime, amount: int, day_one: str = "next") -> Reckoned:
        """Closing time of the ``amount``-th working day. With ``same`` the day of the start counts if the office is still open then."""
        _at_least_one(amount)
        local = start.astimezone(BEIJING)
        first = day = local.date()
        if day_one == "same" and local.time() < self.closes and self.is_workday(day):
            amount -= 1
        else:
            first += _DAY
        while amount:
            day += _DAY
            if self.is_workday(day):
                amount -= 1
        return Reckoned(datetime.combine(day, self.closes, BEIJING), self._unknown(first, day))

    def add_work_hours(self, start: datetime, amount: float) -> Reckoned:
        """The moment by which ``amount`` hours have been worked."""
        if amount <= 0:
            raise ValueError("a term is longer than nothing")
        left, local = timedelta(hours=amount), start.astimezone(BEIJING)
        for opens, end in self._periods(local.date()):
            begin = max(opens, local)
            if end - begin >= left:
                return Reckoned(begin + left, self._unknown(local.date(), begin.date()))
            if end > begin:
                left -= end - begin
        raise AssertionError("working periods never end")

    def add_natural(self, start: datetime, amount: int, unit: str, day_one: str = "same") -> Reckoned:
        """Plain time, whatever the calendar says; a term in days ends with its last day. Never uncertain."""
        _at_least_one(amount)
        local = start.astimezone(BEIJING)
        if unit == "day":
            last = local.date() + timedelta(days=amount if day_one == "next" else amount - 1)
            return Reckoned(datetime.combine(last, _LAST_MOMENT, BEIJING))
        if unit not in NATURAL_UNITS:
            raise ValueError(f"unknown unit {unit}")
        return Reckoned(local + (timedelta(hours=amount) if unit == "hour" else timedelta(minutes=amount)))

    def workdays_between(self, begin: datetime, end: datetime) -> int:
        """Working days after the day of ``begin`` up to and including the day of ``end``."""
        day, last = begin.astimezone(BEIJING).date(), end.astimezone(BEIJING).date()
        return sum(self.is_workday(day + timedelta(days=n)) for n in range(1, (last - day).days + 1))

    def working_seconds_between(self, begin: datetime, end: datetime) -> Worked:
        """Seconds worked from ``begin`` to ``end``; nothing if ``end`` is not later."""
        a, b = begin.astimezone(BEIJING), end.astimezone(BEIJING)
        if b <= a:
            return Worked(0.0)
        total = timedelta()
        for opens, closes in self._periods(a.date()):
            if opens >= b:
                break
            total += max(min(closes, b) - max(opens, a), timedelta())
        return Worked(total.total_seconds(), self._unknown(a.date(), b.date()))

    def shift(self, due: Reckoned, unit: str, pause: Pause) -> Reckoned:
        """A due time after a clock stood still: later by what the pause held of its own unit.

        Days: by the working (or plain) days that began during the pause. Hours and minutes: by the time worked (or passed) in it.
        A pause that begins after the due time saves nothing.
        """
        begin, end = pause
        if begin >= due.at or end <= begin:
            return due
        if unit == "work_day":
            lost = self.workdays_between(begin, end)
            moved = self.add_workdays(due.at, lost) if lost else due
        elif unit == "work_hour":
            lost = self.working_seconds_between(begin, end).seconds
            moved = self.add_work_hours(due.at, lost / 3600) if lost else due
        elif unit == "day":
            lost = (end.astimezone(BEIJING).date() - begin.astimezone(BEIJING).date()).days
            moved = Reckoned(due.at + timedelta(days=lost))
        else:
            moved = Reckoned(due.at + (end - begin))
        return replace(moved, unknown_years=tuple(sorted({*due.unknown_years, *moved.unknown_years})))

    def due_with_pauses(
        self, start: datetime, amount: int, unit: str, day_one: str = "next", pauses: Iterable[Pause] = ()
    ) -> Reckoned:
        """The end of a term during which the clock stood still; pauses may touch or overlap and begin before the start."""
        due = self.add(start, amount, unit, day_one)
        for begin, end in _merged(pauses):
            due = self.shift(due, unit, (max(begin, start), end))
        return due

    def _periods(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        while True:
            if self.is_workday(day):
                for begin, end in self.hours:
                    yield datetime.combine(day, begin, BEIJING), datetime.combine(day, end, BEIJING)
            day += _DAY

    def _unknown(self, first: date, last: date) -> tuple[int, ...]:
        if first.year == last.year:
            return () if first.year in self.known_years else (first.year,)
        return tuple(year for year in range(first.year, last.year + 1) if year not in self.known_years)


def _at_least_one(amount: int) -> None:
    if amount < 1:
        raise ValueError("a term is at least one unit long")


def _merged(pauses: Iterable[Pause]) -> list[Pause]:
    merged: list[Pause] = []
    for begin, end in sorted(pauses):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged
