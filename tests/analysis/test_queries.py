"""What figures say, and to whom."""

from uuid import UUID

import pytest
from sqlalchemy import select, update

from shiyu.analysis import queries
from shiyu.analysis.models import Fact
from shiyu.analysis.policy import scope
from shiyu.cases.models import Case
from shiyu.directory.places import Area
from shiyu.kernel import clock
from shiyu.kernel.auth import Grant, Viewer
from shiyu.kernel.db import new_id, reading, transaction
from shiyu.kernel.errors import Refusal
from tests.analysis.voices import TEXTS, a_morning, report
from tests.kit.people import citizen, deliver, staff

PATHS = (
    "/api/analysis/summary",
    "/api/analysis/areas",
    "/api/analysis/matters",
    "/api/analysis/series",
    "/api/analysis/heat",
)


def code_of(ident: UUID | None) -> str:
    """The code of an area."""
    with reading() as s:
        return s.scalars(select(Area.code).where(Area.id == ident)).one()


@pytest.mark.parametrize("path", [*PATHS, "/api/screen/snapshot"])
@pytest.mark.parametrize("who", ["handle.210302-zhujian", "system", "security", "audit"])
def test_who_handles_cases_or_administers_reads_no_figures_of_the_city(city: str, path: str, who: str):
    staff(who).get(path, 403)


@pytest.mark.parametrize("path", PATHS)
def test_nobody_reads_figures_without_signing_in(city: str, path: str):
    citizen().get(path, 401)


def test_the_summary_tells_today_beside_yesterday_at_the_same_time_of_day(city: str):
    a_morning("2026-03-02", n=4)
    with clock.at("2026-03-02 20:00"):
        for _ in range(3):
            report(staff("agent"), TEXTS[1])
    a_morning("2026-03-03", n=5)
    deliver()

    with clock.at("2026-03-03 17:00"):
        told = staff("supervisor").get("/api/analysis/summary", period="today")

    assert (told["now"]["accepted"], told["before"]["accepted"]) == (6, 5)
    assert (told["now"]["closed"], told["before"]["closed"]) == (1, 1)
    assert told["now"]["hours"] == 8.0
    assert told["now"]["satisfaction_rate"] == 1.0
    assert told["open"] == 12
    assert told["seconds_behind"] == 0.0


def test_a_window_of_seven_days_counts_today_as_one_of_them(city: str):
    a_morning("2026-03-02", n=2)
    a_morning("2026-03-08", n=1)
    deliver()

    with clock.at("2026-03-08 18:00"):
        week = staff("supervisor").get("/api/analysis/summary", period="week")
        month = staff("supervisor").get("/api/analysis/summary", period="month")
    with clock.at("2026-03-09 18:00"):
        after = staff("supervisor").get("/api/analysis/summary", period="week")

    assert (week["now"]["accepted"], month["now"]["accepted"]) == (5, 5)
    assert (after["now"]["accepted"], after["before"]["accepted"]) == (2, 3)


def test_news_that_was_not_heard_yet_makes_the_figures_say_that_they_are_old(city: str):
    with clock.at("2026-03-02 08:00"):
        report(staff("agent"), TEXTS[0])
    with clock.at("2026-03-02 08:05"):
        told = staff("supervisor").get("/api/analysis/summary")

    assert told["seconds_behind"] == 300.0
    assert told["as_of"].startswith("2026-03-02T00:00:00")


def test_who_is_of_a_county_reads_its_figures_and_no_other_county_s(city: str):
    with clock.at("2026-03-02 08:00"):
        for text in TEXTS:
            report(staff("agent"), text)
        deliver()
        local = staff("dispatch.210302")
        told = local.get("/api/analysis/summary")
        areas = local.get("/api/analysis/areas", level="county")
        whole = staff("dispatcher").get("/api/analysis/areas", level="county")
        local.get("/api/analysis/summary", 404, area="210381")
        local.get("/api/analysis/areas", 404, level="town", parent="210381")

    assert [row["code"] for row in areas] == ["210302"]
    assert told["now"]["accepted"] == next(row["n"] for row in whole if row["code"] == "210302") == 1
    assert {"210302", "210303", "210381"} <= {row["code"] for row in whole if row["n"]}


def test_matters_are_sorted_by_how_much_there_is_of_them(city: str):
    with clock.at("2026-03-02 08:00"):
        agent = staff("agent")
        for text in (TEXTS[2], TEXTS[2], TEXTS[2], TEXTS[1]):
            report(agent, text)
        deliver()
        rows = staff("supervisor").get("/api/analysis/matters")

    assert [row["n"] for row in rows] == sorted((row["n"] for row in rows), reverse=True)
    assert rows[0]["n"] >= 3
    assert rows[0]["name"]["zh"]
    assert sum(row["n"] for row in rows) == 4


