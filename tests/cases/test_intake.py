"""A report becomes a case: once however often it is sent, dispatched directly only when nobody need look, likened to what was said before."""

import threading
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from shiyu.cases import actions
from shiyu.cases.actions import Report
from shiyu.cases.models import Case, Clock, Dispatch, Reporter
from shiyu.kernel import clock
from shiyu.kernel.auth import PUBLIC
from shiyu.kernel.db import reading, transaction
from shiyu.kernel.events import Event
from tests.cases.cast import ASSIST, LEAD, UNCLEAR
from tests.kit.people import HANDRAIL

T0 = "2026-03-02 09:00"


def how_many(model: type) -> int:
    with reading() as s:
        return s.scalar(select(func.count()).select_from(model)) or 0


# --- once --------------------------------------------------------------------------------------------------------------


def test_the_same_report_sent_twice_is_one_case(cast):
    key, someone = str(uuid4()), cast.citizen()
    body = {"key": key, "text": HANDRAIL, "phone": "13804120001"}

    first = someone.post("/api/public/reports", body, 201)
    again = someone.post("/api/public/reports", {**body, "text": HANDRAIL + "请尽快。"}, 200)

    assert (again["no"], again["token"]) == (first["no"], first["token"])
    assert (first["known"], again["known"]) == (False, True)
    assert [how_many(model) for model in (Case, Reporter)] == [1, 1]


def test_the_same_report_sent_by_several_threads_at_once_is_one_case(cast):
    body = {"key": str(uuid4()), "text": HANDRAIL, "phone": "13804120001"}
    told: list[tuple[int, str]] = []
    gate = threading.Barrier(5)
    people = [cast.citizen() for _ in range(5)]

    def send(at: int) -> None:
        gate.wait(30)
        answer = people[at].client.post("/api/public/reports", json=body)
        told.append((answer.status_code, answer.json()["no"]))

    threads = [threading.Thread(target=send, args=(at,)) for at in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(status for status, _ in told) == [200, 200, 200, 200, 201]
    assert len({no for _, no in told}) == 1
    assert how_many(Case) == 1
    assert how_many(Clock) == 1 + how_many(Dispatch)  # first contact; the lead signs, the others assist
    with reading() as s:
        assert s.scalar(select(func.count()).where(Event.kind == "case.accepted")) == 1


def test_the_same_key_through_another_door_is_another_report(cast):
    key = str(uuid4())
    cast.report(key=key)

    cast("agent").post("/api/reports", {"key": key, "text": HANDRAIL, "phone": "13804120001"}, 201)

    assert how_many(Case) == 2


def test_a_batch_that_holds_a_report_twice_keeps_it_once(cast):
    one, other = ({"key": str(uuid4()), "text": text, "anonymous": True} for text in (HANDRAIL, UNCLEAR))

    told = cast("agent").post("/api/reports/batch", {"reports": [one, other, one]}, 201)

    assert told[0]["no"] == told[2]["no"] != told[1]["no"]
    assert [row["known"] for row in told][1] is False
    assert how_many(Case) == 2


def test_a_batch_with_a_refused_report_keeps_none(cast):
    good = {"key": str(uuid4()), "text": HANDRAIL, "anonymous": True}
    bad = {"key": str(uuid4()), "text": HANDRAIL, "anonymous": True, "position": {"lon": 0, "lat": 0}}

    refused = cast("agent").post("/api/reports/batch", {"reports": [good, bad]}, 422)

    assert refused["code"] == "case.outside_city"
    assert how_many(Case) == 0


def test_numbers_are_unique_and_name_the_year_in_beijing(cast):
    with clock.at("2026-12-31 23:59"):
        old = cast.report()
    with clock.at("2027-01-01 00:01"):
        new = cast.report()

    assert old["no"].startswith("AS-2026-")
    assert new["no"].startswith("AS-2027-")


# --- directly, or not --------------------------------------------------------------------------------------------------


def test_a_clear_matter_in_a_known_place_goes_straight_to_its_offices(cast):
    told = cast.report()
    case = cast.case(told["no"])

    assert case["state"] == "dispatched"
    assert case["lead_org"]["code"] == LEAD
    parts = {(one["org"]["code"], one["part"]) for one in case["dispatches"]}
    assert {(LEAD, "lead"), (ASSIST, "assist")} <= parts
    assert [part for _, part in parts].count("lead") == 1
    assert [one["verb"] for one in case["timeline"]] == ["accept", "dispatch"]
    assert case["triage"]["direct"] is True
    assert case["triage"]["because"]
    assert all(said["zh"] and said["en"] for said in case["triage"]["because"])


def test_a_direct_dispatch_starts_the_same_promises_as_a_dispatcher_would(cast):
    with clock.at(T0):
        direct = cast.case(cast.report()["no"])
        assists = [one["org"]["code"] for one in direct["dispatches"] if one["part"] == "assist"]
        by_hand = cast.report(UNCLEAR)
        hand = cast.act("dispatcher", by_hand["no"], "dispatch", lead_org=LEAD, assist_orgs=assists)

    def promises(case: dict) -> set:
        return {
            (one["kind"], one["org"]["code"] if one["org"] else None) for one in case["clocks"] if not one["stopped_at"]
        }

    assert assists
    assert (
        promises(direct) == promises(hand) == {("contact", None), ("sign", LEAD), *(("assist", org) for org in assists)}
    )


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("an unclear matter", {"text": UNCLEAR}),
        ("no place", {"text": "楼梯扶手缺失，老人上下楼容易摔倒，请尽快安装。"}),
        ("danger", {"text": HANDRAIL, "urgency": "danger"}),
        ("nothing known", {"text": "东西坏了，请来人看看"}),
    ],
)
def test_what_is_not_sure_waits_for_the_dispatcher(cast, what, body):
    told = cast("agent").post("/api/reports", {"key": str(uuid4()), "anonymous": True, **body}, 201)
    case = cast("agent").get(f"/api/cases/{told['no']}")

    assert case["state"] == told["state"] == "registered", what
    assert case["lead_org"] is None
    assert case["dispatches"] == []
    assert {one["kind"] for one in case["clocks"]} == {"contact", "dispatch"}
    assert case["due_at"] is not None
    box = cast("dispatcher").get("/api/cases", box="to_dispatch")
    assert [row["no"] for row in box["rows"]] == [case["no"]]


