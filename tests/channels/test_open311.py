"""Open311 GeoReport v2, field by field, in JSON and XML: what is offered, what is taken, what the public may read, what is refused."""

from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from sqlalchemy import func, select, update

from shiyu.cases.models import Case, Reporter
from shiyu.channels import actions
from shiyu.channels.actions import Offer
from shiyu.channels.models import OpenRequest
from shiyu.channels.open311 import api as doors
from shiyu.channels.open311 import format as answers
from shiyu.channels.seed import FOUNDER, seed
from shiyu.kernel import clock, db, vault
from shiyu.kernel.config import settings
from tests.kit.people import Person, a_report, citizen, deliver, staff

V2 = "/open311/v2"
LAMP, COVER, PLAIN, ROAD = "010301", "010101", "010302", "010202"
HERE = {"address_id": "2103020030041001"}
LONG = {"accept-language": "en-GB,en;q=0.9"}
REQUEST_FIELDS = [
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description", "agency_responsible",
    "service_notice", "requested_datetime", "updated_datetime", "expected_datetime", "address", "address_id", "zipcode",
    "lat", "long", "media_url",
]  # fmt: skip


@pytest.fixture
def key(city: str) -> str:
    """A key of the channel ``open311``, of the demonstration's registry."""
    with db.transaction() as s:
        seed(s)
        return actions.make_key(s, FOUNDER, "open311", "测试应用", 600)[1]


@pytest.fixture
def client(key: str) -> Any:
    """Somebody's application, without an account."""
    return citizen().client


def post(client: Any, key: str | None, form: str = "json", headers: dict[str, str] | None = None, **fields: Any) -> Any:
    """POST a request as a form; a list is sent several times."""
    told = ({"api_key": key} if key else {}) | fields
    sent = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"} | (headers or {})
    return client.post(f"{V2}/requests.{form}", content=urlencode(told, doseq=True), headers=sent)


