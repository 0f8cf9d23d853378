import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from shiyu.demo.city import build
from shiyu.demo.city.areas import MARTYRS_HILL
from shiyu.directory import api
from shiyu.directory.coords import Frame, from_wgs84
from shiyu.kernel import web
from shiyu.kernel.auth import SYSTEM, create_account, sign_in
from shiyu.kernel.db import transaction


@pytest.fixture
def client(database):
    """A visitor of a small city who is not signed in."""
    with transaction() as s:
        build(s, grids=130, cells_per_grid=1)
    app = FastAPI()
    web.install(app)
    app.include_router(api.router)
    return TestClient(app)


@pytest.fixture
def staff(client):
    """The same visitor, signed in."""
    password = "Lou-Dao-Fu-Shou-12"
    with transaction() as s:
        create_account(s, SYSTEM, "wang", "王安", password, must_change=False)
    with transaction() as s:
        client.cookies.set(web.COOKIE, sign_in(s, "wang", password, None, None, None).token)
    return client


def test_anybody_reads_the_counties(client):
    found = client.get("/api/areas").json()

    names = [row["name"] for row in found["rows"]]
    assert len(names) == 10
    assert names.index("海城市") < names.index("铁东区")
    assert found["next"] is None


def test_areas_are_read_by_parent_level_and_words(client):
    below = client.get("/api/areas", params={"parent": "210302"}).json()["rows"]
    communities = client.get("/api/areas", params={"parent": "210302", "level": "community"}).json()["rows"]
    pinyin = client.get("/api/areas", params={"q": "lexue"}).json()["rows"]
    initials = client.get("/api/areas", params={"q": "snjd", "level": "town"}).json()["rows"]

    assert len(below) == 11
    assert all(row["code"].startswith("210302") and row["level"] == "community" for row in communities)
    assert pinyin[0]["name"] == "乐雪社区"
    assert [row["name"] for row in initials] == ["山南街道"]


def test_pages_of_areas_follow_each_other_without_gap(client):
    whole = client.get("/api/areas", params={"level": "town"}).json()["rows"]
    paged, after = [], None
    while True:
        page = client.get(
            "/api/areas", params={"level": "town", "limit": 40} | ({"after": after} if after else {})
        ).json()
        paged += page["rows"]
        after = page["next"]
        if not after:
            break

    assert paged == whole
    assert len(whole) == 96


def test_one_area_tells_its_path_and_a_dead_one_its_successor(client):
    living = client.get("/api/areas/210302003004").json()
    dead = client.get("/api/areas/210302005006").json()

    assert [area["name"] for area in living["path"]] == ["鞍山市", "铁东区", "山南街道", "乐雪社区"]
    assert (living["successors"], living["readiness"], living["origin"]) == ([], "daily", "synthetic")
    assert [area["code"] for area in dead["successors"]] == ["210302006006"]
    assert dead["valid_to"] == "2023-06-30"
    assert client.get("/api/areas/999999").status_code == 404


@pytest.mark.parametrize(("level", "count"), [("county", 7), ("town", 96), ("grid", None)])
def test_boundaries_are_drawn_and_unchanged_as_long_as_their_tag(client, level, count):
    first = client.get("/api/areas.geojson", params={"level": level})
    again = client.get("/api/areas.geojson", params={"level": level}, headers={"If-None-Match": first.headers["etag"]})

    features = first.json()["features"]
    assert first.headers["content-type"] == "application/geo+json"
    assert len(features) == (count or len(features)) > 0
    assert all(feature["geometry"]["type"] in {"Polygon", "MultiPolygon"} for feature in features)
    assert (again.status_code, again.content) == (304, b"")


def test_a_point_is_located_in_the_frame_it_is_given_in(client):
    lon, lat = from_wgs84(*MARTYRS_HILL, Frame.GCJ02)

    located = client.get("/api/locate", params={"lon": lon, "lat": lat, "frame": "gcj02"}).json()

    assert located["name"].startswith("铁东区站前街道烈士山社区")
    assert located["because"][0]["zh"].startswith("坐标落在")
    assert located["because"][0]["en"].startswith("The point lies in")


def test_a_text_is_located_with_offsets(client):
    located = client.get("/api/locate", params={"text": "铁东区乐雪社区楼道扶手坏了"}).json()

    assert located["area"] == {"code": "210302003004", "name": "乐雪社区", "level": "community"}
    assert [(match["start"], match["end"]) for match in located["matches"]] == [(0, 3), (3, 7)]


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({}, 422, "locate.nothing"),
        ({"text": "  "}, 422, "locate.nothing"),
        ({"lon": 116.4, "lat": 39.9}, 404, "locate.outside"),
        ({"text": "路灯不亮"}, 404, "locate.unknown"),
        ({"lon": 122.9, "lat": 41.0, "frame": "mars"}, 422, "input.invalid"),
        ({"lon": "nan", "lat": 41.0}, 422, "input.invalid"),
        ({"text": "长" * 2001}, 422, "input.invalid"),
    ],
)
def test_what_cannot_be_located_is_refused_with_a_sentence(client, params, status, code):
    answer = client.get("/api/locate", params=params)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "{" not in answer.json()["message"]["zh"]


@pytest.mark.parametrize("path", ["/api/orgs", "/api/orgs/210300-centre", "/api/duty"])
def test_a_stranger_sees_no_offices(client, path):
    assert client.get(path).status_code == 401


def test_staff_find_offices_and_their_posts(staff):
    found = staff.get("/api/orgs", params={"q": "山南街道", "kind": "street"}).json()
    one = staff.get("/api/orgs/210302003").json()

    assert [office["code"] for office in found] == ["210302003"]
    assert (one["parent"], one["area"]["name"]) == ("210302-centre", "山南街道")
    assert "210302003004" in {office["code"] for office in one["below"]}
    assert one["posts"][0]["person"]["work_telephone"].startswith("+864120")
    assert staff.get("/api/orgs/nowhere").status_code == 404


def test_staff_see_who_is_on_duty_today(staff):
    lines = staff.get("/api/duty").json()

    assert len(lines) == 104
    assert lines[0]["org"]["code"] == "210300-centre"
    assert lines[0]["leader"]["name"]
    assert lines[0]["officer"]["name"]
