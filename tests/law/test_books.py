"""The books themselves: every row is fit, and together they leave no case without an owner and a time."""

import csv
from collections import Counter
from datetime import date

import pytest

from shiyu.kernel.clock import parse
from shiyu.law.duties import Duty
from shiyu.law.grounds import VERBS
from shiyu.law.holidays import CalendarDay
from shiyu.law.limits import CLOCKS, COUNTS, URGENCIES, TimeLimit
from shiyu.law.load import BOOKS, SHELF
from shiyu.law.matters import Matter
from tests.law import shelf

LEXUE = ("210300", "210302", "210302003", "210302003004")
LEAVES = shelf.matters().leaves(shelf.TODAY)
with (BOOKS / "anshan" / "offices.csv").open(encoding="utf-8", newline="") as _file:
    OFFICES = {row["slug"]: row for row in csv.DictReader(_file)}


@pytest.mark.parametrize("book", SHELF, ids=lambda book: book.pattern)
def test_every_row_says_on_what_it_rests(book):
    rows = shelf.lines(book.model)

    assert rows
    assert all(values["basis"] for values, _ in rows)


def test_the_tree_is_as_wide_as_a_city_needs():
    levels = Counter(entry.level for entry in shelf.matters().entries)

    assert levels[1] >= 14
    assert levels[2] >= 90
    assert levels[3] >= 650


def test_names_stand_once_and_phrases_belong_to_one_matter():
    names = Counter(entry.name for entry in LEAVES)
    phrases = Counter(phrase for entry in LEAVES for phrase in entry.synonyms)

    assert [name for name, count in names.items() if count > 1] == []
    assert [phrase for phrase, count in phrases.items() if count > 1] == []
    assert set(names) & set(phrases) == set()
    assert all(3 <= len(entry.synonyms) <= 8 for entry in LEAVES)


@pytest.mark.parametrize(
    "name",
    [
        "井盖缺失",
        "消防通道堵塞",
        "飞线充电",
        "私搭乱建",
        "独居老人关爱",
        "楼梯扶手缺失",
        "楼梯扶手损坏",
        "暖气不热",
        "山上倾倒垃圾渣土",
        "无障碍设施缺失",
    ],
)
def test_what_the_street_asks_for_is_there(name):
    assert shelf.code_of(name)


@pytest.mark.parametrize("lineage", [LEXUE, ("210300", "210381", "210381118")], ids=["乐雪社区", "腾鳌镇"])
def test_every_matter_has_an_unambiguous_owner_that_exists(lineage):
    for entry in LEAVES:
        owner = shelf.duties().owner(entry.code, lineage)

        assert owner.unambiguous, entry
        for code in (owner.lead_code, *owner.assist_codes):
            area, _, slug = code.partition("-")
            level = {"210300": "city", lineage[1]: "county", lineage[2]: "town"}[area]
            assert (level == "town") if not slug else level in OFFICES[slug]["levels"].split("|"), (entry, code)


def test_every_matter_has_a_time_for_every_clock_and_urgency():
    start = parse("2026-03-02 09:00")

    for entry in LEAVES:
        for clock in CLOCKS:
            for level in URGENCIES:
                assert shelf.limits().due(entry.code, clock, start, kind=entry.kind, level=level).at > start


def test_every_count_has_a_row():
    assert all(shelf.limits().count(what, shelf.TODAY) >= 1 for what in COUNTS)


def test_limits_and_duties_speak_of_matters_that_exist():
    codes = {entry.code for entry in shelf.matters().entries}
    prefixes = {values["matter"] for model in (TimeLimit, Duty) for values, _ in shelf.lines(model)}

    assert {prefix.ljust(6, "0") for prefix in prefixes if prefix != "*"} <= codes


def test_seventy_seven_departments_and_the_companies_and_centres_beside_them():
    kinds = Counter(row["kind"] for row in OFFICES.values())

    assert kinds["party"] + kinds["government"] + kinds["public_service"] == 77
    assert kinds["centre"] == 1
    assert set(kinds) == {"party", "government", "public_service", "enterprise", "centre"}


def test_the_six_branches_of_declining_are_grounds():
    branches = {
        "emergency",
        "legal_channel",
        "repeat_no_new_facts",
        "secret_or_privacy",
        "outside_government",
        "unlawful",
    }

    assert all("decline" in shelf.grounds()[code].verbs for code in branches)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_that_asks_for_a_ground_has_one(verb):
    assert any(verb in reason.verbs for reason in shelf.grounds().values())


def test_the_notice_of_2026_is_in_the_calendar():
    days = {values["day"]: values["kind"] for values, _ in shelf.lines(CalendarDay)}
    makeup = [day for day, kind in days.items() if kind == "makeup" and day.year == 2026]
    holidays = [day for day, kind in days.items() if kind == "holiday" and day.year == 2026]

    assert makeup == [date(2026, m, d) for m, d in ((1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10))]
    assert len(holidays) == 3 + 9 + 3 + 5 + 3 + 3 + 7


def test_holidays_and_make_up_days_of_every_year_are_where_they_can_be():
    for values, line in shelf.lines(CalendarDay):
        assert str(values["day"].year) in line.file
        if values["kind"] == "makeup":
            assert values["day"].weekday() >= 5


def test_matters_have_english_names():
    assert all(values["name_en"].isascii() for values, _ in shelf.lines(Matter))
