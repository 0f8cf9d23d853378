"""Reckoning in working days and hours: the named days of the notice of 2026, and what must hold for all days."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiyu.kernel.clock import BEIJING, parse
from shiyu.law.calendar import Calendar, Reckoned
from tests.law import shelf

YEAR = shelf.calendar()
ONE_PERIOD = Calendar(YEAR.days, ((time(9), time(17)),), YEAR.known_years)


def between(first, last):
    """Moments between two days, Beijing time."""
    seconds = st.integers(0, int((parse(last) - parse(first)).total_seconds()))
    return seconds.map(lambda n: (parse(first) + timedelta(seconds=n)).astimezone(BEIJING))


moments = between("2024-01-01", "2027-06-30")
known = between("2020-01-01", "2026-11-01")
days = st.integers(1, 30)
calendars = st.sampled_from([YEAR, ONE_PERIOD])


def at(text):
    return Reckoned(parse(text))


def test_a_day_counts_from_the_next_working_day():
    assert YEAR.add_workdays(parse("2026-03-02 08:00"), 1) == at("2026-03-03 17:00")
    assert YEAR.add_workdays(parse("2026-03-02 23:59"), 1) == at("2026-03-03 17:00")


def test_the_eve_of_a_make_up_saturday_is_followed_by_a_working_day():
    friday = parse("2026-02-13 10:00")

    assert YEAR.is_workday(date(2026, 2, 14))
    assert YEAR.add_workdays(friday, 1) == at("2026-02-14 17:00")


def test_spring_festival_does_not_count_and_the_make_up_day_after_it_does():
    eve = parse("2026-02-14 16:00")

    assert YEAR.add_workdays(eve, 1) == at("2026-02-24 17:00")
    assert YEAR.add_workdays(eve, 5) == at("2026-02-28 17:00")


def test_over_the_end_of_the_year_the_first_working_day_may_be_a_sunday():
    assert YEAR.add_workdays(parse("2025-12-31 15:00"), 1) == at("2026-01-04 17:00")


def test_a_deadline_never_falls_on_a_holiday():
    before_dragon_boat = parse("2026-06-18 09:00")

    assert YEAR.add_workdays(before_dragon_boat, 1) == at("2026-06-22 17:00")


def test_a_holiday_between_midautumn_and_national_day_leaves_three_working_days():
    assert YEAR.workdays_between(parse("2026-09-24 12:00"), parse("2026-10-08 09:00")) == 4
    assert not YEAR.is_workday(date(2026, 9, 25))
    assert YEAR.is_workday(date(2026, 9, 20))


def test_day_one_may_be_the_same_day_while_the_office_is_open():
    assert YEAR.add_workdays(parse("2026-03-02 09:00"), 1, "same") == at("2026-03-02 17:00")
    assert YEAR.add_workdays(parse("2026-03-02 17:00"), 1, "same") == at("2026-03-03 17:00")
    assert YEAR.add_workdays(parse("2026-02-28 09:00"), 2, "same") == at("2026-03-02 17:00")


def test_working_hours_pass_over_noon_night_and_weekend():
    assert YEAR.add_work_hours(parse("2026-03-02 10:30"), 4) == at("2026-03-02 16:00")
    assert YEAR.add_work_hours(parse("2026-03-02 12:10"), 4) == at("2026-03-02 17:00")
    assert YEAR.add_work_hours(parse("2026-03-06 16:00"), 2) == at("2026-03-09 09:30")
    assert YEAR.add_work_hours(parse("2026-03-07 03:00"), 1) == at("2026-03-09 09:30")


def test_a_half_day_office_works_only_in_its_period():
    mornings = Calendar(YEAR.days, ((time(8, 30), time(11, 30)),), YEAR.known_years)

    assert mornings.add_work_hours(parse("2026-03-02 10:30"), 2) == at("2026-03-03 09:30")
    assert mornings.add_workdays(parse("2026-03-02 10:30"), 1) == at("2026-03-03 11:30")


def test_plain_time_looks_at_no_calendar():
    eve = parse("2026-02-14 16:00")

    assert YEAR.add_natural(eve, 24, "hour") == at("2026-02-15 16:00")
    assert YEAR.add_natural(eve, 30, "minute") == at("2026-02-14 16:30")
    assert YEAR.add_natural(eve, 2, "day", "next") == at("2026-02-16 23:59:59")
    assert YEAR.add_natural(eve, 2, "day", "same") == at("2026-02-15 23:59:59")


def test_moments_of_other_zones_are_reckoned_in_beijing():
    evening_in_utc = datetime.fromisoformat("2026-03-02T23:00:00+00:00")  # 7 o'clock on the third in Beijing

    assert YEAR.add_workdays(evening_in_utc, 1) == at("2026-03-04 17:00")


def test_a_year_without_a_notice_is_reckoned_monday_to_friday_and_said():
    reckoned = YEAR.add_workdays(parse("2026-12-30 09:00"), 3)

    assert reckoned == Reckoned(parse("2027-01-04 17:00"), (2027,))
    assert reckoned.uncertain
    assert not YEAR.add_workdays(parse("2026-12-28 09:00"), 3).uncertain
    assert YEAR.add_work_hours(parse("2027-05-01 09:00"), 1).unknown_years == (2027,)
    assert YEAR.working_seconds_between(parse("2026-12-31 16:00"), parse("2027-01-04 09:00")).unknown_years == (2027,)
    assert not YEAR.add_natural(parse("2027-05-01 09:00"), 3, "day").uncertain


def test_a_pause_gives_back_the_working_days_it_took():
    start = parse("2026-03-02 09:00")
    pause = (parse("2026-03-04 15:00"), parse("2026-03-11 10:00"))

    assert YEAR.due_with_pauses(start, 5, "work_day") == at("2026-03-09 17:00")
    assert YEAR.due_with_pauses(start, 5, "work_day", pauses=[pause]) == at("2026-03-16 17:00")


def test_a_pause_over_a_holiday_gives_back_only_its_working_days():
    start = parse("2026-02-12 09:00")
    pause = (parse("2026-02-13 09:00"), parse("2026-02-25 09:00"))

    assert YEAR.due_with_pauses(start, 3, "work_day", pauses=[pause]) == at("2026-02-27 17:00")


def test_a_pause_of_hours_gives_back_the_hours():
    start = parse("2026-03-02 09:00")

    assert YEAR.due_with_pauses(
        start, 4, "work_hour", "same", [(parse("2026-03-02 10:00"), parse("2026-03-02 14:00"))]
    ) == (at("2026-03-02 17:00"))
    assert YEAR.due_with_pauses(
        start, 24, "hour", "same", [(parse("2026-03-02 10:00"), parse("2026-03-02 14:00"))]
    ) == (at("2026-03-03 13:00"))


def test_pauses_that_overlap_are_not_counted_twice_and_a_late_one_saves_nothing():
    start, first = parse("2026-03-02 09:00"), (parse("2026-03-03 09:00"), parse("2026-03-05 09:00"))
    second, late = (
        (parse("2026-03-04 09:00"), parse("2026-03-05 12:00")),
        (parse("2026-06-01 09:00"), parse("2026-06-09 09:00")),
    )

    paused = YEAR.due_with_pauses(start, 5, "work_day", pauses=[second, first, late])

    assert paused == YEAR.due_with_pauses(start, 5, "work_day", pauses=[first])
    assert paused == at("2026-03-11 17:00")


@pytest.mark.parametrize(
    "hours",
    [
        (),
        ((time(9), time(9)),),
        ((time(13), time(17)), (time(8), time(12))),
        ((time(8), time(12)), (time(11), time(17))),
    ],
)
def test_working_hours_out_of_order_are_refused(hours):
    with pytest.raises(ValueError, match="period"):
        Calendar({}, hours, frozenset())


def test_a_term_is_longer_than_nothing_and_its_unit_is_known():
    with pytest.raises(ValueError, match="at least one"):
        YEAR.add_workdays(parse("2026-03-02 09:00"), 0)
    with pytest.raises(ValueError, match="longer than nothing"):
        YEAR.add_work_hours(parse("2026-03-02 09:00"), 0)
    with pytest.raises(ValueError, match="unit"):
        YEAR.add(parse("2026-03-02 09:00"), 1, "fortnight")


@given(calendars, moments, days, st.sampled_from(["next", "same"]))
def test_a_term_of_days_ends_at_closing_on_a_working_day_after_the_start(calendar, start, amount, day_one):
    due = calendar.add_workdays(start, amount, day_one).at

    assert calendar.is_workday(due.date())
    assert due.time() == calendar.closes
    assert due > start


@given(calendars, moments, days)
def test_exactly_the_days_of_the_term_lie_between(calendar, start, amount):
    assert calendar.workdays_between(start, calendar.add_workdays(start, amount).at) == amount


@given(calendars, moments, days, days)
def test_terms_of_days_add_up(calendar, start, first, second):
    at_once = calendar.add_workdays(start, first + second).at

    assert calendar.add_workdays(calendar.add_workdays(start, first).at, second).at == at_once


@given(calendars, moments, moments, days)
def test_who_starts_later_is_due_no_earlier(calendar, one, other, amount):
    early, late = sorted((one, other))

    assert calendar.add_workdays(early, amount).at <= calendar.add_workdays(late, amount).at
    assert calendar.add_work_hours(early, amount).at <= calendar.add_work_hours(late, amount).at


@given(calendars, moments, st.integers(1, 60 * 60))
def test_the_hours_of_a_term_are_worked_until_it_ends(calendar, start, minutes):
    due = calendar.add_work_hours(start, minutes / 60).at

    assert calendar.working_seconds_between(start, due).seconds == pytest.approx(minutes * 60, abs=0.01)
    assert calendar.is_workday(due.date())


@given(calendars, st.lists(moments, min_size=3, max_size=3))
def test_worked_time_adds_up(calendar, three):
    a, b, c = sorted(three)
    parts = [calendar.working_seconds_between(*span).seconds for span in ((a, b), (b, c), (a, c))]

    assert parts[0] + parts[1] == pytest.approx(parts[2])
    assert 0 <= parts[2] <= (c - a).total_seconds()


@given(calendars, known, days, st.sampled_from(["work_day", "work_hour", "day", "hour", "minute"]), moments, moments)
def test_a_pause_never_makes_anything_due_earlier(calendar, start, amount, unit, one, other):
    pause = (min(one, other), max(one, other))

    plain, paused = calendar.add(start, amount, unit), calendar.due_with_pauses(start, amount, unit, pauses=[pause])

    assert paused.at >= plain.at
    assert paused.at == plain.at or pause[1] > start


@given(calendars, known, st.integers(1, 20))
def test_years_with_a_notice_leave_no_doubt(calendar, start, amount):
    due = calendar.add_workdays(start, amount)

    assert due.uncertain == (due.at.year > 2026)


@given(moments)
def test_in_every_week_without_named_days_five_are_worked(moment):
    week = [moment.date() + timedelta(days=n) for n in range(7)]

    worked = sum(YEAR.is_workday(day) for day in week)

    assert worked == 5 or any(day in YEAR.days for day in week)
