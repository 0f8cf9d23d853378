"""回避: who has an interest steps back; what is said against an office never reaches that office."""

import pytest
from sqlalchemy import select

from shiyu.cases.models import Bar
from shiyu.kernel.audit import Audit
from shiyu.kernel.db import reading
from tests.cases.cast import ASSIST, LEAD, OFFICE, OTHER
from tests.cases.test_seeing import sees
from tests.kit.people import HANDRAIL


def handler_of(code: str) -> str:
    return f"handle.{code}"


def clocks(case: dict) -> set[str]:
    return {one["kind"] for one in case["clocks"] if one["stopped_at"] is None}


# --- a person --------------------------------------------------------------------------------------------------------------


def test_who_steps_back_sees_the_case_no_more_in_any_way_and_his_office_goes_on(cast):
    no = cast.in_state("handling")["no"]
    assert sees(cast, OFFICE, no)

    cast.act(OFFICE, no, "recuse", text="诉求人是我的亲属。")

    assert not sees(cast, OFFICE, no)
    cast.act(OFFICE, no, "reply", 404, text="已办理。")
    cast(OFFICE).post(f"/api/cases/{no}/reveal", {"reason": "联系诉求人核实情况"}, 404)
    case = cast.case(no)
    assert (case["state"], case["lead_org"]["code"]) == ("handling", LEAD)
    assert [(one["why"], one["account"]) for one in case["bars"]] == [("recused", OFFICE)]
    said = next(one for one in case["timeline"] if one["verb"] == "recuse")
    assert said["text"] == "诉求人是我的亲属。"


def test_why_somebody_stepped_back_is_not_told_to_his_colleagues(cast):
    no = cast.in_state("handling")["no"]
    cast.act("dispatcher", no, "bar", account=handler_of(OTHER), text="与诉求人有亲属关系。")

    said = next(one for one in cast.case(no, OFFICE)["timeline"] if one["verb"] == "bar")

    assert said["text"] is None


def test_the_centre_may_order_a_person_to_step_back_and_lift_it_again(cast):
    no = cast.in_state("handling")["no"]

    case = cast.act("dispatcher", no, "bar", account=OFFICE, text="承办人与被反映单位有利害关系。")
    assert not sees(cast, OFFICE, no)

    cast.act("dispatcher", no, "unbar", bar=case["bars"][0]["id"], text="经核实无利害关系。")
    assert sees(cast, OFFICE, no)
    assert cast.case(no)["bars"][0]["ended_at"]
    again = cast.act("dispatcher", no, "unbar", 409, bar=case["bars"][0]["id"], text="再次解除。")
    assert again["code"] == "case.nobody_barred"


def test_even_who_sees_the_whole_city_does_not_see_what_he_stepped_back_from(cast):
    told = cast.report()
    cast.act("dispatcher", told["no"], "recuse", text="反映的小区是我所住的小区。")

    assert not sees(cast, "dispatcher", told["no"])
    assert sees(cast, "supervisor", told["no"])


# --- an office -------------------------------------------------------------------------------------------------------------


def test_a_tip_off_never_reaches_the_office_it_is_about_although_its_duty_is_plain(cast):
    body = {"key": "0f6bb1a8-2f7a-4d2d-9d4f-0f6bb1a82f01", "text": HANDRAIL, "kind": "report", "anonymous": True}
    told = cast("agent").post("/api/reports", {**body, "against": [LEAD]}, 201)
    no = told["no"]

    case = cast.case(no)
    assert case["state"] == "registered", "the offices would have been clear, but one of them is accused"
    assert [(one["why"], one["org"]["code"]) for one in case["bars"]] == [("accused", LEAD)]
    assert not sees(cast, OFFICE, no)
    refused = cast.act("dispatcher", no, "dispatch", 422, lead_org=LEAD)
    assert (refused["code"], refused["errors"][0]["field"]) == ("case.barred_office", "lead_org")
    refused = cast.act("dispatcher", no, "dispatch", 422, lead_org=OTHER, assist_orgs=[LEAD])
    assert refused["errors"][0]["field"] == "assist_orgs"

    cast.act("dispatcher", no, "dispatch", lead_org=OTHER)
    assert sees(cast, handler_of(OTHER), no)
    refused = cast.act("dispatcher", no, "pass_down", 422, lead_org=LEAD)
    assert refused["code"] == "case.barred_office"


