"""Posts over HTTP: hand-overs keep open tasks, stand-ins take them over, cards are checked by everybody, citizens find their grid worker."""

from typing import Any
from uuid import uuid4

import pytest

from shiyu.kernel import clock
from tests.kit.people import Person, a_report, citizen, staff

GRID = "2103020030041001"
HOLDER, OTHER = f"grid.{GRID}", "grid.2103020060061001"
AT = "2026-03-02 08:00"


@pytest.fixture(autouse=True)
def monday(city: str):
    """A Monday in Beijing."""
    with clock.at(AT):
        yield


@pytest.fixture
def desk(city: str) -> Person:
    """Who keeps the posts of the city."""
    return staff("dispatcher")


def name_of(username: str) -> str:
    """The name under which the directory knows an account."""
    return staff(username).me["name"]


def a_post(desk: Person, username: str = HOLDER, **more: Any) -> dict[str, Any]:
    """A designated grid worker, from today on."""
    person = {"name": name_of(username), "username": username}
    body = {"kind": "designated", "area": GRID, "person": person, "valid_from": "2026-03-02"}
    return desk.post("/api/posts", {**body, **more}, status=201)


def a_task() -> dict[str, Any]:
    """What the office asks of the grid."""
    told = citizen().post("/api/public/reports", a_report(text="铁东区乐雪社区3号楼楼梯扶手缺失，请安装。"))
    staff("dispatcher").act(told["no"], "relocate", area=GRID)
    staff("handle.210302-zhujian").act(told["no"], "sign")
    return staff("handle.210302-zhujian").post(f"/api/cases/{told['no']}/tasks", {"text": "请核实。"})


def send(worker: Person, kind: str, **more: Any) -> dict[str, Any]:
    item = {"client_id": str(uuid4()), "type": kind, "at": "2026-03-02T08:00:00+08:00", **more}
    return worker.post("/api/field/sync", {"items": [item]})["items"][0]


def test_a_post_changes_hands_and_its_open_tasks_wait_for_the_new_holder(desk: Person) -> None:
    post, task = a_post(desk), a_task()
    assert send(staff(HOLDER), "task_accept", task=task["id"])["ok"]
    newcomer = {"name": name_of(OTHER), "username": OTHER}

    with clock.at("2026-03-03 08:00"):
        desk = staff("dispatcher")
        new = desk.post(f"/api/posts/{post['id']}/hand-over", {"person": newcomer, "on": "2026-03-03"}, status=201)

        assert new["person"]["name"] == newcomer["name"]
        mine = staff(OTHER).get("/api/field/tasks", state="open")["rows"]
        assert [(row["id"], row["state"]) for row in mine] == [(task["id"], "accepted")]
        assert mine[0]["steps"][-1]["verb"] == "hand_over"
        staff(HOLDER).get("/api/field/me", status=403)
        assert send(staff(OTHER), "task_done", task=task["id"], text="已核实。")["state"] == "done"
    served = desk.get("/api/posts/served", area=GRID, on="2026-03-02")
    assert [row["id"] for row in served] == [post["id"]]


def test_a_stand_in_has_the_tasks_while_his_days_last(desk: Person) -> None:
    post, task = a_post(desk), a_task()
    body = {"person": {"name": name_of(OTHER), "username": OTHER}, "valid_from": "2026-03-03", "valid_to": "2026-03-05"}
    desk.post(f"/api/posts/{post['id']}/stand-in", body, status=201)
    path = f"/api/field/tasks/{task['id']}"

    staff(OTHER).get(path, status=404)
    with clock.at("2026-03-04 09:00"):
        staff(OTHER).get(path)
        staff(HOLDER).get(path)
    with clock.at("2026-03-05 00:30"):
        staff(OTHER).get(path, status=404)
        staff(HOLDER).get(path)


def test_posts_are_kept_by_who_keeps_the_area_and_read_by_nobody_else(desk: Person) -> None:
    post = a_post(desk)
    body = {"kind": "designated", "area": GRID, "person": {"name": "王安"}, "valid_from": "2026-03-02"}

    for username in ("agent", OTHER, "security"):
        person = staff(username)
        assert person.post("/api/posts", body, status=403)["code"] == "post.not_yours"
        assert person.get("/api/posts")["rows"] == []
        person.post(f"/api/posts/{post['id']}/end", {"on": "2026-03-09"}, status=404)
        assert person.get("/api/posts/gaps", kind="designated", level="grid")["rows"] == []
    assert [row["id"] for row in desk.get("/api/posts")["rows"]] == [post["id"]]
    assert desk.get("/api/posts", kind="police")["rows"] == []
    assert desk.get("/api/posts", on="2026-03-01")["rows"] == []


def test_what_is_wrong_with_a_post_is_named_by_its_field_in_both_languages(desk: Person) -> None:
    body = {"kind": "designated", "area": GRID, "person": {"name": "王安"}, "valid_from": "2026-03-02"}

    wrong = [
        ({"kind": "king"}, "kind"),
        ({"area": "210302"}, "area"),
        ({"valid_to": "2026-03-02"}, "valid_to"),
        ({"person": {"name": "王安", "telephone": "12"}}, "telephone"),
        ({"person": {"name": "王安", "username": "nobody.here"}}, "username"),
        ({"person": {"name": "别人", "username": HOLDER}}, "username"),
        ({"valid_from": "tomorrow"}, "valid_from"),
    ]
    for change, field in wrong:
        told = desk.post("/api/posts", {**body, **change}, status=422)
        assert told["errors"][0]["field"] == field
        assert told["errors"][0]["message"]["zh"] != told["errors"][0]["message"]["en"]
    assert desk.get("/api/posts")["rows"] == []


