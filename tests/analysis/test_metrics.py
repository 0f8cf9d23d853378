"""What one case counts as."""

from collections import Counter
from datetime import date, datetime
from typing import Any
from uuid import uuid4

import pytest

from shiyu.analysis import metrics
from shiyu.analysis.heat import gathered
from shiyu.kernel.clock import BEIJING
from shiyu.kernel.db import new_id

TOWN = uuid4()


def a_fact(**more: Any) -> dict[str, Any]:
    """A case accepted at noon of 2 March."""
    return {
        "case_id": new_id(), "state": "handling", "matter": "010203", "county_id": None, "town_id": TOWN, "community_id": None,
        "grid_id": None, "accepted_at": datetime(2026, 3, 2, 12, tzinfo=BEIJING), "ended_at": None, "late": False,
        "solved": None, "satisfied": None, "part": False, "exercise_id": None, **more,
    }  # fmt: skip


def content(_at: datetime) -> float:
    """Three and more are satisfied."""
    return 3


def test_an_open_case_counts_once_for_the_city_and_once_for_each_of_its_areas():
    found = dict(metrics.marks(a_fact(), content))

    day = date(2026, 3, 2)
    assert found == {
        ("city", day, metrics.CITY, "01"): {"accepted": 1},
        ("town", day, TOWN, "01"): {"accepted": 1},
    }


def test_a_case_counts_on_the_beijing_day_not_on_the_day_in_london():
    late_evening = datetime(2026, 3, 2, 23, 30, tzinfo=BEIJING)

    days = {key[1] for key, _ in metrics.marks(a_fact(accepted_at=late_evening), content)}

    assert days == {date(2026, 3, 2)}


@pytest.mark.parametrize(
    ("state", "closed"), [("closed", 1), ("declined", 1), ("transferred", 1), ("merged", 0), ("withdrawn", 0)]
)
def test_only_what_was_dealt_with_counts_as_closed(state: str, closed: int):
    ended = a_fact(state=state, ended_at=datetime(2026, 3, 3, 12, tzinfo=BEIJING))

    sums = [sums["closed"] for _, sums in metrics.counts(ended, content)]

    assert sum(sums) == closed


@pytest.mark.parametrize(("mark", "rated", "satisfied"), [(None, 0, 0), (2, 1, 0), (3, 1, 1), (5, 1, 1)])
def test_who_counts_as_satisfied_is_a_matter_of_the_book(mark: int | None, rated: int, satisfied: int):
    ended = a_fact(state="closed", satisfied=mark, ended_at=datetime(2026, 3, 3, 12, tzinfo=BEIJING))

    _, sums = list(metrics.counts(ended, content))[1]

    assert (sums["rated"], sums["satisfied"]) == (rated, satisfied)


@pytest.mark.parametrize("apart", [{"part": True}, {"exercise_id": uuid4()}])
def test_pieces_of_a_split_case_and_drills_do_not_count(apart: dict[str, Any]):
    assert list(metrics.marks(a_fact(**apart), content)) == []


def test_a_case_whose_matter_is_corrected_leaves_its_old_class():
    change = metrics.difference([a_fact()], [a_fact(matter="020101")], content)

    city = {key[3]: sums["accepted"] for key, sums in change.items() if key[0] == "city"}
    assert city == {"01": -1, "02": 1}


def test_a_case_that_did_not_change_changes_no_figure():
    assert metrics.difference([a_fact()], [a_fact(state="reviewing")], content) == {}


def test_cells_that_are_too_small_are_gathered_or_left_out():
    cells = Counter({(0, 0): 5, (1, 1): 2, (2, 2): 1, (100, 100): 2, (1008, 0): 1, (1015, 0): 2})

    points, hidden = gathered(cells)

    assert sorted(n for _, _, n in points) == [3, 3, 5]
    assert hidden == 2
