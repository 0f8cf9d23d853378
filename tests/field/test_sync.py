"""What a phone sends arrives once, whatever the net does; one bad item stops no other; nobody acts for another grid."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image
from sqlalchemy import func, select

from shiyu.cases.models import Case
from shiyu.field.models import Sighting, Task, TaskEntry
from shiyu.kernel import clock, db
from tests.kit.people import Person, a_report, citizen, deliver, staff

GRID = "2103020030041001"
AT = "2026-03-02T09:00:00+08:00"


def a_sighting(**more: Any) -> dict[str, Any]:
    """What the phone sends of broken handrails in its own grid."""
    text = "铁东区乐雪社区3号楼2单元楼梯扶手损坏，需要维修。"
    return {"client_id": str(uuid4()), "type": "sighting", "at": AT, "text": text, **more}


def a_word(kind: str, task: str, **more: Any) -> dict[str, Any]:
    """What the phone sends about a task."""
    return {"client_id": str(uuid4()), "type": kind, "at": AT, "task": task, **more}


def send(worker: Person, *items: dict[str, Any]) -> list[dict[str, Any]]:
    """One request of the queue."""
    return worker.post("/api/field/sync", {"items": list(items)})["items"]


def photo(person: Person, colour: str = "navy") -> str:
    """A picture, uploaded; its id."""
    drawn = BytesIO()
    Image.new("RGB", (64, 48), colour).save(drawn, "JPEG")
    sent = person.client.post("/api/files", files={"file": ("现场.jpg", drawn.getvalue(), "image/jpeg")})
    assert sent.status_code == 201, sent.text
    return sent.json()["id"]


def rows(model: Any) -> int:
    """How many rows a table holds."""
    with db.reading() as s:
        return s.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture
def worker(city: str) -> Person:
    """The worker of the first grid of 乐雪社区."""
    return staff(f"grid.{GRID}")


@pytest.fixture
def case(city: str) -> str:
    """A case of that grid, signed by the office for housing; its number."""
    told = citizen().post("/api/public/reports", a_report(text="铁东区乐雪社区3号楼楼梯扶手缺失，请安装。"))
    staff("dispatcher").act(told["no"], "relocate", area=GRID)
    staff("handle.210302-zhujian").act(told["no"], "sign")
    return told["no"]


@pytest.fixture
def task(case: str) -> dict[str, Any]:
    """What the office asks of the grid."""
    return staff("handle.210302-zhujian").post(f"/api/cases/{case}/tasks", {"text": "请到现场核实扶手位置并拍照。"})


# --- sightings -------------------------------------------------------------------------------------------------------------


def test_a_sighting_sent_twice_is_one_case(worker: Person) -> None:
    item = a_sighting(files=[photo(worker)])

    first, again = send(worker, item)[0], send(worker, item)[0]

    assert first["ok"]
    assert not first["known"]
    assert again == first | {"known": True}
    assert (rows(Case), rows(Sighting)) == (1, 1)


def test_a_sighting_sent_by_many_requests_at_once_is_one_case(worker: Person) -> None:
    item = a_sighting()

    with ThreadPoolExecutor(8) as pool:
        answers = [answer for sent in pool.map(lambda _: send(worker, item, item), range(8)) for answer in sent]

    assert {(answer["ok"], answer["no"]) for answer in answers} == {(True, answers[0]["no"])}
    assert sum(not answer["known"] for answer in answers) == 1
    assert (rows(Case), rows(Sighting)) == (1, 1)


def test_two_workers_whose_phones_made_the_same_id_have_two_cases(worker: Person) -> None:
    item = a_sighting()
    other = staff("grid.2103020060061001")

    answers = [send(worker, item)[0], send(other, item)[0]]

    assert answers[0]["no"] != answers[1]["no"]
    assert not answers[1]["known"]


def test_one_bad_item_is_set_aside_and_the_others_go(worker: Person) -> None:
    far = {"lon": 116.4, "lat": 39.9, "frame": "wgs84"}
    items = [
        a_sighting(),
        a_sighting(position=far),
        a_sighting(text=""),
        {"client_id": str(uuid4()), "type": "holiday"},
        a_sighting(files=[str(uuid4())]),
        {"nothing": True},
        a_sighting(),
    ]

    answers = send(worker, *items)

    assert [answer["ok"] for answer in answers] == [True, False, False, False, False, False, True]
    assert [answer["client_id"] for answer in answers] == [item.get("client_id") for item in items]
    assert [answer["status"] for answer in answers[1:6]] == [422, 422, 422, 404, 422]
    assert answers[1]["code"] == "case.outside_city"
    assert all(answer["message"]["zh"] and answer["message"]["en"] for answer in answers[1:6])
    assert answers[2]["errors"][0]["field"].endswith("text")
    assert rows(Case) == 2


def test_a_refused_item_mended_under_the_same_id_becomes_the_case(worker: Person) -> None:
    item = a_sighting(position={"lon": 116.4, "lat": 39.9})
    assert not send(worker, item)[0]["ok"]

    mended = send(worker, {**item, "position": None})[0]

    assert mended["ok"]
    assert not mended["known"]


def test_a_sighting_keeps_where_and_when_it_was_seen_and_becomes_a_case_of_the_grid(worker: Person) -> None:
    grid = worker.get("/api/field/me")["grids"][0]
    here = {**grid["centre"], "accuracy": 7.5}

    with clock.at("2026-03-02 09:05"):
        told = send(staff(f"grid.{GRID}"), a_sighting(position=here, text="楼道灯不亮"))[0]

    with db.reading() as s:
        row = s.scalars(select(Sighting)).one()
        assert (row.lon, row.lat, row.accuracy) == (here["lon"], here["lat"], 7.5)
        assert clock.beijing(row.seen_at).hour == 9
        assert row.seen_at < row.received_at
        case = s.get_one(Case, row.case_id)
        assert (case.channel, case.no, case.grid_id) == ("field", told["no"], row.grid_id)


def test_what_was_put_right_on_the_spot_stands_in_the_timeline_with_its_photos(worker: Person) -> None:
    before, after = photo(worker, "red"), photo(worker, "green")

    told = send(worker, a_sighting(files=[before], solved_on_spot=True, solved_text="已拧紧。", solved_files=[after]))[
        0
    ]

    case = staff("dispatcher").get(f"/api/cases/{told['no']}")
    assert case["state"] in {"registered", "dispatched"}
    said = case["timeline"][-1]
    assert said["verb"] == "supplement"
    assert "已现场处置" in said["text"]
    assert "已拧紧" in said["text"]
    assert [file["id"] for file in said["files"]] == [after]
    assert worker.get("/api/field/sightings")["rows"][0]["solved_on_spot"]


def test_my_sightings_show_the_present_state_of_their_cases(worker: Person) -> None:
    told = send(worker, a_sighting())[0]
    dispatcher = staff("dispatcher")
    if dispatcher.get(f"/api/cases/{told['no']}")["state"] == "registered":
        dispatcher.act(told["no"], "dispatch", lead_org="210302-zhujian")
    staff("handle.210302-zhujian").act(told["no"], "sign")

    mine = worker.get("/api/field/sightings")["rows"]

    assert [(row["no"], row["state"]) for row in mine] == [(told["no"], "handling")]
    assert staff("grid.2103020060061001").get("/api/field/sightings")["rows"] == []


# --- tasks -----------------------------------------------------------------------------------------------------------------


def test_a_task_goes_to_the_grid_and_its_done_stands_on_the_case(
    worker: Person, case: str, task: dict[str, Any]
) -> None:
    assert task["state"] == "assigned"
    waiting = worker.get("/api/field/tasks", state="open")["rows"]
    assert [row["id"] for row in waiting] == [task["id"]]
    assert waiting[0]["case"]["no"] == case
    assert waiting[0]["can"] == ["accept", "done", "return"]
    shot = photo(worker)

    answers = send(
        worker,
        a_word("task_accept", task["id"]),
        a_word("task_done", task["id"], text="二单元缺三米扶手。", files=[shot]),
    )

    assert [answer["state"] for answer in answers] == ["accepted", "done"]
    office = staff("handle.210302-zhujian")
    said = office.get(f"/api/cases/{case}")["timeline"][-1]
    assert said["verb"] == "note"
    assert "二单元缺三米扶手。" in said["text"]
    assert said["by_name"] == worker.me["name"]
    assert [file["id"] for file in said["files"]] == [shot]
    listed = office.get(f"/api/cases/{case}/tasks")
    assert [(row["state"], row["result"]) for row in listed] == [("done", "二单元缺三米扶手。")]
    assert office.client.get(listed[0]["files"][0]["url"]).status_code == 200
    assert worker.client.get(listed[0]["files"][0]["thumb_url"]).status_code == 200
    assert deliver() >= 0


def test_a_word_about_a_task_sent_twice_counts_once(worker: Person, case: str, task: dict[str, Any]) -> None:
    item = a_word("task_done", task["id"], text="已核实。", files=[photo(worker)])

    with ThreadPoolExecutor(4) as pool:
        answers = [sent[0] for sent in pool.map(lambda _: send(worker, item), range(4))]

    assert {(answer["ok"], answer["state"]) for answer in answers} == {(True, "done")}
    assert sum(not answer["known"] for answer in answers) == 1
    assert rows(TaskEntry) == 2
    timeline = staff("dispatcher").get(f"/api/cases/{case}")["timeline"]
    assert sum(one["verb"] == "note" for one in timeline) == 1


def test_a_task_that_is_done_cannot_be_done_again_or_cancelled(worker: Person, case: str, task: dict[str, Any]) -> None:
    send(worker, a_word("task_done", task["id"], text="已核实。"))

    again = send(worker, a_word("task_done", task["id"], text="又核实。"))[0]

    assert (again["status"], again["code"]) == (409, "task.wrong_state")
    staff("handle.210302-zhujian").post(f"/api/tasks/{task['id']}/cancel", status=409)


def test_a_task_is_returned_only_with_a_reason_and_the_office_reads_it(
    worker: Person, case: str, task: dict[str, Any]
) -> None:
    assert send(worker, a_word("task_return", task["id"]))[0]["status"] == 422

    told = send(worker, a_word("task_return", task["id"], text="不在本网格，属二网格。"))[0]

    assert told["state"] == "returned"
    assert "属二网格" in staff("handle.210302-zhujian").get(f"/api/cases/{case}")["timeline"][-1]["text"]


def test_another_grids_worker_neither_sees_nor_answers_a_task(worker: Person, task: dict[str, Any]) -> None:
    other = staff("grid.2103020060061001")

    assert other.get("/api/field/tasks")["rows"] == []
    other.get(f"/api/field/tasks/{task['id']}", status=404)
    answer = send(other, a_word("task_done", task["id"], text="我来。"))[0]
    assert (answer["status"], answer["code"]) == (404, "task.not_found")
    assert worker.get(f"/api/field/tasks/{task['id']}")["state"] == "assigned"


def test_only_who_has_a_part_in_the_case_gives_its_grid_a_task(worker: Person, case: str) -> None:
    words = {"text": "请核实。"}

    staff("handle.210303-zhujian").post(f"/api/cases/{case}/tasks", words, status=404)
    worker.post(f"/api/cases/{case}/tasks", words, status=403)
    staff("supervisor").post(f"/api/cases/{case}/tasks", words, status=403)
    staff("dispatcher").post(f"/api/cases/{case}/tasks", words, status=201)
    assert rows(Task) == 1


def test_a_task_goes_to_no_grid_of_another_community(case: str) -> None:
    office = staff("handle.210302-zhujian")

    refused = office.post(f"/api/cases/{case}/tasks", {"text": "请核实。", "area": "2103020060061001"}, status=422)
    assert refused["code"] == "task.other_community"
    assert office.post(f"/api/cases/{case}/tasks", {"text": "请核实。", "area": GRID})["area"]["code"] == GRID
    assert office.post(f"/api/cases/{case}/tasks", {"text": "请核实。", "due_at": "2020-01-01T00:00:00Z"}, status=422)


def test_only_who_gave_a_task_cancels_it(worker: Person, case: str, task: dict[str, Any]) -> None:
    staff("handle.210302-canlian").post(f"/api/tasks/{task['id']}/cancel", status=404)
    worker.post(f"/api/tasks/{task['id']}/cancel", status=403)

    ended = staff("handle.210302-zhujian").post(f"/api/tasks/{task['id']}/cancel", {"text": "已另行安排。"})

    assert ended["state"] == "cancelled"
    assert send(worker, a_word("task_done", task["id"], text="已核实。"))[0]["status"] == 409


def test_a_task_of_a_confidential_case_shows_its_own_words_alone_and_its_result_still_arrives(worker: Person) -> None:
    told = citizen().post(
        "/api/public/reports", a_report(text="铁东区乐雪社区3号楼楼梯扶手缺失，请安装。", confidential=True)
    )
    desk = staff("dispatcher")
    desk.act(told["no"], "relocate", area=GRID)
    given = desk.post(f"/api/cases/{told['no']}/tasks", {"text": "请查看3号楼扶手。"})

    shown = worker.get("/api/field/tasks")["rows"][0]
    assert shown["case"] is None
    assert shown["text"] == "请查看3号楼扶手。"
    assert worker.get("/api/field/cases")["rows"] == []
    send(worker, a_word("task_done", given["id"], text="扶手缺失属实。", files=[photo(worker)]))

    said = desk.get(f"/api/cases/{told['no']}")["timeline"][-1]
    assert "扶手缺失属实。" in said["text"]
    assert len(said["files"]) == 1
    worker.get(f"/api/cases/{told['no']}", status=404)


def test_a_task_may_be_done_after_its_case_has_ended(worker: Person, case: str, task: dict[str, Any]) -> None:
    office = staff("handle.210302-zhujian")
    office.act(case, "reply", text="已安装。")
    staff("caller").act(case, "call_back", result="reached", solved=True, satisfied=5)

    told = send(worker, a_word("task_done", task["id"], text="已看到新扶手。", files=[photo(worker)]))[0]

    assert told["state"] == "done"
    listed = office.get(f"/api/cases/{case}/tasks")[0]
    assert (listed["result"], len(listed["files"])) == ("已看到新扶手。", 1)
    assert office.get(f"/api/cases/{case}")["state"] == "closed"


# --- reading ---------------------------------------------------------------------------------------------------------------


def test_a_phone_learns_its_grids_with_boundaries_and_what_waits(worker: Person, task: dict[str, Any]) -> None:
    send(worker, a_sighting())

    me = worker.get("/api/field/me")

    assert [grid["code"] for grid in me["grids"]] == [GRID]
    assert me["grids"][0]["boundary"]["type"] in {"Polygon", "MultiPolygon"}
    assert me["tasks"] == {"assigned": 1, "accepted": 0}
    assert me["sightings_today"] == 1
    assert len(me["quick"]) >= 10


def test_who_works_in_no_grid_is_told_so(city: str) -> None:
    desk = staff("dispatcher")

    desk.get("/api/field/me", status=403)
    assert send(desk, a_sighting())[0]["code"] == "field.workers_only"
    assert desk.get("/api/field/tasks")["rows"] == []


def test_open_cases_around_hide_telephone_numbers(worker: Person) -> None:
    send(
        worker,
        a_sighting(text="3号楼扶手损坏，联系13804123456", position=worker.get("/api/field/me")["grids"][0]["centre"]),
    )

    found = worker.get("/api/field/cases")["rows"]

    assert len(found) == 1
    assert "13804123456" not in found[0]["text"]
    assert "reporter" not in found[0]


def test_heat_counts_cases_by_piece_and_leaves_out_confidential_ones(worker: Person) -> None:
    here = worker.get("/api/field/me")["grids"][0]["centre"]
    send(worker, *[a_sighting(position=here) for _ in range(3)])
    secret = a_report(text="铁东区乐雪社区有人倾倒垃圾", confidential=True, position={**here, "frame": "wgs84"})
    citizen().post("/api/public/reports", secret)

    found = worker.get("/api/field/heat", scope="town")

    by_code = {piece["code"]: piece["n"] for piece in found["pieces"]}
    assert by_code[GRID] == 3
    assert found["total"] == 3
    assert worker.get("/api/field/heat", days=1, matter="99")["total"] == 0
    cells = worker.get("/api/field/heat")
    assert cells["total"] == 3
    assert all(piece["shape"] for piece in cells["pieces"])


def test_a_queue_longer_than_a_batch_is_refused_as_a_whole(worker: Person) -> None:
    worker.post("/api/field/sync", {"items": [a_sighting() for _ in range(51)]}, status=422)

    assert rows(Case) == 0
