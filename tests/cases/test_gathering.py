"""汇流: reports that arrive at the same time share a commit, and each is answered for itself."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select, text

from shiyu.cases.actions import Report, accept_gathered
from shiyu.cases.models import Case, Clock, Reporter
from shiyu.kernel.auth import PUBLIC
from shiyu.kernel.db import reading, transaction
from shiyu.kernel.errors import Refusal
from tests.kit.people import HANDRAIL


def a_report(**more: Any) -> Report:
    return Report(**{"key": str(uuid4()), "channel": "portal", "text": HANDRAIL, "phone": "13804120001", **more})


def together(reports: list[Report]) -> list[Any]:
    """Everybody at once; answers or refusals in their order."""

    def ask(report: Report) -> Any:
        try:
            return accept_gathered(PUBLIC, report).result(60)
        except Exception as refusal:  # noqa: BLE001 - whatever comes back is looked at
            return refusal

    with ThreadPoolExecutor(len(reports)) as threads:
        return list(threads.map(ask, reports))


def how_many(model: Any) -> int:
    with reading() as s:
        return s.scalar(select(func.count()).select_from(model)) or 0


def test_each_of_many_at_the_same_time_has_its_own_case_written_whole(city):
    answers = together([a_report() for _ in range(24)])

    assert len({one.no for one in answers}) == 24
    assert not any(one.known for one in answers)
    assert how_many(Case) == how_many(Reporter) == 24
    with reading() as s:
        assert s.scalar(select(func.count(Clock.case_id.distinct()))) == 24


def test_a_refused_one_refuses_itself_alone(city):
    reports = [a_report() for _ in range(12)]
    reports[5] = a_report(lon=2.35, lat=48.85)
    reports[9] = a_report(matter="999999")

    answers = together(reports)

    assert [type(answers[5]), type(answers[9])] == [Refusal, Refusal]
    assert (answers[5].code, answers[9].code) == ("case.outside_city", "case.no_matter")
    assert how_many(Case) == 10


def test_what_the_database_refuses_does_not_fail_the_others(city):
    with transaction() as s:
        s.execute(text("alter table cases.reporter add constraint no_phone check (phone_masked <> '138****9999')"))
    reports = [a_report(phone="13804129999" if n == 3 else f"138041200{n:02}") for n in range(12)]

    answers = together(reports)

    assert [n for n, one in enumerate(answers) if isinstance(one, Exception)] == [3]
    assert how_many(Case) == 11


def test_the_same_key_at_the_same_time_is_one_case(city):
    key = str(uuid4())

    answers = together([a_report(key=key) for _ in range(8)])

    assert len({(one.id, one.no, one.token) for one in answers}) == 1
    assert sum(not one.known for one in answers) == 1
    assert how_many(Case) == 1
