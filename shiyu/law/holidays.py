"""节假日与工作时间 — the rows from which calendars are made: named days of each year, and the working periods of a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, Time, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from shiyu.kernel.db import Base, new_id
from shiyu.kernel.errors import Refusal
from shiyu.law import edition
from shiyu.law.calendar import Calendar, Hours


class CalendarDay(Base):
    """日历日 — a day that a notice names: ``holiday`` (放假) or ``makeup`` (调休上班). Basis: the yearly notice of the State Council."""

    __tablename__ = "calendar_day"
    __table_args__ = (CheckConstraint("kind in ('holiday', 'makeup')", name="kind"),)

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    basis: Mapped[str]


class WorkPeriod(Base):
    """工作时间 — one period of a working day, Beijing time, in force from ``valid_from`` until the day before ``valid_to``."""

    __tablename__ = "work_period"
    __table_args__ = (
        UniqueConstraint("begins", "valid_from"),
        CheckConstraint("ends > begins", name="order"),
        CheckConstraint("valid_to is null or valid_to > valid_from", name="validity"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    begins: Mapped[time] = mapped_column(Time)
    ends: Mapped[time] = mapped_column(Time)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    basis: Mapped[str]


@dataclass(frozen=True, slots=True)
class Period:
    """工作时段 — a ``WorkPeriod`` in memory."""

    begins: time
    ends: time
    valid_from: date
    valid_to: date | None


class Calendars:
    """工作日历 — the calendar by the working hours of any day. Immutable; calendars of equal hours are one."""

    def __init__(self, days: Mapping[date, str], periods: tuple[Period, ...]) -> None:
        self.days = dict(days)
        self.periods = periods
        self.known_years = frozenset(day.year for day in days)
        self._by_hours: dict[Hours, Calendar] = {}
        self._by_day: dict[date, Calendar] = {}

    def on(self, day: date) -> Calendar:
        """The calendar for what starts on a day. Refusal 409 ``law.no_hours`` where no working hours are in force."""
        found = self._by_day.get(day)
        if found is None:
            ruling = [period for period in self.periods if edition.in_force(period.valid_from, period.valid_to, day)]
            if not ruling:
                raise Refusal("law.no_hours", 409, day=str(day))
            hours = tuple(sorted((period.begins, period.ends) for period in ruling))
            found = self._by_hours.setdefault(hours, Calendar(self.days, hours, self.known_years))
            self._by_day[day] = found
        return found


def read(s: Session) -> Calendars:
    """Days and hours from the tables."""
    days = dict(s.execute(select(CalendarDay.day, CalendarDay.kind)).all())
    return Calendars(days, edition.copies(s, WorkPeriod, Period))


def days_of(s: Session, year: int) -> list[CalendarDay]:
    """The named days of a year in order; empty where no notice is known."""
    between = CalendarDay.day.between(date(year, 1, 1), date(year, 12, 31))
    return list(s.scalars(select(CalendarDay).where(between).order_by(CalendarDay.day)))
