"""A case's way when it is not straight: too many dispatches, more time, standing still, nobody at home, not content, sent elsewhere."""

from datetime import timedelta
from typing import Any

import pytest

from shiyu.kernel import clock
from tests.cases.cast import ASSIST, LEAD, OFFICE, OTHER, UNCLEAR, bring
from tests.kit.people import HANDRAIL

T0 = "2026-03-02 09:00"  # a Monday


def running(case: dict[str, Any]) -> dict[str, Any]:
    return {one["kind"]: one for one in case["clocks"] if not one["stopped_at"]}


def due(case: dict[str, Any], kind: str) -> Any:
    return clock.parse(running(case)[kind]["due_at"])


# --- dispatching -------------------------------------------------------------------------------------------------------


def test_after_three_dispatches_an_office_is_designated_and_cannot_send_it_back(cast):
    with clock.at(T0):
        no = cast.in_state("registered")["no"]
        early = cast.act("dispatcher", no, "designate", 409, **bring("designate", {}))
        assert early["code"] == "case.dispatch_first"
        for _ in range(3):
            cast.act("dispatcher", no, "dispatch", **bring("dispatch", {}))
            cast.act(OFFICE, no, "send_back", **bring("send_back", {}))

        case = cast.case(no)
        assert "dispatch" not in case["can"]
        assert "designate" in case["can"]
        assert cast.act("dispatcher", no, "dispatch", 409, **bring("dispatch", {}))["code"] == "case.designate_now"
        case = cast.act("dispatcher", no, "designate", **bring("designate", {}))

        assert (case["state"], case["designated"], case["rounds"]) == ("dispatched", True, 4)
        assert "send_back" not in cast.case(no, OFFICE)["can"]
        assert cast.act(OFFICE, no, "send_back", 409, **bring("send_back", {}))["code"] == "case.designated"
        assert [one["outcome"] for one in case["dispatches"] if one["part"] == "lead"] == ["sent_back"] * 3 + [None]


def test_a_case_that_was_sent_back_lies_with_the_dispatcher_and_no_office(cast):
    with clock.at(T0):
        no = cast.in_state("dispatched")["no"]
        cast.act(OFFICE, no, "send_back", **bring("send_back", {}))
        case = cast.case(no)

        assert (case["state"], case["lead_org"], set(running(case))) == ("registered", None, {"contact", "dispatch"})
        assert [row["no"] for row in cast("dispatcher").get("/api/cases", box="returned")["rows"]] == [no]
        assert cast.act(OFFICE, no, "sign", 403)["code"] == "case.not_yours"


def test_the_centre_hands_on_the_lead_in_the_same_round(cast):
    with clock.at(T0):
        no = cast.report(HANDRAIL)["no"]
        case = cast.act("coordinate.210302", no, "pass_down", lead_org=OTHER)

        assert (case["lead_org"]["code"], case["rounds"], case["state"]) == (OTHER, 1, "dispatched")
        assert cast.act("coordinate.210302", no, "pass_down", 422, lead_org=OTHER)["errors"][0]["field"] == "lead_org"
        assert cast.act(OFFICE, no, "sign", 403)
        assert cast.act(f"handle.{OTHER}", no, "sign")["state"] == "handling"


def test_a_county_s_dispatcher_who_corrects_the_place_to_another_county_is_told_it_was_done(cast):
    with clock.at(T0):
        told = cast.report(UNCLEAR)
        answer = cast("dispatch.210302").client.post(f"/api/cases/{told['no']}/relocate", json={"area": "210303"})

        assert answer.status_code == 200, answer.text
        assert answer.json()["can"] == []
        assert cast.case(told["no"])["lineage"][-1]["code"] == "210303"
        cast("dispatch.210302").get(f"/api/cases/{told['no']}", 404)


def test_a_county_s_desk_may_register_what_it_may_not_see_afterwards(cast):
    from uuid import uuid4

    body = {"key": str(uuid4()), "text": HANDRAIL, "phone": "13804120001", "confidential": True}
    desk = cast("dispatch.210302")
    told = desk.post("/api/reports", body, 201)

    assert told["no"]
    assert "token" not in told
    desk.get(f"/api/cases/{told['no']}", 404)


# --- time --------------------------------------------------------------------------------------------------------------


def test_more_time_is_asked_once_before_the_limit_and_moves_it_when_approved(cast):
    with clock.at(T0):
        no = cast.in_state("handling")["no"]
        before = due(cast.case(no), "handle")
        asked = cast.act(OFFICE, no, "extend", **bring("extend", {}))
        assert due(asked, "handle") == before
        assert "extend" not in cast.case(no, OFFICE)["can"]
        assert cast.act(OFFICE, no, "extend", 409, **bring("extend", {}))["code"] == "case.extend_once"
        assert [row["no"] for row in cast("dispatcher").get("/api/cases", box="extensions")["rows"]] == [no]
        [extension] = asked["extensions"]

        case = cast.act("dispatcher", no, "decide_extension", extension=extension["id"], approve=True)

        assert due(case, "handle") == clock.parse(extension["until"]) > before
        assert "extend" not in cast.case(no, OFFICE)["can"]
        assert (
            cast.act("dispatcher", no, "decide_extension", 409, extension=extension["id"], approve=True)["code"]
            == "case.no_extension"
        )


