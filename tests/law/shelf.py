"""The books as the tests read them: straight from the files, without a database."""

from datetime import date
from functools import cache

from shiyu.law.calendar import Calendar
from shiyu.law.classifier import Scorer
from shiyu.law.duties import Charge, Duties, Duty
from shiyu.law.grounds import Ground, Reason
from shiyu.law.holidays import CalendarDay, Calendars, Period, WorkPeriod
from shiyu.law.limits import Limit, Limits, TimeLimit
from shiyu.law.load import BOOKS, SHELF, rows_of
from shiyu.law.matters import Entry, Matter, Matters

TODAY = date(2026, 2, 24)


@cache
def lines(model):
    """The values of every row of a book, with its line."""
    book = next(book for book in SHELF if book.model is model)
    return rows_of(book, BOOKS, "anshan")


def values(model):
    return [{key: tuple(one) if isinstance(one, list) else one for key, one in row.items()} for row, _ in lines(model)]


@cache
def matters():
    return Matters(tuple(Entry(**row) for row in values(Matter)))


@cache
def calendars():
    days = {row["day"]: row["kind"] for row in values(CalendarDay)}
    periods = [{name: row[name] for name in Period.__dataclass_fields__} for row in values(WorkPeriod)]
    return Calendars(days, tuple(Period(**row) for row in periods))


def calendar() -> Calendar:
    return calendars().on(TODAY)


@cache
def limits():
    return Limits(tuple(Limit(**row) for row in values(TimeLimit)), calendars())


@cache
def duties():
    return Duties(tuple(Charge(**row) for row in values(Duty)))


@cache
def grounds():
    return {row["code"]: Reason(**row) for row in values(Ground)}


@cache
def scorer():
    return Scorer(matters().leaves(TODAY))


def code_of(name):
    """The code of the third-level matter of a name."""
    (code,) = [entry.code for entry in matters().leaves(TODAY) if entry.name == name]
    return code
