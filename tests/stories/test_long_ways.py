"""Cases that go a longer way, over HTTP: sent back until one office is designated; waiting for spring; more time, once."""

from shiyu.kernel import clock
from tests.kit.people import a_report, citizen, staff

OFFICES = ("210302-zhujian", "210302-chengguan", "210302003")


def test_a_case_that_nobody_wants_is_designated_and_stays(city: str) -> None:
    with clock.at("2026-03-02 08:30"):
        told = citizen().post("/api/public/reports", a_report())
        desk = staff("dispatcher")
        lead = OFFICES[0]
        for next_one in OFFICES[1:]:
            office = staff(f"handle.{lead}")
            back = office.act(told["no"], "send_back", ground="not_in_duty", text="不属于本单位职责，应由属地承办。")
            assert back["state"] == "registered"
            assert [row["no"] for row in desk.get("/api/cases", box="returned")["rows"]] == [told["no"]]
            desk.act(told["no"], "dispatch", lead_org=next_one)
            lead = next_one
        staff(f"handle.{lead}").act(told["no"], "send_back", ground="not_in_duty", text="应由住建部门承办。")

        desk.act(told["no"], "dispatch", status=409, lead_org=OFFICES[0])
        case = desk.act(told["no"], "designate", lead_org=OFFICES[0], text="经研究，由住建局承办。")
        office = staff(f"handle.{OFFICES[0]}")

        assert case["rounds"] == 4
        assert "send_back" not in office.get(f"/api/cases/{told['no']}")["can"]
        office.act(told["no"], "send_back", status=409, ground="not_in_duty", text="仍不属于本单位。")
        assert office.act(told["no"], "sign")["state"] == "handling"


def test_what_must_wait_for_spring_is_suspended_and_its_limit_stands_still(city: str) -> None:
    with clock.at("2026-01-12 09:00"):
        told = citizen().post("/api/public/reports", a_report())
        office, desk = staff("handle.210302-zhujian"), staff("dispatcher")
        office.act(told["no"], "sign")
        before = _due(office.get(f"/api/cases/{told['no']}"))
        plan = {"ground": "season_or_weather", "text": "冬季不能施工，开春首批安排。", "review_on": "2026-03-10"}
        held = desk.act(told["no"], "suspend", **plan)
        assert held["state"] == "suspended"

    with clock.at("2026-03-10 09:00"):
        again = staff("dispatcher").act(told["no"], "resume", text="可以施工。")

    assert again["state"] == "handling"
    assert _due(again) > before
    assert _due(again) > "2026-03-10"


def test_more_time_is_asked_for_once_and_decided_by_the_desk(city: str) -> None:
    with clock.at("2026-03-02 09:00"):
        told = citizen().post("/api/public/reports", a_report())
        office, desk = staff("handle.210302-zhujian"), staff("dispatcher")
        office.act(told["no"], "sign")
        before = _due(office.get(f"/api/cases/{told['no']}"))
        asked = office.act(told["no"], "extend", ground="large_work", text="须订制材料，申请延期。")
        assert [row["no"] for row in desk.get("/api/cases", box="extensions")["rows"]] == [told["no"]]

        extension = asked["extensions"][0]["id"]
        longer = desk.act(told["no"], "decide_extension", extension=extension, approve=True, text="同意。")

        assert _due(longer) > before
        office.act(told["no"], "extend", status=409, ground="large_work", text="再申请一次。")


def _due(case: dict) -> str:
    return next(one["due_at"] for one in case["clocks"] if one["kind"] == "handle" and not one["stopped_at"])