def test_gaps_are_listed_with_their_day_and_counted_by_county(desk: Person) -> None:
    a_post(desk, valid_to="2026-03-20")
    community = GRID[:12]

    now = desk.get("/api/posts/gaps", kind="designated", level="grid", area=community)["rows"]
    soon = desk.get("/api/posts/gaps", kind="designated", level="grid", area=community, days=30)["rows"]

    assert GRID not in [row["area"]["code"] for row in now]
    assert [row["opens_on"] for row in soon if row["area"]["code"] == GRID] == ["2026-03-20"]
    counts = desk.get("/api/posts/gaps/counts", kind="designated", level="grid")
    assert sum(row["gaps"] for row in counts) == sum(row["areas"] for row in counts) - 1
    desk.get("/api/posts/gaps", kind="third_level", level="grid", status=422)


def test_everybody_checks_a_card_and_it_is_void_when_the_post_ends(desk: Person) -> None:
    post = a_post(desk)
    card = staff(HOLDER).get("/api/field/cards")[0]
    assert (card["no"], card["name"]) == (post["no"], post["person"]["name"])

    told = citizen().get(f"/api/public/cards/{card['card']}")
    assert told["valid"]
    assert set(told) == {"valid", "no", "name", "kind_label", "area_name"}
    desk.post(f"/api/posts/{post['id']}/end", {"on": "2026-03-03"})
    with clock.at("2026-03-03 00:00"):
        gone = citizen().get(f"/api/public/cards/{card['card']}")
        assert gone == {"valid": False, "no": None, "name": None, "kind_label": None, "area_name": None}
        assert staff(HOLDER).get("/api/field/cards") == []
    assert citizen().get("/api/public/cards/guess") == gone
    assert "card" not in post


def test_a_lost_card_is_replaced_by_its_holder_alone(desk: Person) -> None:
    post = a_post(desk)
    worker = staff(HOLDER)
    old = worker.get("/api/field/cards")[0]["card"]

    staff(OTHER).post(f"/api/posts/{post['id']}/card", status=404)
    worker.post(f"/api/posts/{post['id']}/card")

    new = worker.get("/api/field/cards")[0]["card"]
    assert not citizen().get(f"/api/public/cards/{old}")["valid"]
    assert citizen().get(f"/api/public/cards/{new}")["valid"]


def test_a_citizen_finds_the_grid_worker_by_position_address_or_community(desk: Person) -> None:
    a_post(desk, telephone_public=True, person={"name": "王小安", "work_telephone": "0412-5550001"})
    a_post(desk, kind="police", person={"name": "李小宁", "work_telephone": "0412-5550002"})
    here = staff(HOLDER).get("/api/field/me")["grids"][0]["centre"]

    by_point = citizen().get("/api/public/grid-workers", **here)
    by_text = citizen().get("/api/public/grid-workers", text="铁东区乐雪社区3号楼")
    by_code = citizen().get("/api/public/grid-workers", area=GRID)

    assert [(one["kind"], one["name"], one["telephone"]) for one in by_point["posts"]] == [
        ("designated", "王**", "04125550001"),
        ("police", "李**", None),
    ]
    assert by_code["posts"] == by_point["posts"]
    assert by_text["level"] == "community"
    assert GRID in [one["code"] for one in by_text["grids"]]
    assert by_text["office"]["name"]
    assert "王小安" not in str(by_point)


def test_who_objected_is_shown_to_nobody(desk: Person) -> None:
    post = a_post(desk, telephone_public=True)
    assert len(citizen().get("/api/public/grid-workers", area=GRID)["posts"]) == 1

    staff(HOLDER).post(f"/api/posts/{post['id']}/show", {"listed": False})

    assert citizen().get("/api/public/grid-workers", area=GRID)["posts"] == []
    staff(OTHER).post(f"/api/posts/{post['id']}/show", {"listed": True}, status=404)


def test_a_place_that_is_not_known_well_enough_is_asked_for_again(city: str) -> None:
    anybody = citizen()

    assert anybody.get("/api/public/grid-workers", area="210302", status=422)["errors"][0]["field"] == "text"
    assert anybody.get("/api/public/grid-workers", status=422)["code"] == "locate.nothing"
    assert anybody.get("/api/public/grid-workers", lon=116.4, lat=39.9, status=404)["code"] == "locate.outside"
    assert anybody.get("/api/public/grid-workers", area="999", status=404)["code"] == "area.not_found"
    assert anybody.get("/api/public/grid-workers", area=GRID)["posts"] == []


def test_asking_too_often_is_refused(city: str) -> None:
    anybody = citizen()

    codes = {anybody.client.get("/api/public/cards/x").status_code for _ in range(40)}

    assert codes == {200, 429}