def made(client: Any, key: str, **fields: Any) -> str:
    """The number of a new request."""
    answer = post(client, key, **{"service_code": PLAIN, **HERE, "description": "这里没有路灯。", **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()[0]["service_request_id"]


def tree(answer: Any) -> ElementTree.Element:
    """An answer in XML, with its declaration."""
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert answer.content.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    return ElementTree.fromstring(answer.content)


def faults(answer: Any, status: int) -> list[str]:
    """The sentences of a refusal in JSON."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    errors = answer.json()
    assert [set(error) for error in errors] == [{"code", "description"}] * len(errors)
    assert errors[0]["code"] == status
    return [error["description"] for error in errors]


# --- the four classic scenarios of a client ------------------------------------------------------------------------------


def test_a_client_lists_the_services(client: Any) -> None:
    answer = client.get(f"{V2}/services.json")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    rows = answer.json()
    assert len(rows) > 800
    assert {tuple(row) for row in rows} == {
        ("service_code", "service_name", "description", "metadata", "type", "keywords", "group")
    }
    by_code = {row["service_code"]: row for row in rows}
    assert by_code[LAMP] == {
        "service_code": "010301",
        "service_name": "路灯不亮",
        "description": "市政设施 / 路灯照明 / 路灯不亮",
        "metadata": True,
        "type": "realtime",
        "keywords": "路灯坏了, 路灯灭了, 路灯黑了, 没路灯, 路灯闪, 路灯不好使, 晚上路灯不亮看不见",
        "group": "市政设施",
    }
    assert by_code[PLAIN]["metadata"] is False
    root = tree(client.get(f"{V2}/services.xml"))
    assert root.tag == "services"
    assert {child.tag for child in root} == {"service"}
    lamp = next(one for one in root if one.findtext("service_code") == LAMP)
    assert [part.tag for part in lamp] == list(by_code[LAMP])
    assert (lamp.findtext("metadata"), lamp.findtext("service_name")) == ("true", "路灯不亮")
    assert client.get(f"{V2}/services.json", headers=LONG).json()[0]["group"] == "Municipal facilities"


def test_a_client_fetches_a_definition(client: Any) -> None:
    answer = client.get(f"{V2}/services/{COVER}.json").json()

    assert list(answer) == ["service_code", "attributes"]
    assert answer["service_code"] == COVER
    assert [one["order"] for one in answer["attributes"]] == [1, 2, 3]
    assert answer["attributes"][0] == {
        "variable": True,
        "code": "location_detail",
        "datatype": "string",
        "required": True,
        "datatype_description": "例如：机动车道、人行道、小区内",
        "order": 1,
        "description": "井盖在什么位置？",
    }
    assert answer["attributes"][2]["values"] == [{"key": "yes", "name": "有"}, {"key": "no", "name": "没有"}]
    root = tree(client.get(f"{V2}/services/{COVER}.xml", headers=LONG))
    assert (root.tag, [part.tag for part in root]) == ("service_definition", ["service_code", "attributes"])
    third = root.findall("attributes/attribute")[2]
    assert [part.tag for part in third] == [
        "variable", "code", "datatype", "required", "datatype_description", "order", "description", "values",
    ]  # fmt: skip
    assert third.find("datatype_description").text is None
    values = [(one.findtext("key"), one.findtext("name")) for one in third.findall("values/value")]
    assert values == [("yes", "yes"), ("no", "no")]
    notice = client.get(f"{V2}/services/{ROAD}.json").json()["attributes"]
    assert [(one["variable"], one["required"]) for one in notice] == [(False, False)]


def test_a_client_creates_a_request_with_a_token_and_then_fetches_it(client: Any, key: str) -> None:
    with db.transaction() as s:
        actions.offer(s, FOUNDER, PLAIN, Offer(type="batch"))

    told = post(client, key, service_code=PLAIN, description="这里没有路灯。", **HERE)

    assert told.status_code == 200
    assert list(told.json()[0]) == ["token", "service_notice", "account_id"]
    token = told.json()[0]["token"]
    found = client.get(f"{V2}/tokens/{token}.json").json()
    assert [set(one) for one in found] == [{"service_request_id", "token"}]
    assert found[0]["token"] == token
    root = tree(client.get(f"{V2}/tokens/{token}.xml"))
    assert root.findtext("request/service_request_id") == found[0]["service_request_id"]
    request = client.get(f"{V2}/requests/{found[0]['service_request_id']}.json").json()
    assert [one["service_code"] for one in request] == [PLAIN]
    assert faults(client.get(f"{V2}/tokens/nothing.json"), 404)


def test_a_request_without_a_required_attribute_is_refused_and_names_all_that_is_missing(client: Any, key: str) -> None:
    wrong = faults(post(client, key, service_code=COVER, **HERE), 400)

    assert [one for one in wrong if "location_detail" in one]
    assert [one for one in wrong if "danger" in one]
    root = tree(post(client, key, "xml", service_code=COVER, **HERE))
    assert root.tag == "errors"
    assert [(one.tag, one.findtext("code")) for one in root] == [("error", "400")] * 2
    with db.reading() as s:
        assert s.scalar(select(func.count()).select_from(Case)) == 0


# --- discovery -----------------------------------------------------------------------------------------------------------


def test_the_discovery_leads_to_the_endpoint_in_both_forms(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "public_url", "https://www.city.example/")

    found = client.get("/open311/discovery.json").json()

    assert list(found) == ["changeset", "contact", "key_service", "endpoints"]
    assert clock.parse(found["changeset"]).tzinfo
    assert found["endpoints"] == [
        {
            "specification": "http://wiki.open311.org/GeoReport_v2",
            "url": "https://www.city.example/open311/v2",
            "changeset": found["changeset"],
            "type": "production",
            "formats": ["text/xml", "application/json"],
        }
    ]
    root = tree(client.get("/open311/discovery.xml"))
    assert root.tag == "discovery"
    assert [one.text for one in root.findall("endpoints/endpoint/formats/format")] == ["text/xml", "application/json"]
    assert client.get(f"{V2}/services.json", params={"jurisdiction_id": "city.example"}).status_code == 200


# --- taking a request in -------------------------------------------------------------------------------------------------


def test_a_request_becomes_a_case_with_everything_that_was_said(client: Any, key: str) -> None:
    with clock.at("2026-03-02 09:00"):
        told = post(
            client,
            key,
            service_code=LAMP,
            **HERE,
            address_string="铁东区乐雪社区3号楼",
            email="wang@example.org",
            device_id="d-1",
            account_id="a-77",
            first_name="秀英",
            last_name="王",
            phone="13804120001",
            description="路灯坏了三天。\n晚上看不见路。",
            media_url="https://img.example/1.jpg",
            jurisdiction_id=settings().city,
            **{
                "attribute[lamp_number]": "A-12",
                "attribute[symptoms][]": ["out", "flicker"],
                "attribute[since]": "2026-02-27T18:00:00+08:00",
                "attribute[more]": "两盏\n都不亮",
            },
        )

    assert told.status_code == 200, told.text
    receipt = told.json()
    assert [list(one) for one in receipt] == [["service_request_id", "service_notice", "account_id"]]
    assert receipt[0]["account_id"] is None
    assert receipt[0]["service_notice"].startswith("按时限应于")
    with db.reading() as s:
        case = s.scalars(select(Case)).one()
        assert (case.no, case.channel, case.matter) == (receipt[0]["service_request_id"], "open311", LAMP)
        assert case.address == "铁东区乐雪社区3号楼"
        assert case.lon is not None
        assert case.text.splitlines() == [
            "路灯坏了三天。",
            "晚上看不见路。",
            "灯杆编号是多少？ A-12",
            "有哪些情况？ 不亮、闪烁",
            "从什么时候开始的？ 2026-02-27T18:00:00+08:00",
            "其他需要说明的情况 两盏",
            "都不亮",
            "附件链接：https://img.example/1.jpg",
        ]
        reporter = s.get_one(Reporter, case.id)
        assert (reporter.name_masked, reporter.anonymous) == ("王**", False)
        kept = s.get_one(OpenRequest, case.id)
        assert vault.open_sealed(kept.email_sealed, f"channels.open_request.email:{case.id}") == "wang@example.org"
        assert b"a-77" not in kept.account_sealed
    deliver()
    shown = staff("system").get("/api/channels/open311")
    assert shown["heard_at"]
    assert staff("system").get("/api/channels/open311/keys")[0]["used_at"]


def test_the_answer_to_a_new_request_has_the_same_fields_in_xml(client: Any, key: str) -> None:
    root = tree(post(client, key, "xml", service_code=PLAIN, description="没有路灯 <b>&</b>", **HERE))

    assert root.tag == "service_requests"
    assert [one.tag for one in root] == ["request"]
    assert [part.tag for part in root[0]] == ["service_request_id", "service_notice", "account_id"]
    assert root.find("request/account_id").text is None


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ({"service_code": ""}, "service_code"),
        ({"lat": "41.1"}, "long"),
        ({"lat": "north", "long": "122.9"}, "lat"),
        ({"lat": "nan", "long": "122.9"}, "lat"),
        ({"lat": "41.1", "long": "1222"}, "long"),
        ({"lat": "39.9", "long": "116.4"}, "市"),
        ({"address_id": "nowhere"}, "address_id"),
        ({"address_id": ""}, "address_string"),
        ({"address_string": "长" * 201}, "address_string"),
        ({"description": "长" * 4001}, "description"),
        ({"description": "a\x07b"}, ""),
        ({"phone": "call me"}, "phone"),
        ({"email": "nobody"}, "email"),
        ({"media_url": "javascript:alert(1)"}, "media_url"),
        ({"attribute[colour]": "red"}, "colour"),
        ({"service_code": LAMP, "attribute[lamp_number]": "two\nlines"}, "lamp_number"),
        ({"service_code": LAMP, "attribute[lamp_number]": ["1", "2"]}, "lamp_number"),
        ({"service_code": LAMP, "attribute[lamp_number]": "1", "attribute[symptoms]": "blue"}, "symptoms"),
        ({"service_code": LAMP, "attribute[lamp_number]": "1", "attribute[since]": "long ago"}, "since"),
        ({"service_code": "010201", "attribute[width]": "wide"}, "width"),
        ({"service_code": "010201", "attribute[width]": "inf"}, "width"),
        ({"service_code": ROAD, "attribute[notice]": "read"}, "notice"),
    ],
)
def test_a_request_with_a_fault_is_refused_with_400_and_the_name_of_what_is_wrong(
    client: Any, key: str, more: dict[str, Any], part: str
) -> None:
    fields = {"service_code": PLAIN, "description": "没有路灯", **HERE, **more}

    sentences = faults(post(client, key, **fields), 400)

    assert part in sentences[0]
    with db.reading() as s:
        assert s.scalar(select(func.count()).select_from(Case)) == 0
    errors = staff("system").get("/api/channels/open311/errors")["rows"]
    assert [(error["status"] in {400, 422}, bool(error["message"]["zh"])) for error in errors] == [(True, True)]


def test_a_service_that_is_not_there_or_not_offered_is_404_and_is_listed_for_the_keeper(client: Any, key: str) -> None:
    with db.transaction() as s:
        actions.offer(s, FOUNDER, LAMP, Offer(offered=False))

    assert "W-9" in faults(post(client, key, service_code="W-9", **HERE), 404)[0]
    assert faults(client.get(f"{V2}/services/{LAMP}.json"), 404)
    assert LAMP not in {row["service_code"] for row in client.get(f"{V2}/services.json").json()}
    keeper = staff("system")
    assert [(row["theirs"], row["matter"]) for row in keeper.get("/api/channels/open311/mappings")] == [("W-9", None)]
    keeper.post("/api/channels/open311/mappings", {"theirs": "W-9", "matter": PLAIN})
    assert post(client, key, service_code="W-9", **HERE).status_code == 200


def test_only_a_key_in_force_of_an_active_open311_channel_opens_the_door(client: Any, key: str) -> None:
    with db.transaction() as s:
        other = actions.make_key(s, FOUNDER, "portal", "网站", 60)[1]
        revoked, gone = actions.make_key(s, FOUNDER, "open311", "旧应用", 60)
        actions.revoke_key(s, FOUNDER, "open311", revoked.id)

    assert "api_key" in faults(post(client, None, service_code=PLAIN, **HERE), 403)[0]
    for wrong in ("xyz", other, gone, key + "x"):
        assert "api_key" in faults(post(client, wrong, service_code=PLAIN, **HERE), 403)[0]
    root = tree(post(client, "xyz", "xml", headers=LONG, service_code=PLAIN, **HERE))
    assert root.findtext("error/code") == "403"
    assert root.findtext("error/description") == "The api_key is not valid or was revoked."
    staff("system").post("/api/channels/open311/pause")
    assert faults(post(client, key, service_code=PLAIN, **HERE), 403)
    staff("system").post("/api/channels/open311/resume")
    assert made(client, key)


def test_a_key_may_ask_only_as_often_as_it_was_given_leave_to(client: Any) -> None:
    with db.transaction() as s:
        slow = actions.make_key(s, FOUNDER, "open311", "慢", 2)[1]

    first = [post(client, slow, service_code=PLAIN, **HERE).status_code for _ in range(2)]
    third = post(client, slow, service_code=PLAIN, **HERE)

    assert first == [200, 200]
    assert faults(third, 429)
    assert int(third.headers["retry-after"]) > 0
    assert staff("system").get("/api/channels/open311")["refused"] == 1


def test_readers_are_bounded_too(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_reads", doors.Bucket(1, 60))

    assert client.get(f"{V2}/requests.json").status_code == 200
    assert faults(client.get(f"{V2}/requests.json"), 429)


def test_the_same_request_twice_is_two_cases_unless_the_client_says_that_it_repeats(client: Any, key: str) -> None:
    twice = {made(client, key), made(client, key)}
    again = {made(client, key, headers={"idempotency-key": "k-1"}) for _ in range(3)}
    with db.transaction() as s:
        other = actions.make_key(s, FOUNDER, "open311", "另一应用", 60)[1]
    elsewhere = made(client, other, headers={"idempotency-key": "k-1"})

    assert (len(twice), len(again)) == (2, 1)
    assert elsewhere not in again
    counts = staff("system").get("/api/channels/open311/counts", days=1)
    assert counts[0]["known"] == 2


def test_another_jurisdiction_is_not_found_and_an_empty_one_is_ours(client: Any, key: str) -> None:
    for path in ("services", f"services/{LAMP}", "requests", "requests/AS-1", "tokens/x"):
        answer = client.get(f"{V2}/{path}.json", params={"jurisdiction_id": "sfgov.org"})
        assert "sfgov.org" in faults(answer, 404)[0]
    assert "sfgov.org" in faults(post(client, key, service_code=PLAIN, **HERE, jurisdiction_id="sfgov.org"), 404)[0]
    assert client.get(f"{V2}/services.json", params={"jurisdiction_id": ""}).status_code == 200


def test_what_is_no_form_is_refused_in_the_form_that_was_asked_for(client: Any, key: str) -> None:
    json = client.post(f"{V2}/requests.json", json={"api_key": key, "service_code": PLAIN})
    latin = client.post(
        f"{V2}/requests.json",
        content=b"api_key=%ff%fe",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    many = post(client, key, **{f"f{n}": "1" for n in range(600)})

    for answer in (json, latin, many):
        assert faults(answer, 400)


def test_addresses_that_are_none_answer_in_the_specifications_form(client: Any) -> None:
    assert tree(client.get(f"{V2}/services")).findtext("error/code") == "404"
    assert tree(client.get(f"{V2}/services.html")).findtext("error/code") == "400"
    assert faults(client.get(f"{V2}/nothing.json"), 404)
    assert faults(client.post(f"{V2}/services.json"), 404)
    assert client.get(f"{V2}/services.json").headers["access-control-allow-origin"] == "*"


def test_a_fault_of_ours_is_told_as_a_general_service_error(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(doors.services, "listing", broken)

    sentences = faults(client.get(f"{V2}/services.json"), 400)

    assert "broken" not in sentences[0]


# --- what the public may read --------------------------------------------------------------------------------------------


def test_a_request_is_shown_field_by_field_in_both_forms(client: Any, key: str) -> None:
    with clock.at("2026-03-02 09:00:00"):
        no = made(client, key)
        shown = client.get(f"{V2}/requests/{no}.json").json()
        root = tree(client.get(f"{V2}/requests/{no}.xml"))

    assert [list(one) for one in shown] == [REQUEST_FIELDS]
    one = shown[0]
    assert (one["service_request_id"], one["status"], one["service_code"]) == (no, "open", PLAIN)
    assert (one["service_name"], one["requested_datetime"]) == ("路灯缺失", "2026-03-02T09:00:00+08:00")
    assert clock.parse(one["expected_datetime"]) > clock.parse(one["updated_datetime"])
    assert one["address_id"]
    assert one["address"].startswith("铁东区")
    assert [one[name] for name in ("service_notice", "zipcode", "media_url")] == [None] * 3
    assert round(one["lat"], 3) == one["lat"]
    assert root.tag == "service_requests"
    assert [part.tag for part in root[0]] == REQUEST_FIELDS
    assert root.findtext("request/lat") == str(one["lat"])
    assert root.find("request/zipcode").text is None


def test_the_public_reads_no_words_and_no_door_and_the_sender_reads_his_own(client: Any, key: str) -> None:
    no = made(
        client, key, description="王秀英家门口没有路灯，电话13804120001。", address_string="铁东区乐雪社区3号楼2单元501"
    )
    with db.transaction() as s:
        other = actions.make_key(s, FOUNDER, "open311", "另一应用", 60)[1]

    everybody = client.get(f"{V2}/requests/{no}.json")
    stranger = client.get(f"{V2}/requests/{no}.json", params={"api_key": other})
    sender = client.get(f"{V2}/requests.json", params={"api_key": key, "service_request_id": no}).json()[0]

    for answer in (everybody, stranger):
        assert answer.json()[0]["description"] is None
        assert not [secret for secret in ("王秀英", "1380412", "501") if secret in answer.text]
    assert sender["description"].startswith("王秀英家门口没有路灯")
    assert "13804120001" not in sender["description"]
    assert sender["address"] == "铁东区乐雪社区3号楼2单元501"
    assert faults(client.get(f"{V2}/requests/{no}.json", params={"api_key": "xyz"}), 403)


def test_confidential_cases_tip_offs_drills_parts_and_matters_not_offered_are_not_there(client: Any, key: str) -> None:
    hidden = [made(client, key) for _ in range(5)]
    shown = made(client, key)
    with db.transaction() as s:
        ids = dict(s.execute(select(Case.no, Case.id)).all())
        changes = [
            {"confidential": True},
            {"kind": "report"},
            {"exercise_id": ids[shown]},
            {"part_of_id": ids[shown]},
            {"matter": "010303"},
        ]
        for no, change in zip(hidden, changes, strict=True):
            s.execute(update(Case).where(Case.no == no).values(**change))
        actions.offer(s, FOUNDER, "010303", Offer(offered=False))

    listed = client.get(f"{V2}/requests.json").json()

    assert [one["service_request_id"] for one in listed] == [shown]
    for no in hidden:
        assert faults(client.get(f"{V2}/requests/{no}.json", params={"api_key": key}), 404)
    several = client.get(f"{V2}/requests/{','.join([*hidden, shown])}.json").json()
    assert [one["service_request_id"] for one in several] == [shown]
    assert client.get(f"{V2}/requests.json", params={"service_request_id": hidden[0]}).json() == []


def test_cases_of_other_doors_are_listed_too_and_without_their_words(client: Any) -> None:
    staff("dispatcher").post("/api/reports", a_report(matter=PLAIN))

    listed = client.get(f"{V2}/requests.json")

    assert [one["service_code"] for one in listed.json()] == [PLAIN]
    assert "王秀英" not in listed.text
    assert "3号楼" not in listed.text


def test_the_list_is_filtered_by_number_service_state_and_time_the_newest_first(client: Any, key: str) -> None:
    numbers = []
    for at in ("2025-10-01 08:00", "2026-01-10 08:00", "2026-02-10 08:00", "2026-03-01 08:00"):
        with clock.at(at):
            numbers.append(made(client, key))
    with db.transaction() as s:
        s.execute(
            update(Case).where(Case.no == numbers[1]).values(state="closed", closed_at=clock.parse("2026-01-12 10:00"))
        )
        s.execute(update(Case).where(Case.no == numbers[2]).values(matter=LAMP))

    def asked(**query: str) -> list[int]:
        with clock.at("2026-03-02 08:00"):
            answer = client.get(f"{V2}/requests.json", params=query)
        assert answer.status_code == 200, answer.text
        return [numbers.index(one["service_request_id"]) for one in answer.json()]

    assert asked() == [3, 2, 1]  # of the last 90 days
    assert asked(status="closed") == [1]
    assert asked(status="open") == [3, 2]
    assert asked(status="open,closed") == [3, 2, 1]
    assert asked(service_code=LAMP) == [2]
    assert asked(service_code=f"{LAMP},{PLAIN}", status="open") == [3, 2]
    assert asked(service_code="none") == []
    assert asked(service_request_id=f"{numbers[0]},{numbers[3]}", status="closed") == [3, 0]
    assert asked(start_date="2026-02-10T00:00:00Z") == [3, 2]
    assert asked(start_date="2026-02-10T00:00:00Z", end_date="2026-02-11T00:00:00Z") == [2]
    assert asked(end_date="2025-12-01T08:00:00+08:00") == [0]
    assert asked(start_date="", status="") == [3, 2, 1]
    with clock.at("2026-03-02 08:00"):
        closed = client.get(f"{V2}/requests/{numbers[1]}.json").json()[0]
    assert (closed["status"], closed["updated_datetime"]) == ("closed", "2026-01-12T10:00:00+08:00")
    assert closed["expected_datetime"] is None


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ({"start_date": "2026-01-01"}, "start_date"),
        ({"start_date": "2026-01-01T00:00:00"}, "start_date"),
        ({"end_date": "2026-13-01T00:00:00Z"}, "end_date"),
        ({"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-04-02T00:00:00Z"}, "90"),
        ({"start_date": "2026-02-01T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"}, "start_date"),
        ({"status": "done"}, "status"),
    ],
)
def test_a_question_that_cannot_be_answered_is_400(client: Any, query: dict[str, str], part: str) -> None:
    assert part in faults(client.get(f"{V2}/requests.json", params=query), 400)[0]


def test_an_empty_list_is_an_empty_array_and_an_empty_element(client: Any) -> None:
    assert client.get(f"{V2}/requests.json").json() == []
    root = tree(client.get(f"{V2}/requests.xml"))
    assert (root.tag, len(root)) == ("service_requests", 0)


def test_at_most_so_many_are_listed(client: Any, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shiyu.channels.open311.requests.MOST", 2)
    numbers = [made(client, key) for _ in range(3)]

    assert [one["service_request_id"] for one in client.get(f"{V2}/requests.json").json()] == numbers[:0:-1]


def test_the_keeper_says_what_is_offered_and_asked(client: Any) -> None:
    keeper: Person = staff("system")
    asked = {"code": "kind", "datatype": "singlevaluelist", "description": "哪一种？", "description_en": "Which?"}
    values = [{"key": "a", "name": "甲", "name_en": "A"}]

    kept = keeper.post(
        f"/api/open311/services/{PLAIN}",
        {"description": "没有路灯的路段", "description_en": "No lamps", "attributes": [{**asked, "values": values}]},
    )

    assert kept["attributes"][0]["values"] == values
    assert keeper.get(f"/api/open311/services/{PLAIN}") == kept
    row = next(one for one in client.get(f"{V2}/services.json").json() if one["service_code"] == PLAIN)
    assert (row["metadata"], row["description"]) == (True, "没有路灯的路段")
    for wrong in ({**asked, "values": []}, {**asked, "datatype": "text", "values": values}):
        refused = keeper.post(f"/api/open311/services/{PLAIN}", {"attributes": [wrong]}, status=422)
        assert refused["errors"][0]["field"] == "attributes"
    twice = [{**asked, "values": values}] * 2
    refused = keeper.post(f"/api/open311/services/{PLAIN}", {"attributes": twice}, status=422)
    assert refused["code"] == "open311.attribute_twice"
    keeper.post("/api/open311/services/010300", {}, status=422)
    keeper.get("/api/open311/services/999999", status=404)
