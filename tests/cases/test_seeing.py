"""Who sees a case: the branches, lists that neither skip nor double, counts, export, the reporter's look-up, the reporter's data."""

import csv
import io
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image
from sqlalchemy import select, text

from shiyu.cases import queries
from shiyu.cases.models import Case
from shiyu.kernel import clock
from shiyu.kernel.db import transaction
from tests.cases.cast import ASSIST, LEAD, OFFICE, OTHER, PHONE, UNCLEAR, Cast, bring
from tests.kit.people import HANDRAIL

T0 = "2026-03-02 09:00"
ELSEWHERE = "海城市"


def numbers(page: dict[str, Any]) -> list[str]:
    return [row["no"] for row in page["rows"]]


def sees(cast: Cast, username: str, no: str) -> bool:
    """Whether somebody sees a case; list, single read and count must agree."""
    person = cast(username)
    single = person.client.get(f"/api/cases/{no}").status_code == 200
    listed = no in numbers(person.get("/api/cases", limit=200))
    count = person.get("/api/cases/counts")["boxes"]
    exported = no in person.client.get("/api/cases/export").text
    in_open_or_done = any(count[box]["n"] for box in count)
    assert single == listed == exported, (username, single, listed, exported)
    assert in_open_or_done or not single
    return single


def grid_of(cast: Cast, no: str) -> str:
    return next(one["code"] for one in cast.case(no)["lineage"] if one["level"] == "grid")


# --- who ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def placed(cast: Cast) -> dict[str, Any]:
    """A handrail case that stands in a grid."""
    grid = cast("dispatcher").get("/api/areas", level="grid", under="210302", limit=200)["rows"]
    one = next(row for row in grid if row["lon"] and row["code"].startswith("210302003"))
    return cast.report(HANDRAIL, position={"lon": one["lon"], "lat": one["lat"]}) | {"grid": one["code"]}


def test_area_office_and_assisting_office_see_a_case_and_others_do_not(cast, placed):
    no, grid = placed["no"], placed["grid"]

    may = [
        sees(cast, who, no)
        for who in (
            "agent",
            "dispatcher",
            "caller",
            "supervisor",
            "dispatch.210302",
            "dispatch.210302003",
            f"grid.{grid}",
        )
    ]
    offices = [sees(cast, who, no) for who in (OFFICE, f"handle.{ASSIST}")]
    not_theirs = (
        "dispatch.210303",
        "dispatch.210302002",
        "handle.210303-gongan",
        f"handle.{OTHER}",
        "display",
        "system",
        "security",
        "audit",
    )

    assert all([*may, *offices])
    assert [who for who in not_theirs if sees(cast, who, no)] == []


def test_a_confidential_case_is_hidden_from_its_area_but_not_from_the_city_its_offices_and_its_reporter(cast, placed):
    told = cast.report(
        HANDRAIL,
        confidential=True,
        position={"lon": cast.case(placed["no"])["position"]["lon"], "lat": cast.case(placed["no"])["position"]["lat"]},
    )
    no = told["no"]

    seen = {
        who: sees(cast, who, no)
        for who in (
            "dispatcher",
            OFFICE,
            f"handle.{ASSIST}",
            "dispatch.210302",
            "dispatch.210302003",
            f"grid.{placed['grid']}",
            "coordinate.210302",
        )
    }

    assert seen == {
        "dispatcher": True,
        OFFICE: True,
        f"handle.{ASSIST}": True,
        "dispatch.210302": False,
        "dispatch.210302003": False,
        f"grid.{placed['grid']}": False,
        "coordinate.210302": False,
    }
    assert cast.citizen().post("/api/public/track", {"no": no, "token": told["token"]})["no"] == no


def test_an_unknown_number_and_an_invisible_case_are_answered_alike(cast):
    told = cast.report()
    stranger = cast("dispatch.210303")

    def body(no: str, verb: str | None = None) -> dict[str, Any]:
        answer = (
            stranger.get(f"/api/cases/{no}", 404) if verb is None else stranger.act(no, verb, 404, **bring(verb, {}))
        )
        return {**answer, "request_id": ""}

    assert body(told["no"]) == body("AS-2026-999999")
    for verb in ("note", "sign", "dispatch", "reveal"):
        assert (
            stranger.post(
                f"/api/cases/{told['no']}/{verb}",
                {"reason": "核实有关情况"} if verb == "reveal" else bring(verb, {}),
                404,
            )["code"]
            == "case.not_found"
        )
    assert body(told["no"], "note") == body("AS-2026-999999", "note")