def test_a_refused_extension_leaves_the_limit_and_may_be_asked_again(cast):
    with clock.at(T0):
        no = cast.in_state("handling")["no"]
        before = due(cast.case(no), "handle")
        [extension] = cast.act(OFFICE, no, "extend", **bring("extend", {}))["extensions"]

        case = cast.act("dispatcher", no, "decide_extension", extension=extension["id"], approve=False)

        assert due(case, "handle") == before
        assert "extend" in cast.case(no, OFFICE)["can"]


def test_after_the_limit_more_time_cannot_be_asked(cast):
    with clock.at(T0):
        no = cast.in_state("handling")["no"]
        late = due(cast.case(no), "handle") + timedelta(minutes=1)
    with clock.at(late):
        assert "extend" not in cast.case(no, OFFICE)["can"]
        assert cast.act(OFFICE, no, "extend", 409, **bring("extend", {}))["code"] == "case.extend_late"


def test_standing_still_adds_exactly_the_working_time(cast):
    with clock.at(T0):
        no = cast.in_state("handling")["no"]
        before = due(cast.act(OFFICE, no, "contact", text="已联系。"), "handle")
    with clock.at("2026-03-03 10:00"):  # Tuesday
        case = cast.act("dispatcher", no, "suspend", ground="needs_budget", text="列入计划。", review_on="2026-03-20")
        assert running(case)["handle"]["paused_at"]
        assert case["due_at"] is not None
        assert clock.parse(case["due_at"]) == due(case, "review")
        assert running(case)["handle"]["light"] is None
    with clock.at("2026-03-10 10:00"):  # a week later: five working days
        case = cast.act("dispatcher", no, "resume")

    assert case["state"] == "handling"
    assert due(case, "handle") - before == timedelta(days=7)
    assert "review" not in running(case)
    assert running(case)["handle"]["paused_at"] is None


def test_standing_still_over_a_weekend_adds_no_working_time(cast):
    with clock.at(T0):
        no = cast.in_state("handling")["no"]
        before = due(cast.case(no), "handle")
    with clock.at("2026-03-07 09:00"):  # Saturday
        cast.act("dispatcher", no, "suspend", ground="needs_budget", text="列入计划。", review_on="2026-03-20")
    with clock.at("2026-03-08 20:00"):  # Sunday
        case = cast.act("dispatcher", no, "resume")

    assert due(case, "handle") == before


# --- the call-back -----------------------------------------------------------------------------------------------------


def test_three_calls_that_reach_nobody_close_the_case_with_that_ground(cast):
    with clock.at(T0):
        no = cast.in_state("replied")["no"]
        for attempt in range(3):
            case = cast.act("caller", no, "call_back", result="unreachable")
            assert case["state"] == ("replied" if attempt < 2 else "closed")

    assert (case["solved"], case["satisfied"]) == (None, None)
    assert case["timeline"][-1]["facts"]["ground"] == "attempts_spent"
    assert running(case) == {}


@pytest.mark.parametrize(
    ("solved", "satisfied", "state"),
    [(True, 5, "closed"), (True, 3, "closed"), (True, 2, "handling"), (False, 5, "handling"), (False, 1, "handling")],
)
def test_only_who_is_content_is_closed(cast, solved, satisfied, state):
    with clock.at(T0):
        no = cast.in_state("replied")["no"]
        case = cast.act("caller", no, "call_back", result="reached", solved=solved, satisfied=satisfied)

    assert (case["state"], case["solved"], case["satisfied"]) == (state, solved, satisfied)
    assert (case["reworks"], "rework" in running(case)) == (int(state == "handling"), state == "handling")


def test_the_attempts_are_counted_anew_in_every_round(cast):
    with clock.at(T0):
        no = cast.in_state("replied")["no"]
        for _ in range(2):
            cast.act("caller", no, "call_back", result="unreachable")
        cast.act("caller", no, "call_back", result="reached", solved=False, satisfied=1)
        cast.act(OFFICE, no, "reply", text="已重新办理。")

        assert cast.act("caller", no, "call_back", result="unreachable")["state"] == "replied"


def test_a_closed_case_is_reopened_for_the_same_office(cast):
    with clock.at(T0):
        no = cast.in_state("closed")["no"]
        case = cast.act("dispatcher", no, "reopen", text="问题反弹。")

        assert (case["state"], case["closed_at"], set(running(case))) == ("handling", None, {"rework"})
        assert cast.act(OFFICE, no, "reply", text="已重新办理。")["state"] == "replied"