def test_the_hours_of_today_stand_beside_the_same_weekday_last_week(city: str):
    a_morning("2026-03-02", n=3)
    a_morning("2026-03-09", n=5)
    deliver()

    with clock.at("2026-03-09 17:30"):
        rows = staff("supervisor").get("/api/analysis/series", by="hour")

    assert len(rows) == 24
    assert (rows[8]["n"], rows[8]["before"]) == (6, 4)
    assert rows[17]["n"] == 0
    assert rows[18]["n"] is None


def test_days_stand_beside_the_days_of_the_period_before(city: str):
    a_morning("2026-03-02", n=3)
    a_morning("2026-03-09", n=5)
    deliver()

    with clock.at("2026-03-09 17:30"):
        rows = staff("supervisor").get("/api/analysis/series", by="day", period="week")

    assert len(rows) == 7
    assert (rows[-1]["n"], rows[-1]["before"]) == (6, 4)


def test_drills_are_left_out(city: str):
    with clock.at("2026-03-02 08:00"):
        told = [report(staff("agent"), TEXTS[0]) for _ in range(3)]
        with transaction() as s:
            s.execute(update(Case).where(Case.no == told[0]["no"]).values(exercise_id=new_id()))
        deliver()
        found = staff("supervisor").get("/api/analysis/summary")
        matters = staff("supervisor").get("/api/analysis/matters")

    assert (found["now"]["accepted"], found["open"]) == (2, 2)
    assert sum(row["n"] for row in matters) == 2


def test_the_wall_sees_no_place_with_very_few_cases_but_the_desk_does(city: str):
    with reading() as s:
        grid = s.scalars(select(Area).where(Area.level == "grid", Area.lon.is_not(None)).limit(1)).one()
    with clock.at("2026-03-02 08:00"):
        for text in TEXTS[:3]:
            report(staff("agent"), text)
        for text in TEXTS[:2]:
            report(staff("agent"), text, position={"lon": grid.lon, "lat": grid.lat, "frame": "wgs84"})
        deliver()
        with transaction() as s:
            s.execute(update(Fact).values(lon=122.99, lat=41.11))
            first = s.scalars(select(Fact.case_id).order_by(Fact.case_id).limit(1)).one()
            s.execute(update(Fact).where(Fact.case_id == first).values(lon=122.2, lat=40.3))
        wall = staff("display").get("/api/analysis/heat", level="grid")
        desk = staff("dispatcher").get("/api/analysis/heat", level="grid")

    assert [point[2] for point in wall["points"]] == [4]
    assert wall["hidden"] == 1
    assert wall["counts"] == {}
    assert [point[2] for point in desk["points"]] == [4, 1]
    assert desk["counts"] == {grid.code: 2}


def test_heat_is_narrowed_by_bounds_and_refuses_bounds_that_are_none(city: str):
    with clock.at("2026-03-02 08:00"):
        for text in TEXTS:
            report(staff("agent"), text)
        deliver()
        boss = staff("dispatcher")
        all_of_it = boss.get("/api/analysis/heat")
        nothing = boss.get("/api/analysis/heat", bounds="10,10,11,11")
        boss.get("/api/analysis/heat", 422, bounds="1,2,3")
        boss.get("/api/analysis/heat", 422, bounds="11,10,10,11")

    assert sum(point[2] for point in all_of_it["points"]) > 0
    assert nothing["points"] == []


def test_an_area_inside_another_that_a_viewer_holds_is_not_counted_twice(city: str):
    with reading() as s:
        town = s.scalars(select(Area).where(Area.level == "town").limit(1)).one()
        grants = (Grant("agent", None, town.id, "town"), Grant("dispatcher", None, town.county_id, "county"))

        held = scope(s, Viewer(new_id(), grants=grants))

    assert held.areas == (("county", town.county_id),)


def test_a_measure_or_level_that_does_not_exist_is_refused(city: str):
    boss = Viewer(new_id(), grants=(Grant("supervisor"),))
    with reading() as s:
        with pytest.raises(Refusal) as level:
            queries.by_area(s, boss, "street")
        with pytest.raises(Refusal) as measure:
            queries.by_matter(s, boss, measure="charm")

    assert (level.value.code, measure.value.code) == ("analysis.no_level", "analysis.no_measure")