def test_a_merge_into_an_invisible_case_reveals_nothing(cast):
    mine = cast.in_state("registered")
    other = cast.report("海城市有一件说不清楚的事情想请人来看看")
    county = cast("dispatch.210302")

    unseen = county.act(mine["no"], "merge", 404, into=other["no"])
    unknown = county.act(mine["no"], "merge", 404, into="AS-2026-999999")

    assert {**unseen, "request_id": ""} == {**unknown, "request_id": ""}


def test_an_office_that_sent_a_case_back_still_reads_what_it_wrote_but_has_no_buttons(cast):
    told = cast.in_state("dispatched")
    cast.act(OFFICE, told["no"], "send_back", **bring("send_back", {}))

    assert cast.case(told["no"], OFFICE)["can"] == []


def a_photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(out, "JPEG")
    return out.getvalue()


def test_a_file_is_seen_by_who_sees_its_case(cast):
    someone = cast.citizen()
    sent = someone.client.post("/api/public/files", files={"file": ("扶手.jpg", a_photo(), "image/jpeg")})
    assert sent.status_code == 201
    file = sent.json()
    assert someone.client.get(file["url"]).status_code == 200  # a preview, until a case has taken it
    told = cast.report(HANDRAIL, files=[file["id"], file["id"]])

    path = f"/api/files/{file['id']}"
    key = {"token": told["token"]}
    public = f"/api/public/cases/{told['no']}/files/{file['id']}/thumb"
    assert cast(OFFICE).client.get(path).status_code == 200
    assert cast(f"handle.{OTHER}").client.get(path).status_code == 404
    assert cast.citizen().client.get(path).status_code == 401
    assert someone.client.get(file["url"]).status_code == 404
    assert cast.citizen().client.get(public, params=key).status_code == 200
    assert cast.citizen().client.get(public, params={"token": "0" * 20}).status_code == 404


def test_a_file_belongs_to_one_case(cast):
    file = cast.citizen().client.post("/api/public/files", files={"file": ("a.jpg", a_photo(), "image/jpeg")}).json()
    cast.report(HANDRAIL, files=[file["id"]])

    body = {"key": str(uuid4()), "text": HANDRAIL, "anonymous": True, "files": [file["id"]]}
    assert cast.citizen().post("/api/public/reports", body, 409)["code"] == "file.already_claimed"
    body["files"] = [str(uuid4())]
    assert cast.citizen().post("/api/public/reports", body, 404)["code"] == "file.not_found"


# --- lists -------------------------------------------------------------------------------------------------------------


def walk(cast: Cast, username: str, between: Any = None, **query: Any) -> list[str]:
    found, after = [], None
    while True:
        page = cast(username).get("/api/cases", **query, **({"after": after} if after else {}))
        found += numbers(page)
        assert len(page["rows"]) <= query["limit"]
        if between:
            between()
        if (after := page["next"]) is None:
            return found


@pytest.mark.parametrize("sort", ["new", "due"])
def test_pages_are_complete_and_without_doubles_while_cases_arrive(cast, sort):
    with clock.at(T0):
        before = [cast.report(HANDRAIL)["no"] for _ in range(11)]  # all of one moment: the id decides

        found = walk(cast, "dispatcher", between=lambda: cast.report(HANDRAIL), sort=sort, limit=3)

    assert len(found) == len(set(found))
    assert set(before) <= set(found)


@pytest.mark.parametrize("sort", ["new", "due"])
def test_a_list_is_whole_for_an_office_that_had_the_same_cases_several_times(cast, sort):
    with clock.at(T0):
        told = [cast.in_state("dispatched")["no"] for _ in range(6)]
        for no in told[1:5]:
            for _ in range(2):
                cast.act(OFFICE, no, "send_back", **bring("send_back", {}))
                cast.act("dispatcher", no, "dispatch", **bring("dispatch", {}))

        for limit in (2, 4):
            found = walk(cast, OFFICE, sort=sort, limit=limit)
            assert sorted(found) == sorted(told), limit
        assert cast(OFFICE).get("/api/cases/counts")["boxes"]["to_sign"] == {"n": 6, "more": False}


