"""Rounds: check-ins by position count once and only where they should be; a week's coverage says what was missed."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from shiyu.directory.gazetteer import gazetteer
from shiyu.field.models import CheckIn
from shiyu.field.patrols import metres_off
from shiyu.kernel import clock, db
from tests.kit.people import Person, staff

GRID = "2103020030041001"
HOLDER, OTHER = f"grid.{GRID}", "grid.2103020060061001"
FAR = {"lon": 116.4, "lat": 39.9}


@pytest.fixture(autouse=True)
def monday(city: str):
    """A Monday in Beijing."""
    with clock.at("2026-03-02 08:00"):
        yield


@pytest.fixture
def desk(city: str) -> Person:
    """Who keeps the posts of the city."""
    return staff("dispatcher")


@pytest.fixture
def here(city: str) -> dict[str, float]:
    """A point inside the grid."""
    with db.reading() as s:
        lineage = gazetteer(s).by_code(GRID)
        assert lineage is not None
        point = gazetteer(s).boundary(lineage.area_id).representative_point()
    return {"lon": point.x, "lat": point.y}


def a_plan(desk: Person, status: int = 201, **more: Any) -> dict[str, Any]:
    """The whole grid, on three days a week."""
    body = {"area": GRID, "name": "夜间巡查", "days_a_week": 3, "reach": 50, "valid_from": "2026-03-02"}
    return desk.post("/api/patrols", {**body, **more}, status=status)


def stops(here: dict[str, float]) -> list[dict[str, Any]]:
    """Two points of the grid."""
    return [{"name": name, "position": {**here, "frame": "wgs84"}} for name in ("泵房", "配电室")]


def check_in(worker: Person, plan: dict[str, Any], at: str, position: dict[str, float], **more: Any) -> dict[str, Any]:
    """What the phone sends."""
    where = {"frame": "wgs84", **position}
    item = {"client_id": str(uuid4()), "type": "check_in", "at": at, "plan": plan["id"], "position": where, **more}
    return worker.post("/api/field/sync", {"items": [item]})["items"][0]


def on(day: int, hour: int = 8) -> str:
    return f"2026-03-{day:02d}T{hour:02d}:00:00+08:00"


def covered(desk: Person, **query: Any) -> list[tuple[int, int, int]]:
    rows = desk.get("/api/patrols/coverage", **query)["rows"]
    return [(row["planned"], row["done"], row["missed"]) for row in rows]


def test_a_week_of_a_whole_grid_is_covered_day_by_day(desk: Person, here: dict[str, float]) -> None:
    plan = a_plan(desk)
    worker = staff(HOLDER)

    assert covered(desk) == [(3, 0, 0)]
    assert check_in(worker, plan, on(2), here)["state"] == "counted"
    check_in(worker, plan, on(2), here)  # twice a day is once

    assert covered(desk) == [(3, 1, 0)]
    with clock.at("2026-03-08 09:00"):
        desk = staff("dispatcher")
        assert covered(desk) == [(3, 1, 1)]  # one day is left for two
        assert covered(desk, missed=True) == [(3, 1, 1)]
    with clock.at("2026-03-09 09:00"):
        desk = staff("dispatcher")
        assert covered(desk, week="2026-03-05") == [(3, 1, 2)]
        assert covered(desk) == [(3, 0, 0)]
        assert covered(desk, missed=True) == []


def test_every_point_of_a_round_counts_for_itself(desk: Person, here: dict[str, float]) -> None:
    plan = a_plan(desk, points=stops(here), days_a_week=2)
    worker = staff(HOLDER)

    check_in(worker, plan, on(2), here, point=0)

    assert covered(desk) == [(4, 1, 0)]
    found = worker.get("/api/field/patrols")[0]
    assert [(stop["name"], stop["days"], stop["today"]) for stop in found["stops"]] == [
        ("泵房", 1, True),
        ("配电室", 0, False),
    ]
    assert check_in(worker, plan, on(2), here)["code"] == "patrol.no_point"
    assert check_in(worker, plan, on(2), here, point=2)["code"] == "patrol.no_point"
    with clock.at("2026-03-09 09:00"):
        assert covered(staff("dispatcher"), week="2026-03-02") == [(4, 1, 3)]


def test_who_is_outside_is_told_and_it_does_not_count(desk: Person) -> None:
    plan = a_plan(desk)
    worker = staff(HOLDER)

    told = check_in(worker, plan, on(2), FAR)

    assert (told["ok"], told["state"]) == (True, "outside")
    last = worker.get("/api/field/patrols")[0]["last"]
    assert not last["counted"]
    assert last["off"] > 100_000
    assert covered(desk) == [(3, 0, 0)]


def test_the_phones_doubt_helps_as_far_as_the_plan_reaches(desk: Person, here: dict[str, float]) -> None:
    plan = a_plan(desk, points=stops(here)[:1], reach=50)
    worker = staff(HOLDER)
    away = {**here, "lat": here["lat"] + 80 / 111_320}

    assert check_in(worker, plan, on(2), {**away, "accuracy": 10}, point=0)["state"] == "outside"
    assert check_in(worker, plan, on(2), {**away, "accuracy": 40}, point=0)["state"] == "counted"
    far = {**here, "lat": here["lat"] + 150 / 111_320, "accuracy": 5000}
    assert check_in(worker, plan, on(2), far, point=0)["state"] == "outside"
    with db.reading() as s:
        assert [row.accuracy for row in s.scalars(select(CheckIn).order_by(CheckIn.id))] == [10, 40, 5000]


def test_a_check_in_made_without_a_net_counts_for_its_own_day_and_once(desk: Person, here: dict[str, float]) -> None:
    plan = a_plan(desk)
    item = {"client_id": str(uuid4()), "type": "check_in", "at": on(3, 23), "plan": plan["id"]}
    item["position"] = {**here, "frame": "wgs84"}

    with clock.at("2026-03-05 08:00"):
        worker = staff(HOLDER)
        with ThreadPoolExecutor(4) as pool:
            told = [
                sent["items"][0]
                for sent in pool.map(lambda _: worker.post("/api/field/sync", {"items": [item]}), range(4))
            ]
    assert {(one["ok"], one["state"]) for one in told} == {(True, "counted")}
    assert sum(not one["known"] for one in told) == 1
    with db.reading() as s:
        assert s.scalar(select(func.count()).select_from(CheckIn)) == 1
        assert s.scalars(select(CheckIn.day)).one().isoformat() == "2026-03-03"


def test_a_phone_whose_clock_runs_ahead_checks_in_today(desk: Person, here: dict[str, float]) -> None:
    plan = a_plan(desk)

    check_in(staff(HOLDER), plan, on(20), here)

    with db.reading() as s:
        assert s.scalars(select(CheckIn.day)).one().isoformat() == "2026-03-02"


def test_a_plan_is_walked_by_its_own_grid_alone(desk: Person, here: dict[str, float]) -> None:
    plan = a_plan(desk)

    assert staff(OTHER).get("/api/field/patrols") == []
    assert check_in(staff(OTHER), plan, on(2), here)["code"] == "patrol.not_found"
    assert check_in(staff("agent"), plan, on(2), here)["code"] == "field.workers_only"
    staff("agent").get("/api/field/patrols", status=403)
    assert covered(staff("agent")) == []
    a_plan(staff(HOLDER), status=403)


def test_a_plan_of_one_post_is_that_holders_and_his_stand_ins(desk: Person) -> None:
    name = staff(HOLDER).me["name"]
    body = {"kind": "designated", "area": GRID, "valid_from": "2026-03-02"}
    other = desk.post("/api/posts", {**body, "person": {"name": "王安"}})
    plan = a_plan(desk, post=other["id"])

    assert staff(HOLDER).get("/api/field/patrols") == []
    desk.post(
        f"/api/posts/{other['id']}/stand-in",
        {"person": {"name": name, "username": HOLDER}, "valid_from": "2026-03-02", "valid_to": "2026-03-05"},
    )

    assert [row["id"] for row in staff(HOLDER).get("/api/field/patrols")] == [plan["id"]]


def test_what_is_wrong_with_a_plan_is_named_by_its_field(desk: Person, here: dict[str, float]) -> None:
    far = {"name": "天安门", "position": {**FAR, "frame": "wgs84"}}

    wrong = [
        ({"area": GRID[:12]}, "area"),
        ({"days_a_week": 8}, "days_a_week"),
        ({"reach": 0}, "reach"),
        ({"valid_to": "2026-03-01"}, "valid_to"),
        ({"points": [*stops(here), far]}, "points.2"),
    ]
    for change, field in wrong:
        assert a_plan(desk, status=422, **change)["errors"][0]["field"] == field


def test_a_plan_that_ended_asks_for_no_more_days_than_it_had(desk: Person, here: dict[str, float]) -> None:
    plan = a_plan(desk, days_a_week=5)

    desk.post(f"/api/patrols/{plan['id']}/end", {"on": "2026-03-04"})

    assert covered(desk) == [(2, 0, 0)]
    with clock.at("2026-03-04 08:00"):
        assert staff(HOLDER).get("/api/field/patrols") == []
        assert check_in(staff(HOLDER), plan, on(4), here)["code"] == "patrol.not_then"
        assert covered(staff("dispatcher")) == [(2, 0, 2)]
        staff("dispatcher").post(f"/api/patrols/{plan['id']}/end", {"on": "2026-03-05"}, status=409)


def test_coverage_is_read_by_the_page(desk: Person) -> None:
    for number in range(5):
        a_plan(desk, name=f"计划{number}")

    seen: list[str] = []
    after = None
    while True:
        page = desk.get("/api/patrols/coverage", limit=2, **({"after": after} if after else {}))
        seen += [row["name"] for row in page["rows"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [f"计划{number}" for number in range(5)]
    desk.get("/api/patrols/coverage", after="nonsense", status=422)


def test_metres_are_metres(here: dict[str, float]) -> None:
    from shapely import Point

    north, east = Point(122.99, 41.11 + 100 / 111_320), Point(122.99 + 100 / 83_870, 41.11)

    assert metres_off(north, 122.99, 41.11) == pytest.approx(100, abs=0.5)
    assert metres_off(east, 122.99, 41.11) == pytest.approx(100, abs=0.5)


def test_a_phone_that_lost_its_clock_is_refused_and_not_asked_to_try_for_ever(
    desk: Person, here: dict[str, float]
) -> None:
    plan = a_plan(desk)

    for at in ("0001-01-01T00:00:00+14:00", "1970-01-01T08:00:00+08:00"):
        assert check_in(staff(HOLDER), plan, at, here)["code"] == "patrol.not_then"
    desk.get("/api/patrols/coverage", week="9999-12-31", status=422)
    a_plan(desk, status=422, valid_from="0001-01-01")