def test_what_the_desk_answered_itself_goes_to_the_dispatcher_when_it_was_not_enough(cast):
    with clock.at(T0):
        no = cast.in_state("registered")["no"]
        cast.act("agent", no, "answer", text="请拨打……")
        case = cast.act("caller", no, "call_back", result="reached", solved=False, satisfied=1)

        assert (case["state"], set(running(case))) == ("registered", {"dispatch"})


def test_a_review_that_sends_the_draft_keeps_its_words(cast):
    with clock.at(T0):
        no = cast.in_state("reviewing")["no"]
        case = cast.act(OFFICE, no, "reply")

    assert case["state"] == "replied"
    assert case["replies"][-1]["text"] == "拟答复：已办理。"


# --- elsewhere ---------------------------------------------------------------------------------------------------------


def test_a_transfer_is_confirmed_with_a_receipt_or_comes_back(cast):
    with clock.at(T0):
        away, back = cast.in_state("transferring")["no"], cast.in_state("transferring")["no"]
        assert set(running(cast.case(away))) == {"contact", "transfer"}
        case = cast.act("dispatcher", away, "confirm", receipt="JJ-7")
        assert (case["state"], running(case), case["transfers"][0]["receipt"]) == ("transferred", {}, "JJ-7")
        case = cast.act("dispatcher", back, "bounce", **bring("bounce", {}))
        assert (case["state"], case["transfers"][0]["ground"]) == ("registered", "not_in_duty")


def test_a_merged_case_follows_the_other_and_can_be_taken_out(cast):
    with clock.at(T0):
        into, no = cast.report(HANDRAIL)["no"], cast.in_state("registered")["no"]
        case = cast.act("dispatcher", no, "merge", into=into)
        whole = cast.case(into)
        assert (case["state"], case["merged_into"], whole["merged"], whole["duplicates"]) == ("merged", into, [no], 1)
        assert (
            cast.act("dispatcher", cast.in_state("registered")["no"], "merge", 409, into=no)["code"]
            == "case.merge_ended"
        )
        assert cast.act("dispatcher", cast.in_state("registered")["no"], "merge", 404, into="AS-2026-999999")

        case = cast.act("dispatcher", no, "unmerge")
        assert (case["state"], case["merged_into"], cast.case(into)["merged"]) == ("registered", None, [])


def test_a_case_is_not_merged_into_itself(cast):
    no = cast.in_state("registered")["no"]

    assert cast.act("dispatcher", no, "merge", 422, into=no)["code"] == "case.merge_self"


def test_a_split_case_is_answered_when_all_its_parts_are(cast):
    with clock.at(T0):
        no = cast.in_state("split")["no"]
        parts = cast.case(no)["parts"]
        assert len(parts) == 2
        refused = cast.act("dispatcher", no, "rejoin", 409, text="合并答复。")
        assert refused["code"] == "case.parts_open"
        assert all(part in refused["message"]["zh"] for part in parts)
        for part in parts:
            assert cast.case(part)["part_of"] == no
            cast.act("dispatcher", part, "answer", text="已办理。")
        case = cast.act("dispatcher", no, "rejoin", text="两件事都已办理。")

        assert case["state"] == "replied"
        assert [cast.case(part)["state"] for part in parts] == ["closed", "closed"]
        assert cast.act("caller", no, "call_back", result="reached", solved=True, satisfied=5)["state"] == "closed"


def test_the_assisting_office_reports_and_its_own_promise_ends(cast):
    with clock.at(T0):
        no = cast.in_state("handling")["no"]
        helper = f"handle.{ASSIST}"
        assert [row["no"] for row in cast(helper).get("/api/cases", box="to_assist")["rows"]] == [no]
        case = cast.act(helper, no, "assist", text="已补贴材料。")

        assert "assist" not in running(case)
        assert cast(helper).get("/api/cases", box="to_assist")["rows"] == []
        assert cast.act(helper, no, "reply", 403, text="x")["code"] == "case.not_yours"
        assert case["lead_org"]["code"] == LEAD


def test_doctor_finds_no_broken_invariant_after_all_that(cast, city):
    from sqlalchemy import text

    from shiyu.doctor import INVARIANTS
    from shiyu.kernel.db import reading

    with clock.at(T0):
        for state in (
            "registered",
            "handling",
            "suspended",
            "replied",
            "closed",
            "declined",
            "merged",
            "split",
            "withdrawn",
        ):
            cast.in_state(state)
    with reading() as s:
        assert {name: s.scalar(text(query)) for name, query in INVARIANTS.items()} == dict.fromkeys(INVARIANTS, 0)