def test_who_sees_by_several_branches_sees_each_case_once(cast):
    with clock.at(T0):
        told = [cast.in_state("dispatched")["no"] for _ in range(3)]
        with transaction() as s:  # an office worker who also watches over the county
            s.execute(
                text(
                    "insert into kernel.role_grant (id, account_id, role, area_id, area_level, from_at) "
                    "select gen_random_uuid(), a.id, 'supervisor', d.id, 'county', '2026-01-01' from kernel.account a, directory.area d "
                    "where a.username = :who and d.code = '210302'"
                ),
                {"who": OFFICE},
            )
        assert sorted(walk(cast, OFFICE, limit=2)) == sorted(told)
        assert cast(OFFICE).get("/api/cases/counts")["boxes"]["mine_all"]["n"] == 3


def test_the_boxes_hold_what_they_say(cast):
    with clock.at(T0):
        told = {
            state: cast.in_state(state)["no"]
            for state in (
                "registered",
                "dispatched",
                "handling",
                "reviewing",
                "suspended",
                "replied",
                "closed",
                "declined",
                "transferring",
                "withdrawn",
                "split",
            )
        }
        boxes = {box: set(numbers(cast("dispatcher").get("/api/cases", box=box, limit=200))) for box in queries.BOXES}
        counts = cast("dispatcher").get("/api/cases/counts")["boxes"]

    assert told["registered"] in boxes["to_dispatch"]
    for state, box in (
        ("dispatched", "to_sign"),
        ("handling", "handling"),
        ("reviewing", "to_review"),
        ("suspended", "suspended"),
        ("replied", "to_call_back"),
        ("transferring", "transferring"),
    ):
        assert boxes[box] == {told[state]}
    assert boxes["done"] == {told[state] for state in ("closed", "declined", "withdrawn")}
    assert {box: one["n"] for box, one in counts.items()} == {box: len(found) for box, found in boxes.items()}


def test_the_lights_follow_the_working_time(cast):
    with clock.at(T0):
        no = cast.in_state("handling")["no"]
        cast("dispatcher").get("/api/cases", light="green")
        due = clock.parse(cast.case(no)["due_at"])
    lights = []
    for moment in (T0, "2026-03-03 16:30", "2026-03-20 09:00"):
        with clock.at(moment):
            [row] = cast("dispatcher").get("/api/cases")["rows"]
            lights.append(row["light"])
            assert numbers(cast("dispatcher").get("/api/cases", light=row["light"])) == [no]
            counts = cast("dispatcher").get("/api/cases/counts")["lights"]
            assert {light: one["n"] for light, one in counts.items()} == {
                light: int(light == row["light"]) for light in counts
            }
            assert (no in numbers(cast("dispatcher").get("/api/cases", box="overdue"))) == (clock.now() > due)

    assert lights == ["green", "amber", "red"]


def test_counts_end_at_a_thousand(cast):
    told = cast.report()
    with transaction() as s:
        columns = ", ".join(f'"{c.name}"' for c in Case.__table__.columns if c.name not in ("id", "no", "key"))
        s.execute(
            text(
                f'insert into cases."case" (id, no, key, {columns}) select gen_random_uuid(), \'AS-T-\' || g, g::text, {columns} from cases."case", generate_series(1, 1200) g where no = :no'
            ),
            {"no": told["no"]},
        )

    box = cast("dispatcher").get("/api/cases/counts")["boxes"]

    assert box["to_sign"] == {"n": 1000, "more": True}
    assert box["handling"] == {"n": 0, "more": False}


def test_searching_a_number_a_telephone_and_words(cast):
    one, other = cast.report(phone="13911112222"), cast.report(UNCLEAR)
    desk = cast("dispatcher")

    assert numbers(desk.get("/api/cases", q=one["no"].lower())) == [one["no"]]
    assert numbers(desk.get("/api/cases", q="139 1111 2222".replace(" ", ""))) == [one["no"]]
    assert numbers(desk.get("/api/cases", q="说不清楚")) == [other["no"]]
    assert numbers(desk.get("/api/cases", q="100%_")) == []
    assert numbers(desk.get("/api/cases", q="3号楼-2")) == []