@pytest.mark.parametrize("state", ["dispatched", "handling", "reviewing", "suspended"])
def test_a_lead_office_that_must_step_back_loses_the_case_to_the_dispatcher(cast, state):
    no = cast.in_state(state)["no"]

    case = cast.act("dispatcher", no, "bar", org=LEAD, text="诉求反映的正是该单位。", accused=True)

    assert (case["state"], case["lead_org"]) == ("registered", None)
    assert clocks(case) >= {"dispatch"}
    assert not clocks(case) & {"sign", "handle", "assist", "review"}
    assert not sees(cast, OFFICE, no)
    assert all(one["ended_at"] for one in case["dispatches"])


def test_an_assisting_office_that_must_step_back_loses_its_part_only(cast):
    no = cast.in_state("handling")["no"]

    case = cast.act("dispatcher", no, "bar", org=ASSIST, text="协办单位与诉求人有纠纷。")

    assert (case["state"], case["lead_org"]["code"]) == ("handling", LEAD)
    assert "assist" not in clocks(case)
    assert not sees(cast, handler_of(ASSIST), no)
    assert sees(cast, OFFICE, no)


# --- what is refused, what is kept -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("brought", "code", "field"),
    [
        ({}, "case.bar_whom", "org"),
        ({"org": LEAD, "account": OFFICE}, "case.bar_whom", "org"),
        ({"account": "nobody.here"}, "case.no_account", "account"),
        ({"org": "nowhere"}, "case.no_office", "org"),
    ],
    ids=["nobody", "both", "unknown person", "unknown office"],
)
def test_whom_the_order_means_must_be_plain(cast, brought, code, field):
    no = cast.report()["no"]

    refused = cast.act("dispatcher", no, "bar", 422, text="须回避。", **brought)

    assert (refused["code"], refused["errors"][0]["field"]) == (code, field)
    assert set(refused["message"]) == {"zh", "en"}


def test_the_same_order_twice_is_said(cast):
    no = cast.report()["no"]
    cast.act("dispatcher", no, "bar", org=OTHER, text="须回避。")

    assert cast.act("dispatcher", no, "bar", 409, org=OTHER, text="须回避。")["code"] == "case.barred_already"


def test_offices_are_not_told_who_had_to_step_back_and_may_not_order_it(cast):
    no = cast.in_state("handling")["no"]
    cast.act("dispatcher", no, "bar", org=OTHER, text="须回避。")

    assert cast.case(no, OFFICE)["bars"] == []
    cast.act(OFFICE, no, "bar", 403, org=ASSIST, text="请其回避。")


def test_an_unknown_accused_office_is_refused_before_anything_is_written(cast):
    body = {"key": "0f6bb1a8-2f7a-4d2d-9d4f-0f6bb1a82f02", "text": HANDRAIL, "anonymous": True, "against": ["nowhere"]}

    refused = cast("agent").post("/api/reports", body, 422)

    assert refused["errors"][0]["field"] == "against"
    assert cast("agent").get("/api/cases", limit=5)["rows"] == []


def test_every_order_is_kept_for_the_auditor(cast):
    no = cast.in_state("handling")["no"]
    case = cast.act("dispatcher", no, "bar", org=OTHER, text="须回避。")
    cast.act("dispatcher", no, "unbar", bar=case["bars"][0]["id"], text="解除。")

    with reading() as s:
        acts = [row.action for row in s.scalars(select(Audit).where(Audit.subject == f"case:{no}").order_by(Audit.seq))]
        assert [act for act in acts if act.endswith("bar")] == ["case.bar", "case.unbar"]
        assert s.scalar(select(Bar.ended_at)) is not None
