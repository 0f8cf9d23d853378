"""Facts and kept figures: equal to a plain count, the same after a second telling, the same after a rebuild."""

from collections import Counter
from typing import Any

from sqlalchemy import select

from shiyu.analysis import actions, metrics
from shiyu.analysis.models import LISTENER, Fact, Tally
from shiyu.cases.models import Case
from shiyu.directory.places import Area
from shiyu.kernel import clock, events
from shiyu.kernel.db import reading, transaction
from tests.analysis.voices import TEXTS, a_morning, report
from tests.kit.people import deliver, staff


def tallies() -> dict[Any, tuple[int, ...]]:
    """Every kept figure."""
    with reading() as s:
        rows = s.execute(select(*Tally.__table__.columns)).all()
    return {tuple(row)[:4]: tuple(row)[4:] for row in rows}


def facts() -> dict[Any, Any]:
    """Every fact."""
    with reading() as s:
        return {row.case_id: tuple(row) for row in s.execute(select(*Fact.__table__.columns))}


def test_kept_figures_equal_a_plain_count(city: str):
    a_morning(n=15)
    deliver()

    with reading() as s:
        cases = s.scalars(select(Case)).all()
    counted = Counter((clock.beijing(case.accepted_at).date(), (case.matter or "00")[:2]) for case in cases)
    closed = Counter(
        (clock.beijing(case.closed_at).date(), (case.matter or "00")[:2]) for case in cases if case.closed_at
    )
    kept = {key: row for key, row in tallies().items() if key[0] == "city"}
    assert len(cases) == 16
    assert {key[1::2]: row[0] for key, row in kept.items() if row[0]} == dict(counted)
    assert {key[1::2]: row[1] for key, row in kept.items() if row[1]} == dict(closed)


def test_figures_of_counties_add_up_to_those_of_the_city(city: str):
    a_morning(n=10)
    deliver()

    kept = tallies()
    of = {level: sum(row[0] for key, row in kept.items() if key[0] == level) for level in ("city", "county")}
    with reading() as s:
        placed = len(s.scalars(select(Case.id).where(Case.county_id.is_not(None))).all())
    assert of == {"city": 11, "county": placed}
    assert placed > 0


def test_the_one_who_was_satisfied_is_counted_when_the_case_is_closed(city: str):
    a_morning(n=1)
    deliver()

    kept = [row for key, row in tallies().items() if key[0] == "city"]
    sums = dict(zip(metrics.MEASURES, map(sum, zip(*kept, strict=True)), strict=True))
    assert sums == {"accepted": 2, "closed": 1, "late": 0, "asked": 1, "solved": 1, "rated": 1, "satisfied": 1}


def test_the_same_news_twice_changes_nothing(city: str):
    a_morning(n=5)
    deliver()
    kept, known = tallies(), facts()

    with transaction() as s:
        changed = actions.apply(s, {row[0]: 99 for row in known.values()})
        again = actions.apply(s, dict.fromkeys(known, 1))

    assert (changed, again) == (0, 0)
    assert (tallies(), facts()) == (kept, known)


def test_a_fact_never_goes_back_to_an_older_version(city: str):
    a_morning(n=1)
    deliver()
    with transaction() as s:
        fact = s.scalars(select(Fact).limit(1)).one()
        fact.version += 100
    known = facts()

    with transaction() as s:
        changed = actions.apply(s, dict.fromkeys(known, 999))

    assert changed == 0
    assert facts() == known


def test_a_case_that_moves_to_another_class_leaves_no_empty_figure_behind(city: str):
    with clock.at("2026-03-02 08:00"):
        told = report(staff("agent"), TEXTS[1])
        deliver()
        boss = staff("dispatcher")
        before = boss.get(f"/api/cases/{told['no']}")["matter"]
        other = next(
            one
            for one in boss.get("/api/matters", q="供暖")
            if one["code"][:2] != (before or {"code": "00"})["code"][:2] and not one["code"].endswith("00")
        )
        boss.act(told["no"], "reclassify", matter=other["code"])
        deliver()

    kept = {key[3]: row[0] for key, row in tallies().items() if key[0] == "city"}
    assert kept == {other["code"][:2]: 1}


def test_a_rebuilt_tally_equals_the_kept_one(city: str):
    a_morning("2026-03-02", n=8)
    a_morning("2026-03-03", n=8)
    deliver()
    kept, known = tallies(), facts()

    with transaction() as s:
        actions.rebuild(s)
    emptied = tallies()
    events.drain([LISTENER])

    assert emptied == {}
    assert tallies() == kept
    assert facts() == known


def test_facts_hold_no_exact_place(city: str):
    with clock.at("2026-03-02 08:00"):
        with reading() as s:
            area = s.scalars(select(Area).where(Area.level == "cell", Area.lon.is_not(None)).limit(1)).one()
        report(staff("agent"), TEXTS[0], position={"lon": area.lon, "lat": area.lat, "frame": "wgs84"})
    deliver()

    fact = next(iter(facts().values()))
    lon = fact[[column.name for column in Fact.__table__.columns].index("lon")]
    assert lon == round(area.lon, 3)