def test_filters_narrow(cast):
    with clock.at(T0):
        told = cast.report(HANDRAIL)
        cast.report(UNCLEAR)
        desk, case = cast("dispatcher"), cast.case(told["no"])
        wanted = [
            {"org": LEAD},
            {"matter": case["matter"]["code"]},
            {"matter": case["matter"]["code"][:4]},
            {"state": "dispatched"},
            {"kind": case["kind"], "org": LEAD},
        ]

        assert all(numbers(desk.get("/api/cases", **one)) == [told["no"]] for one in wanted)
        assert len(numbers(desk.get("/api/cases", area="210302"))) == 2
        assert numbers(desk.get("/api/cases", area="210303")) == []
        assert len(numbers(desk.get("/api/cases", **{"from": "2026-03-02", "to": "2026-03-02"}))) == 2
        assert numbers(desk.get("/api/cases", **{"from": "2026-03-03"})) == []
        assert numbers(desk.get("/api/cases", to="2026-03-01")) == []


# --- export ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "evil",
    [
        '=HYPERLINK("http://x","y")',
        "+1+1+1+1",
        "-2+3+cmd|' /C calc'!A0",
        "@SUM(A1:A9)",
        "＝1+1+1+1",
        "＋1+1+1+1",
        "－1+1+1+1",
        "＠SUM(1)x",
    ],
)
def test_a_spreadsheet_runs_nothing_that_a_citizen_wrote(cast, evil):
    cast.report(evil, address=evil)

    answer = cast("dispatcher").client.get("/api/cases/export")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))

    assert answer.text.startswith("\ufeff")
    [row] = rows
    assert row["诉求内容"][1:] == row["地址"][1:] == evil
    assert {row["诉求内容"][0], row["地址"][0]} == {"'"}


def test_the_export_holds_everything_the_viewer_sees_and_no_person(cast):
    with clock.at(T0):
        for n in range(7):
            cast.report(HANDRAIL, name="司马某某", phone=f"1390000000{n}")
        answer = cast("dispatch.210302").client.get("/api/cases/export")

    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(rows) == 7
    assert "attachment" in answer.headers["content-disposition"]
    assert "司马" not in answer.text
    assert "1390000000" not in answer.text
    assert {row["状态"] for row in rows} == {"待签收"}


# --- the reporter ------------------------------------------------------------------------------------------------------


def test_a_reporter_reads_his_case_with_the_token_or_the_last_four_digits_and_nothing_else(cast):
    told, other = cast.report(), cast.report(phone="13900005678")
    ask = cast.citizen()

    def track(status: int, **key: Any) -> dict[str, Any]:
        return ask.post("/api/public/track", {"no": told["no"], **key}, status)

    assert track(200, token=told["token"])["no"] == told["no"]
    assert track(200, phone_last4=PHONE[-4:])["no"] == told["no"]
    refused = [
        track(404, token=other["token"]),
        track(404, phone_last4="5678"),
        track(404, phone_last4="0000"),
        track(404),
        track(404, token="x" * 20),
        track(404, token=""),
    ]
    refused.append(ask.post("/api/public/track", {"no": "AS-2026-999999", "token": told["token"]}, 404))
    assert len({str({**one, "request_id": ""}) for one in refused}) == 1


def test_an_anonymous_case_has_no_last_four_digits(cast):
    told = cast.report(anonymous=True)

    cast.citizen().post("/api/public/track", {"no": told["no"], "phone_last4": PHONE[-4:]}, 404)


@pytest.mark.parametrize("written", ["+86 138-0412-0001", "138 0412 000 1", "138-0412-0001"])
def test_the_last_four_digits_are_digits_however_the_number_was_written(cast, written):
    told = cast.report(phone=written)

    assert cast.citizen().post("/api/public/track", {"no": told["no"], "phone_last4": "0001"})["no"] == told["no"]


def test_the_public_case_names_no_staff_and_no_internal_words(cast):
    told = cast.in_state("handling")
    cast.act("dispatcher", told["no"], "note", text="内部备注：当事人情绪激动。")
    cast.act(OFFICE, told["no"], "contact", text="内部联系记录。")
    cast.act(OFFICE, told["no"], "draft", text="内部送审稿。")
    cast.act(OFFICE, told["no"], "revise", text="内部修改意见。")
    cast.act(OFFICE, told["no"], "reply", text="已安装扶手。")
    mine = cast.citizen().post("/api/public/track", {"no": told["no"], "token": told["token"]})

    names = {row["by_name"] for row in cast.case(told["no"])["timeline"]} - {None}
    assert names
    assert not any(name in str(mine) for name in names)
    assert "内部" not in str(mine)
    assert "by_name" not in str(mine)
    assert mine["reply"]["text"] == "已安装扶手。"
    assert PHONE not in str(mine)
    assert {row["verb"] for row in mine["timeline"]} == {"accept", "dispatch", "sign", "contact", "reply"}


