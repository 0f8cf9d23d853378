"""The light of a promise, and how much of its working time is spent."""

from datetime import datetime, time

import pytest

from shiyu.kernel.clock import BEIJING
from shiyu.law.calendar import Calendar
from shiyu.oversight.lights import elapsed, light


def at(text: str) -> datetime:
    """A moment in Beijing."""
    return datetime.fromisoformat(f"2026-03-{text}").replace(tzinfo=BEIJING)


WORK = Calendar({}, ((time(8, 30), time(11, 30)), (time(13, 0), time(17, 0))), frozenset({2026}))


@pytest.mark.parametrize(
    ("now", "seen"),
    [("02 09:00", "green"), ("02 15:00", "green"), ("02 15:01", "amber"), ("02 17:00", "amber"), ("02 17:01", "red")],
)
def test_a_promise_is_green_then_amber_then_red(now: str, seen: str):
    assert light(at("02 17:00"), at("02 15:00"), at(now)) == seen


def test_what_was_promised_nothing_has_no_light():
    assert light(None, None, at("02 09:00")) is None


def test_a_promise_without_a_warning_time_goes_from_green_to_red():
    assert [light(at("02 17:00"), None, at(now)) for now in ("02 16:59", "02 17:01")] == ["green", "red"]


@pytest.mark.parametrize(
    ("now", "share"),
    [("02 08:30", 0.0), ("02 12:00", 3 / 14), ("02 20:00", 0.5), ("03 17:00", 1.0), ("04 11:30", 17 / 14)],
)
def test_the_night_and_the_lunch_spend_nothing(now: str, share: float):
    assert elapsed(at("02 08:30"), at("03 17:00"), at(now), WORK) == pytest.approx(share)


def test_a_promise_of_one_night_is_measured_in_plain_time():
    assert elapsed(at("02 20:00"), at("02 22:00"), at("02 21:00"), WORK) == pytest.approx(0.5)
