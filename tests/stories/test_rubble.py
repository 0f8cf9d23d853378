"""The article's rubble on 烈士山, over HTTP: two walkers report one heap, it is handled once, and both hear of it."""

from shiyu.demo.city.areas import MARTYRS_HILL
from shiyu.kernel import clock
from tests.kit.people import a_report, citizen, deliver, staff

HILL = {"lon": MARTYRS_HILL[0], "lat": MARTYRS_HILL[1]}
FIRST = "烈士山上有建筑垃圾，在步道旁堆了一大片，是夜里偷倒的。"
SECOND = "到烈士山晨练，山上有建筑垃圾，在步道旁堆了一大片，请清走。"


def test_one_heap_reported_twice_is_cleared_once_and_both_are_told(city: str) -> None:
    with clock.at("2026-03-02 06:10"):
        walker, friend = citizen(), citizen()
        told = walker.post("/api/public/reports", a_report(text=FIRST, position=HILL))
        again = friend.post("/api/public/reports", a_report(text=SECOND, position=HILL, phone="13804120002"))
        assert "烈士山" in told["area_name"]
        assert told["matter"]["code"] == "060105"
        assert told["no"] != again["no"]

    with clock.at("2026-03-02 07:40"):
        desk = staff("dispatcher")
        twin = desk.get(f"/api/cases/{again['no']}")
        assert told["no"] in [like["no"] for like in twin["triage"]["duplicates"]]
        merged = desk.act(again["no"], "merge", into=told["no"], text="同一地点同一问题，合并办理。")
        assert (merged["state"], merged["merged_into"]) == ("merged", told["no"])
        assert all(one["stopped_at"] for one in merged["clocks"])

    with clock.at("2026-03-02 08:20"):
        desk = staff("dispatcher")  # the morning's session has idled out
        owner = desk.get(f"/api/cases/{told['no']}")["triage"]["owner"]
        lead, helpers = owner["lead"]["code"], [one["code"] for one in owner["assists"]]
        case = desk.get(f"/api/cases/{told['no']}")
        if case["state"] == "registered":  # the scorer was not sure enough to send it on by itself
            case = desk.act(told["no"], "dispatch", lead_org=lead, assist_orgs=helpers)
        assert {one["org"]["code"] for one in case["dispatches"]} == {lead, *helpers}
        office = staff(f"handle.{lead}")
        office.act(told["no"], "sign")
        office.act(told["no"], "contact", text="已联系反映人，执法队员赶赴现场。", reached=True)
        for code in helpers:
            staff(f"handle.{code}").act(told["no"], "assist", text="已到场配合清运取证。")

    with clock.at("2026-03-02 11:50"):
        staff(f"handle.{lead}").act(told["no"], "reply", text="垃圾已全部清运，涉事车辆立案查处。")

    with clock.at("2026-03-02 12:30"):
        proof = {"no": told["no"], "token": told["token"]}
        done = walker.post("/api/public/call_back", {**proof, "solved": True, "satisfied": 5})
        assert done["state"] == "closed"
        theirs = friend.post("/api/public/track", {"no": again["no"], "token": again["token"]})
        assert theirs["state"] == "merged"
        whole = staff("supervisor").get(f"/api/cases/{told['no']}")
        assert whole["merged"] == [again["no"]]
        assert "joined" in [one["verb"] for one in whole["timeline"]]
        assert all(one["stopped_at"] for one in whole["clocks"])

    assert deliver() >= 0


def test_what_was_wrongly_merged_is_taken_apart_again(city: str) -> None:
    walker, desk = citizen(), staff("dispatcher")
    told = walker.post("/api/public/reports", a_report(text=FIRST, position=HILL))
    other = walker.post(
        "/api/public/reports", a_report(text="烈士山公园北门的健身器材坏了，螺丝露在外面。", position=HILL)
    )

    desk.act(other["no"], "merge", into=told["no"])
    apart = desk.act(other["no"], "unmerge", text="是另一件事。")

    assert apart["state"] == "registered"
    assert "dispatch" in apart["can"]
    assert desk.get(f"/api/cases/{told['no']}")["merged"] == []
    assert any(one["kind"] == "dispatch" and not one["stopped_at"] for one in apart["clocks"])