def test_a_report_that_nobody_understands_is_still_accepted_with_a_promise(cast):
    told = cast.report("东西坏了，请来人看看")

    assert told["state"] == "registered"
    assert told["matter"] is None
    assert told["area_name"] is None
    assert told["due_at"]
    assert told["due_basis"]


def test_what_the_reporter_chose_is_not_second_guessed(cast):
    told = cast.report(UNCLEAR, matter="010301", kind="complaint")
    case = cast.case(told["no"])

    assert case["matter"]["code"] == "010301"
    assert case["kind"] == "complaint"


def test_an_anonymous_report_keeps_no_person(cast):
    told = cast.report(anonymous=True)

    with reading() as s:
        [reporter] = s.scalars(select(Reporter))
    assert reporter.anonymous
    kept = (
        reporter.name_sealed,
        reporter.phone_sealed,
        reporter.phone_blind,
        reporter.last4_blind,
        reporter.name_masked,
        reporter.phone_masked,
    )
    assert set(kept) == {None}
    assert cast.case(told["no"])["reporter"]["anonymous"] is True


def test_name_and_telephone_are_sealed_in_the_database(cast):
    cast.report(name="欧阳测试", phone="13912345678")

    with transaction() as s:
        from sqlalchemy import text

        rows = "".join(
            str(row)
            for table in ('cases."case"', "cases.reporter", "kernel.event", "cases.entry")
            for row in s.execute(text(f"select row_to_json(t)::text from {table} t"))
        )
    assert "欧阳测试" not in rows
    assert "13912345678" not in rows


# --- has it been said before -------------------------------------------------------------------------------------------


def like(cast, text: str = HANDRAIL, **more) -> list[dict]:
    return cast("agent").post("/api/triage", {"text": text, **more})["duplicates"]


SAME_SAID_DIFFERENTLY = "乐雪社区3号楼2单元楼道里的扶手没有了，老人上下楼差点摔倒，希望安装楼梯扶手。"
OTHER_THING_SAME_MATTER = "铁东区乐雪社区9号楼1单元的门前坡道栏杆松动，轮椅推不上去。"


def test_the_same_thing_said_differently_is_found_with_its_reasons(cast):
    with clock.at("2026-03-01 09:00"):
        told = cast.report()
    with clock.at(T0):
        [found] = like(cast, SAME_SAID_DIFFERENTLY)

    assert found["no"] == told["no"]
    assert 0.55 <= found["score"] <= 1
    assert any("%" in said["zh"] for said in found["because"])
    assert all(said["zh"] and said["en"] for said in found["because"])


def test_another_thing_of_the_same_matter_in_the_same_grid_is_not_the_same_thing(cast):
    with clock.at(T0):
        first = cast.report()
        matter, grid = cast.case(first["no"])["matter"]["code"], cast.case(first["no"])["lineage"][-1]["code"]
        cast.report(OTHER_THING_SAME_MATTER, matter=matter)
        found = like(cast, "铁东区乐雪社区一处无障碍电梯按钮失灵，坐轮椅的人进不去。")

    assert grid
    assert found == []


def test_an_old_case_and_a_withdrawn_case_are_not_duplicates(cast):
    with clock.at("2026-01-06 09:00"):
        cast.report()
    with clock.at("2026-03-20 09:00"):
        assert like(cast) == []
        told = cast.report()
        assert [one["no"] for one in like(cast)] == [told["no"]]
        cast.citizen().post("/api/public/withdraw", {"no": told["no"], "token": told["token"]})
        assert like(cast) == []


def test_a_new_case_keeps_what_it_is_like(cast):
    with clock.at(T0):
        first = cast.report()
        second = cast.case(cast.report(SAME_SAID_DIFFERENTLY)["no"])

    assert second["duplicates"] == 1
    assert [one["no"] for one in second["triage"]["duplicates"]] == [first["no"]]


def test_likely_duplicates_are_told_only_to_who_may_see_them(cast):
    with clock.at(T0):
        cast.report(confidential=True)

        assert like(cast)
        told = cast("dispatch.210302").post("/api/triage", {"text": HANDRAIL})
    assert told["duplicates"] == []


def test_a_case_of_the_past_starts_no_promise_and_is_told_to_nobody(city):
    with clock.at(T0), transaction() as s:
        accepted = actions.accept(
            s, PUBLIC, Report("k1", "import", HANDRAIL, at=clock.parse("2019-05-01 10:00"), historic=True)
        )
    with reading() as s:
        case = s.get_one(Case, accepted.id)
        kinds = s.scalars(select(Event.kind).where(Event.subject_id == accepted.id)).all()
        assert (case.state, case.historic, case.due_at) == ("closed", True, None)
    assert kinds == ["case.recorded"]
    assert how_many(Clock) == how_many(Dispatch) == 0
