"""Watching running work: missed promises are told once, lights are counted as a plain count would, the wall names nobody."""

import json
from collections import Counter

import pytest
from sqlalchemy import func, select, update

from shiyu.analysis.models import Fact
from shiyu.cases.models import Case, Clock
from shiyu.kernel import clock
from shiyu.kernel.db import new_id, reading, transaction
from shiyu.kernel.events import Event
from shiyu.oversight import actions
from shiyu.oversight.lights import light
from shiyu.oversight.models import OverdueNotice
from tests.analysis.voices import TEXTS, a_morning, report
from tests.kit.people import deliver, staff


def noticed() -> list[Event]:
    """The events that oversight told."""
    with reading() as s:
        return list(s.scalars(select(Event).where(Event.kind == "overdue.noticed").order_by(Event.seq)))


def sweep(moment: str) -> int:
    """One look at a moment."""
    with clock.at(moment), transaction() as s:
        return actions.sweep(s)


def test_a_missed_promise_is_told_once(city: str):
    with clock.at("2026-03-02 09:00"):
        report(staff("agent"), TEXTS[0])

    looks = [sweep("2026-03-02 09:01"), sweep("2026-03-20 09:00"), sweep("2026-03-20 09:01"), sweep("2026-03-21 09:00")]

    with reading() as s:
        missed = s.scalar(select(func.count()).select_from(Clock).where(Clock.stopped_at.is_(None))) or 0
        rows = s.scalar(select(func.count()).select_from(OverdueNotice))
    assert missed > 0
    assert looks == [0, missed, 0, 0]
    assert rows == missed == len(noticed())
    assert len({event.subject_id for event in noticed()}) == missed


def test_a_promise_that_was_kept_or_stands_still_is_not_told(city: str):
    with clock.at("2026-03-02 09:00"):
        report(staff("agent"), TEXTS[0])
        report(staff("agent"), TEXTS[1])
    with transaction() as s:
        first, second = s.scalars(select(Case.id).order_by(Case.no)).all()
        s.execute(update(Clock).where(Clock.case_id == first).values(paused_at=clock.now()))
        s.execute(update(Clock).where(Clock.case_id == second).values(stopped_at=clock.now()))

    assert sweep("2026-03-20 09:00") == 0


def test_a_missed_promise_of_a_drill_stays_inside_the_drill(city: str):
    with clock.at("2026-03-02 09:00"):
        report(staff("agent"), TEXTS[0])
    drill = new_id()
    with transaction() as s:
        s.execute(update(Case).values(exercise_id=drill))

    sweep("2026-03-20 09:00")

    assert {event.exercise_id for event in noticed()} == {drill}


@pytest.mark.parametrize("moment", ["2026-03-02 08:30", "2026-03-03 09:00", "2026-03-30 09:00"])
def test_lights_equal_a_plain_count(city: str, moment: str):
    a_morning(n=10)
    deliver()

    with clock.at(moment):
        board = staff("display").get("/api/oversight/lights")
        with reading() as s:
            facts = s.scalars(select(Fact).where(Fact.ended_at.is_(None))).all()
        plain = Counter(light(fact.due_at, fact.amber_at, clock.now()) for fact in facts)

    assert {colour: board["total"][colour] for colour in ("green", "amber", "red")} == {
        colour: plain[colour] for colour in ("green", "amber", "red")
    }
    assert sum(row["open"] for row in board["counties"]) <= board["total"]["open"] == 10
    assert sum(row["open"] for row in board["offices"]) <= 10


def test_a_handler_sees_the_lights_of_the_own_office_alone(city: str):
    with clock.at("2026-03-02 08:00"):
        for text in (TEXTS[0], TEXTS[0], TEXTS[2]):
            report(staff("agent"), text)
        deliver()
        board = staff("handle.210302-zhujian").get("/api/oversight/lights")
        staff("handle.210302-zhujian").get("/api/oversight/lights", 403, area="210302")
        staff("security").get("/api/oversight/lights", 403)

    assert [row["code"] for row in board["offices"]] == ["210302-zhujian"]
    assert board["total"]["open"] == 2
    assert board["counties"] == []


def test_overdue_cases_are_listed_longest_first_and_only_those_that_one_may_see(city: str):
    with clock.at("2026-03-02 08:00"):
        early = report(staff("agent"), TEXTS[0])
    with clock.at("2026-03-03 08:00"):
        late = report(staff("agent"), TEXTS[2])
        deliver()
    with clock.at("2026-03-30 08:00"):
        boss = staff("supervisor").get("/api/oversight/overdue")["rows"]
        local = staff("dispatch.210381").get("/api/oversight/overdue")["rows"]
        narrowed = staff("supervisor").get("/api/oversight/overdue", area="210302")["rows"]
        wall = staff("display").get("/api/oversight/overdue")["rows"]

    assert [row["no"] for row in boss] == [early["no"], late["no"]]
    assert [row["no"] for row in local] == [late["no"]]
    assert [row["no"] for row in narrowed] == [early["no"]]
    assert wall == []


def test_the_wall_s_snapshot_names_no_case_and_no_person(city: str):
    told = a_morning("2026-01-06", n=6)
    deliver()

    with clock.at("2026-01-06 17:00"):
        snapshot = staff("display").get("/api/screen/snapshot")
        duty = staff("dispatcher").get("/api/duty")

    said = json.dumps(snapshot, ensure_ascii=False)
    assert snapshot["today"]["now"]["accepted"] == 7
    assert len(snapshot["feed"]) == 9
    assert snapshot["feed"][0]["label"]["zh"] == "办结"
    names = {line["leader"]["name"] for line in duty} | {line["officer"]["name"] for line in duty if line["officer"]}
    numbers = {line["leader"]["work_telephone"] for line in duty} - {None}
    for secret in [*(case["no"] for case in told), "王秀英", "13804120001", "演示坐席", *names, *numbers]:
        assert secret not in said
    assert {line["role"] for line in snapshot["duty"]} == {"leader", "officer"}


def test_the_wall_of_a_county_shows_that_county(city: str):
    with clock.at("2026-03-02 08:00"):
        for text in TEXTS:
            report(staff("agent"), text)
        deliver()
        snapshot = staff("display").get("/api/screen/snapshot", area="210381")
        staff("display").get("/api/screen/snapshot", 404, area="999999")

    assert snapshot["area"]["code"] == "210381"
    assert snapshot["today"]["now"]["accepted"] == 1
    assert {line["county"] for line in snapshot["feed"]} == {"210381"}
    assert {row["code"][:6] for row in snapshot["towns"]} == {"210381"}
