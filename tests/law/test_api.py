"""The law over the wire, for anybody."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from shiyu.directory import orgs, places
from shiyu.kernel import web
from shiyu.kernel.auth import SYSTEM
from shiyu.kernel.clock import at
from shiyu.kernel.db import transaction
from shiyu.law import api
from shiyu.law.load import load
from tests.law import shelf

HANDRAIL = shelf.code_of("楼梯扶手缺失")


@pytest.fixture
def client(database):
    """A visitor of a city whose books are loaded and which has a street."""
    with transaction() as s:
        load(s)
        for code, name, level in (
            ("210300", "鞍山市", "city"),
            ("210302", "铁东区", "county"),
            ("210302003", "山南街道", "town"),
        ):
            places.add_area(s, SYSTEM, code=code, name=name, level=level, valid_from=shelf.TODAY)
    app = FastAPI()
    web.install(app)
    app.include_router(api.router)
    with at("2026-03-02 09:00"):
        yield TestClient(app)


def get(client, path, **params):
    answer = client.get(f"/api/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_tree_is_read_level_by_level(client):
    classes = get(client, "matters")
    below = get(client, "matters", parent=HANDRAIL[:2] + "0000")
    leaves = get(client, "matters", parent=HANDRAIL[:4] + "00")

    assert len(classes) >= 14
    assert {one["level"] for one in classes} == {1}
    assert {one["parent"] for one in below} == {HANDRAIL[:2] + "0000"}
    assert "楼梯扶手缺失" in [one["name"] for one in leaves]


def test_the_whole_tree_is_read_at_once(client):
    assert len(get(client, "matters", whole=True)) == len(shelf.matters().entries)


def test_a_picker_finds_by_words_and_pinyin(client):
    assert get(client, "matters", q="楼道扶手")[0]["code"] == HANDRAIL
    assert get(client, "matters", q="loutifushouqueshi")[0]["code"] == HANDRAIL
    assert get(client, "matters", q="楼道扶手", parent="040000") == []


def test_a_matter_says_what_is_owed_and_by_whom(client):
    found = get(client, f"matters/{HANDRAIL}", area="210302003")

    owed = {one["clock"]: one for one in found["due"]}
    assert owed["handle"]["at"] == "2026-03-09T17:00:00+08:00"
    assert owed["handle"]["limit"]["say"] == {"zh": "5 个工作日", "en": "5 working day(s)"}
    assert owed["handle"]["doubt"] is None
    assert found["owner"]["lead"]["code"] == "210302-zhujian"
    assert [one["code"] for one in found["owner"]["assist"]] == ["210302-canlian", "210302-weijian", "210302003"]
    assert found["owner"]["convener"] == "county"
    assert [one["level"] for one in found["above"]] == [1, 2]


def test_urgency_changes_what_is_owed(client):
    owed = {one["clock"]: one["at"] for one in get(client, f"matters/{HANDRAIL}", level="urgent")["due"]}

    assert owed["handle"] == "2026-03-03T09:00:00+08:00"


def test_offices_are_named_where_the_directory_knows_them(client):
    with transaction() as s:
        county = places.area_by_code(s, "210302")
        orgs.add_org(
            s,
            SYSTEM,
            code="210302-zhujian",
            name="铁东区住建局",
            kind="government",
            level="county",
            area=county,
            valid_from=shelf.TODAY,
        )

    assert get(client, f"matters/{HANDRAIL}", area="210302003")["owner"]["lead"]["name"] == "铁东区住建局"


def test_an_unknown_matter_or_area_is_not_there(client):
    assert client.get("/api/matters/000000").status_code == 404
    assert client.get("/api/matters", params={"parent": "000000"}).status_code == 404
    assert client.get(f"/api/matters/{HANDRAIL}", params={"area": "999"}).status_code == 404


def test_grounds_are_listed_by_verb(client):
    codes = {one["code"] for one in get(client, "grounds", verb="decline")}

    assert {
        "emergency",
        "legal_channel",
        "repeat_no_new_facts",
        "secret_or_privacy",
        "outside_government",
        "unlawful",
    } <= codes
    assert "not_in_duty" not in codes
    assert len(get(client, "grounds")) > len(codes)


def test_limits_in_force_are_listed_by_clock(client):
    rows = get(client, "limits", clock="handle")

    assert {one["clock"] for one in rows} == {"handle"}
    assert all(one["basis"] for one in rows)


def test_the_calendar_of_a_year_says_whether_it_is_known(client):
    known, unknown = get(client, "calendar/2026"), get(client, "calendar/2031")

    assert known["known"]
    assert {"day": "2026-02-14", "kind": "makeup"}.items() <= known["days"][4].items()
    assert known["hours"] == [["08:30:00", "11:30:00"], ["13:00:00", "17:00:00"]]
    assert (unknown["known"], unknown["days"]) == (False, [])


def test_a_year_that_no_calendar_has_is_simply_unknown(client):
    assert get(client, "calendar/123456")["known"] is False
