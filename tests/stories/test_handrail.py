"""The article's handrail: reported, located, classed, dispatched, mended, answered, asked, closed — over HTTP."""

from shiyu.kernel import clock
from tests.kit.people import a_report, citizen, deliver, staff


def test_the_handrail_is_mended_and_the_citizen_is_asked(city: str) -> None:
    with clock.at("2026-03-02 08:00"):
        someone = citizen()
        told = someone.post("/api/public/reports", a_report())
        assert told["state"] == "dispatched"
        assert told["matter"]["name"].find("扶手") >= 0
        assert "乐雪社区" in told["area_name"]
        assert told["due_at"] is not None

    with clock.at("2026-03-02 09:00"):
        office = staff("handle.210302-zhujian")
        waiting = office.get("/api/cases", box="to_sign")
        assert [row["no"] for row in waiting["rows"]] == [told["no"]]
        case = office.get(f"/api/cases/{told['no']}")
        assert "sign" in case["can"]
        assert case["convener"]["code"] == "210302-centre"
        assert {one["part"] for one in case["dispatches"]} == {"lead", "assist"}
        case = office.act(told["no"], "sign", version=case["version"])
        assert case["state"] == "handling"
        office.act(told["no"], "contact", text="已与诉求人通话，今日上门。")
        helper = staff("handle.210302-canlian")
        assert "assist" in helper.get(f"/api/cases/{told['no']}")["can"]
        helper.act(told["no"], "assist", text="已核实住户为残疾人家庭，补贴扶手材料。")

    with clock.at("2026-03-02 16:00"):
        office = staff("handle.210302-zhujian")  # the morning's session has idled out
        case = office.act(told["no"], "reply", text="扶手已安装完毕，请查看。")
        assert case["state"] == "replied"

    with clock.at("2026-03-02 19:30"):
        mine = someone.post("/api/public/track", {"no": told["no"], "token": told["token"]})
        assert "call_back" in mine["can"]
        assert mine["reply"]["text"] == "扶手已安装完毕，请查看。"
        done = someone.post(
            "/api/public/call_back", {"no": told["no"], "token": told["token"], "solved": True, "satisfied": 5}
        )
        assert done["state"] == "closed"

    boss = staff("supervisor")
    case = boss.get(f"/api/cases/{told['no']}")
    verbs = [one["verb"] for one in case["timeline"]]
    assert verbs == ["accept", "dispatch", "sign", "contact", "assist", "reply", "close"]
    assert all(one["stopped_at"] for one in case["clocks"])
    assert deliver() >= 0


def test_who_is_not_content_is_handled_again(city: str) -> None:
    someone = citizen()
    told = someone.post("/api/public/reports", a_report())
    office = staff("handle.210302-zhujian")
    office.act(told["no"], "sign")
    office.act(told["no"], "reply", text="已处理。")

    again = someone.post(
        "/api/public/call_back",
        {"no": told["no"], "token": told["token"], "solved": False, "satisfied": 2, "comment": "扶手还是没有装。"},
    )

    assert again["state"] == "handling"
    case = office.get(f"/api/cases/{told['no']}")
    assert case["reworks"] == 1
    assert [one["kind"] for one in case["clocks"] if not one["stopped_at"] and one["kind"] != "contact"] == ["rework"]
