"""When something is due, by which row: the most particular matter, then the kind, then the urgency, in force on the day."""

from dataclasses import replace
from datetime import date

import pytest

from shiyu.kernel.clock import parse
from shiyu.kernel.errors import Refusal
from shiyu.law.limits import Limit, Limits
from tests.law import shelf

MONDAY = parse("2026-03-02 09:00")
FIVE = Limit("*", "*", "handle", "normal", 5, "work_day", "next", (), date(2020, 1, 1), None, "default profile")


def limits(*rows):
    return Limits(rows, shelf.calendars())


def test_a_matter_of_its_own_goes_before_its_class_and_its_class_before_all():
    table = limits(
        FIVE,
        replace(FIVE, matter="03", amount=4),
        replace(FIVE, matter="0304", amount=3),
        replace(FIVE, matter="030408", amount=2),
    )

    assert table.due("030408", "handle", MONDAY).rule.amount == 2
    assert table.due("030401", "handle", MONDAY).rule.amount == 3
    assert table.due("030201", "handle", MONDAY).rule.amount == 4
    assert table.due("040101", "handle", MONDAY).rule.amount == 5
    assert table.due(None, "handle", MONDAY).rule.amount == 5


def test_the_matter_goes_before_the_kind_and_the_kind_before_the_urgency():
    table = limits(
        FIVE,
        replace(FIVE, kind="consult", amount=1),
        replace(FIVE, level="urgent", amount=24, unit="hour"),
        replace(FIVE, matter="03", level="*", amount=9),
    )

    assert table.due("040101", "handle", MONDAY, kind="consult").rule.amount == 1
    assert table.due("040101", "handle", MONDAY, kind="consult", level="urgent").at == parse("2026-03-03 09:00")
    assert table.due("030101", "handle", MONDAY, kind="consult", level="urgent").rule.amount == 9


def test_the_row_in_force_on_the_beijing_day_of_the_start_rules():
    old = replace(FIVE, valid_to=date(2026, 3, 1))
    new = replace(FIVE, amount=3, valid_from=date(2026, 3, 1))
    table = limits(new, old)

    assert table.due("010101", "handle", parse("2026-02-28T23:59:59+08:00")).rule is old
    assert table.due("010101", "handle", parse("2026-02-28T16:00:00+00:00")).rule is new


def test_the_answer_carries_its_row_and_is_legible_years_later():
    due = limits(FIVE).due("010101", "handle", MONDAY)

    assert due.at == parse("2026-03-09 17:00")
    assert due.rule_id == "*:*:handle:normal:2020-01-01"
    assert due.rule.basis == "default profile"
    assert due.rule.say() == "5 个工作日"
    assert due.uncertain is None


def test_where_nothing_is_in_force_no_time_is_invented():
    with pytest.raises(Refusal, match=r"law\.no_limit") as refused:
        limits(FIVE).due("010101", "sign", MONDAY)

    assert refused.value.status == 409


def test_a_term_into_a_year_without_a_notice_says_its_doubt():
    due = limits(FIVE).due("010101", "handle", parse("2026-12-30 09:00"))

    assert due.uncertain == "2027"
    assert due.doubt() == "2027 年的放假安排尚未公布，暂按周一至周五推算。"


def test_a_paused_clock_is_due_later_by_the_same_row():
    pauses = [(parse("2026-03-03 10:00"), parse("2026-03-05 10:00"))]

    due = limits(FIVE).due_with_pauses("010101", "handle", MONDAY, pauses)

    assert due.at == parse("2026-03-11 17:00")
    assert due.rule is FIVE


def test_counts_are_not_durations():
    thrice = replace(FIVE, clock="dispatches", level="*", amount=3, unit="time")
    table = limits(FIVE, thrice)

    assert table.count("dispatches", MONDAY.date()) == 3
    with pytest.raises(Refusal):
        table.due(None, "dispatches", MONDAY)
    with pytest.raises(Refusal):
        table.count("handle", MONDAY.date())


@pytest.mark.parametrize(
    ("name", "kind", "level", "due"),
    [
        ("楼梯扶手缺失", "help", "normal", "2026-03-09 17:00"),
        ("楼梯扶手缺失", "consult", "normal", "2026-03-03 17:00"),
        ("暖气不热", "help", "urgent", "2026-03-03 09:00"),
        ("餐饮油烟", "complaint", "normal", "2026-03-16 17:00"),
        ("私搭乱建", "report", "normal", "2026-03-23 17:00"),
        ("私搭乱建", "consult", "normal", "2026-03-03 17:00"),
        ("暴露垃圾", "report", "normal", "2026-03-03 17:00"),
        ("道路不洁", "complaint", "normal", "2026-03-02 15:30"),
    ],
)
def test_the_default_profile_gives_each_kind_of_demand_its_time(name, kind, level, due):
    assert shelf.limits().due(shelf.code_of(name), "handle", MONDAY, kind=kind, level=level).at == parse(due)


def test_danger_is_handed_over_within_minutes():
    due = shelf.limits().due(
        shelf.code_of("燃气泄漏"), "transfer", parse("2026-02-17 03:00"), kind="help", level="danger"
    )

    assert due.at == parse("2026-02-17 03:05")
