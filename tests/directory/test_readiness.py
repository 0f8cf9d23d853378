from shiyu.directory import readiness
from shiyu.directory.readiness import Readiness
from shiyu.kernel.clock import at, parse
from shiyu.kernel.db import reading, transaction
from tests.directory.folk import small_city


def test_an_order_for_a_county_holds_for_everything_in_it_while_it_lasts(database):
    with transaction() as s:
        areas = small_city(s)
        s.add(
            Readiness(
                area_id=areas["210302"].id, level="emergency", order="演练令1号",
                from_at=parse("2026-01-12 08:00"), to_at=parse("2026-01-12 20:00"),
            )
        )  # fmt: skip
        community = areas["210302003004"]
        path = [areas["210300"].id, areas["210302"].id, None, community.id]

    def level(moment, ids):
        with at(moment), reading() as s:
            return readiness.level_of(s, ids)

    assert level("2026-01-12 07:59", path) == "daily"
    assert level("2026-01-12 08:00", path) == "emergency"
    assert level("2026-01-12 08:00", path[:1]) == "daily"
    assert level("2026-01-12 20:00", path) == "daily"
    assert level("2026-01-12 08:00", []) == "daily"


def test_the_areas_on_emergency_duty_are_listed_newest_first(database):
    with transaction() as s:
        areas = small_city(s)
        for code, level, since in [
            ("210302003", "emergency", "2026-01-12 08:00"),
            ("210302006", "emergency", "2026-01-12 09:00"),
            ("210302", "daily", "2026-01-12 07:00"),
        ]:
            s.add(Readiness(area_id=areas[code].id, level=level, order="令", from_at=parse(since)))

    with at("2026-01-12 10:00"), reading() as s:
        found = [row.area_id for row in readiness.emergencies(s)]

    assert found == [areas["210302006"].id, areas["210302003"].id]