def test_the_buttons_of_the_reporter_work_and_are_all(cast):
    told = cast.in_state("replied")
    key = {"no": told["no"], "token": told["token"]}
    mine = cast.citizen().post("/api/public/track", key)

    assert set(mine["can"]) == {"call_back", "withdraw", "urge", "supplement"}
    cast.citizen().post("/api/public/urge", {**key, "text": "请尽快。"})
    cast.citizen().post("/api/public/supplement", {**key, "text": "补充：在二单元。"})
    done = cast.citizen().post("/api/public/call_back", {**key, "solved": True, "satisfied": 4})
    assert (done["state"], done["can"]) == ("closed", [])
    refused = cast.citizen().post("/api/public/withdraw", key, 409)
    assert refused["now"] is None or "by_name" not in str(refused["now"])


@pytest.mark.parametrize("verb", ["call_back", "withdraw", "supplement", "urge"])
def test_nobody_acts_for_a_reporter_without_his_token(cast, verb):
    told = cast.in_state("replied")
    body = {
        "no": told["no"],
        "token": "0" * 20,
        **({"solved": True, "satisfied": 5} if verb == "call_back" else {"text": "某某"}),
    }

    assert cast.citizen().post(f"/api/public/{verb}", body, 404)["code"] == "case.not_found"
    assert cast.case(told["no"])["state"] == "replied"


# --- the reporter's data -----------------------------------------------------------------------------------------------


def test_who_may_act_sees_whom_to_call_for_a_reason_that_is_kept(cast):
    told = cast.report(name="演示诉求人")
    assert PHONE not in str(cast.case(told["no"], OFFICE))

    shown = cast(OFFICE).post(f"/api/cases/{told['no']}/reveal", {"reason": "上门前电话联系"})

    assert shown == {"name": "演示诉求人", "phone": PHONE}
    [row] = cast("audit").get("/api/audit", action="reveal")["rows"]
    assert (row["username"], row["subject"], row["reason"]) == (OFFICE, f"case:{told['no']}", "上门前电话联系")
    assert PHONE not in str(row)


@pytest.mark.parametrize("reason", ["", "    ", "看看", "         x"])
def test_without_a_reason_nothing_is_revealed(cast, reason):
    told = cast.report()

    answer = cast(OFFICE).post(f"/api/cases/{told['no']}/reveal", {"reason": reason}, 422)

    assert answer["errors"][0]["field"] == "reason"
    assert cast("audit").get("/api/audit", action="reveal")["rows"] == []


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (f"handle.{ASSIST}", 403),
        ("supervisor", 403),
        (f"handle.{OTHER}", 404),
        ("dispatch.210303", 404),
        ("security", 404),
    ],
)
def test_who_does_not_handle_the_case_does_not_learn_who_spoke(cast, who, status):
    told = cast.report()

    cast(who).post(f"/api/cases/{told['no']}/reveal", {"reason": "想了解一下情况"}, status)


def test_the_earlier_cases_of_a_caller_are_those_the_viewer_may_see(cast):
    told = [cast.report()["no"], cast.report(confidential=True)["no"]]
    cast.report(phone="13900005678")

    assert {row["no"] for row in cast("agent").get("/api/callers", phone="+86 138 0412 0001")} == set(told)
    assert [row["no"] for row in cast("dispatch.210302").get("/api/callers", phone=PHONE)] == told[:1]
    cast(OFFICE).get("/api/callers", 403, phone=PHONE)


def test_a_case_of_a_drill_is_outside_daily_work(cast):
    told = cast.report()
    with transaction() as s:
        case = s.scalars(select(Case).where(Case.no == told["no"])).one()
        case.exercise_id = uuid4()

    assert not sees(cast, "dispatcher", told["no"])
    assert not sees(cast, OFFICE, told["no"])
