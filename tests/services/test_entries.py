"""An entry's way: an office writes, the centre publishes, everybody reads, somebody looks again; and who may not."""

import pytest

from shiyu.kernel import clock, db, jobs
from shiyu.kernel.audit import Audit
from shiyu.kernel.events import Event
from shiyu.services import actions
from tests.kit.people import a_report, citizen, deliver, staff
from tests.services.shelf import CARD, OFFICE, OTHER, OWNER, act, draft, published, words

pytestmark = pytest.mark.usefixtures("city")


def found(person, text: str, path: str = "/api/public/knowledge") -> list[str]:
    return [row["no"] for row in person.get(path, text=text)["rows"]]


# --- the way -------------------------------------------------------------------------------------------------------------


def test_an_office_writes_the_centre_publishes_and_a_citizen_reads():
    with clock.at("2026-03-02 09:00"):
        owner, centre, reader = staff(OWNER), staff("dispatcher"), citizen()
        entry = draft(owner)
        assert (entry["state"], entry["can"], entry["in_force"]) == ("draft", ["edit", "submit", "withdraw"], False)
        assert found(reader, "社保卡丢了") == []

        sent = act(owner, entry, "submit")
        assert sent["can"] == ["withdraw"]
        out = act(centre, sent, "publish")

        assert (out["state"], out["number"], out["in_force"]) == ("published", 1, True)
        assert out["review_on"] == "2026-08-29"
        assert [one["verb"] for one in out["acts"]] == ["publish", "submit", "write"]
        assert found(reader, "社保卡丢了怎么办") == [entry["no"]]
        shown = reader.get(f"/api/public/knowledge/{entry['no']}")
        assert shown["steps"] == words()["steps"]
        assert "acts" not in shown


def test_readers_keep_the_published_words_while_the_next_are_written():
    with clock.at("2026-03-02 09:00"):
        owner, centre, agent = staff(OWNER), staff("dispatcher"), staff("agent")
        entry = act(owner, published(), "revise")
        entry = act(owner, entry, "edit", **words(title="社保卡丢失补办（新）", answer="先挂失。到窗口补办。"))

        assert entry["draft"]["title"] == "社保卡丢失补办（新）"
        assert {one["field"] for one in entry["changes"]} == {"title", "answer"}
        read = agent.get(f"/api/knowledge/{entry['no']}")
        assert (read["title"], read["content"]["title"], read["draft"], read["can"]) == (CARD, CARD, None, [])
        assert citizen().get(f"/api/public/knowledge/{entry['no']}")["title"] == CARD

        out = act(centre, act(owner, entry, "submit"), "publish")

        assert out["number"] == 2
        assert citizen().get(f"/api/public/knowledge/{entry['no']}")["title"] == "社保卡丢失补办（新）"
        assert (
            citizen().get("/api/public/knowledge", text="社保卡丢失补办")["rows"][0]["title"] == "社保卡丢失补办（新）"
        )


def test_each_published_version_is_kept_whole_and_its_changes_are_shown():
    owner, centre = staff(OWNER), staff("dispatcher")
    entry = act(owner, published(), "revise")
    entry = act(owner, entry, "edit", **words(steps=["电话挂失"], keywords=["社保卡"]))
    entry = act(centre, act(owner, entry, "submit"), "publish")

    assert [one["number"] for one in entry["versions"]] == [2, 1]
    first = owner.get(f"/api/knowledge/{entry['no']}/versions/1")
    second = owner.get(f"/api/knowledge/{entry['no']}/versions/2")
    assert first["content"]["steps"] == words()["steps"]
    assert first["changes"] == []
    assert [one["field"] for one in second["changes"]] == ["steps", "keywords"]
    owner.get(f"/api/knowledge/{entry['no']}/versions/3", 404)
    staff("agent").get(f"/api/knowledge/{entry['no']}/versions/1", 404)
    assert staff("agent").get(f"/api/knowledge/{entry['no']}/versions/2")["changes"] == []


def test_what_is_returned_goes_back_to_the_author_with_a_reason():
    sent = act(staff(OWNER), draft(), "submit")

    refused = act(staff("dispatcher"), sent, "return", 422)
    back = act(staff("dispatcher"), sent, "return", text="请写明网点地址")

    assert refused["errors"][0]["field"] == "text"
    assert (back["state"], back["acts"][0]["text"]) == ("draft", "请写明网点地址")


def test_what_is_withdrawn_is_read_by_nobody_until_it_is_published_again():
    with clock.at("2026-03-02 09:00"):
        entry = published()
        gone = act(staff("supervisor"), entry, "withdraw", text="政策已变")
        assert found(citizen(), "社保卡丢了") == []
        citizen().get(f"/api/public/knowledge/{entry['no']}", 404)
        staff("agent").get(f"/api/knowledge/{entry['no']}", 404)

        back = act(staff(OWNER), gone, "revise")
        assert found(citizen(), "社保卡丢了") == []
        act(staff("dispatcher"), act(staff(OWNER), back, "submit"), "publish")

        assert found(citizen(), "社保卡丢了") == [entry["no"]]


def test_on_the_day_of_review_an_entry_is_marked_and_still_read():
    with clock.at("2026-03-02 09:00"):
        entry = published()
    with clock.at("2026-08-28 23:00"), db.transaction() as s:
        assert actions.sweep(s) == 0
    with clock.at("2026-08-29 00:30"):
        assert jobs.due_ticks() > 0
        due = staff(OWNER).get(f"/api/knowledge/{entry['no']}")
        assert (due["state"], due["in_force"]) == ("due", True)
        assert "confirm" in due["can"]
        assert staff(OWNER).get("/api/knowledge/waiting")["due"] == 1
        assert staff(OWNER).get("/api/knowledge", state="due")["rows"][0]["no"] == entry["no"]
        assert found(citizen(), "社保卡丢了") == [entry["no"]]

        right = act(staff(OWNER), due, "confirm")

        assert (right["state"], right["review_on"], right["number"]) == ("published", "2027-02-25", 1)


def test_what_ceases_to_hold_is_due_that_day_and_found_no_more():
    with clock.at("2026-03-02 09:00"):
        entry = published(valid_to="2026-04-01")
        assert entry["review_on"] == "2026-04-01"
    with clock.at("2026-04-01 08:00"):
        assert found(citizen(), "社保卡丢了") == []
        citizen().get(f"/api/public/knowledge/{entry['no']}", 404)
        assert staff("agent").get(f"/api/knowledge/{entry['no']}")["in_force"] is False
        sent = act(staff(OWNER), act(staff(OWNER), entry, "revise"), "submit")

        refused = act(staff("dispatcher"), sent, "publish", 422)

        assert refused["errors"][0]["field"] == "valid_to"


def test_what_is_for_staff_is_not_for_citizens():
    entry = published(audience="staff")

    assert found(citizen(), "社保卡丢了") == []
    citizen().get(f"/api/public/knowledge/{entry['no']}", 404)
    citizen().post(f"/api/public/knowledge/{entry['no']}/answered", status=404)
    assert found(staff("agent"), "社保卡丢了", "/api/knowledge/suggest") == [entry["no"]]


# --- who may not -----------------------------------------------------------------------------------------------------------


def test_an_office_writes_for_itself_alone():
    refused = staff(OTHER).post("/api/knowledge", {"org": OFFICE, **words()}, 403)

    assert refused["code"] == "entry.not_your_office"


def test_a_draft_is_seen_by_its_office_its_author_and_the_centre_alone():
    entry = draft(staff("agent"))

    for person in ("agent", OWNER, "dispatcher", "supervisor", "dispatch.210302"):
        assert staff(person).get(f"/api/knowledge/{entry['no']}")["no"] == entry["no"], person
    for person in (OTHER, "caller", "dispatch.210303"):
        staff(person).get(f"/api/knowledge/{entry['no']}", 404)
        assert staff(person).get("/api/knowledge")["rows"] == []


def test_only_the_centre_of_the_office_publishes():
    sent = act(staff(OWNER), draft(), "submit")

    assert act(staff(OWNER), sent, "publish", 403)["code"] == "entry.not_yours"
    act(staff("dispatch.210303"), sent, "publish", 404)
    assert act(staff("dispatch.210302"), sent, "publish")["state"] == "published"


@pytest.mark.parametrize("username", ["security", "audit", "system", "display"])
def test_who_has_no_part_in_the_work_reads_at_the_public_door(username):
    entry = published()
    person = staff(username)

    for path in ("", "/waiting", "/questions", "/feedback", f"/{entry['no']}"):
        person.get(f"/api/knowledge{path}", 403)
    person.post("/api/knowledge", {"org": OFFICE, **words()}, 403)


def test_without_an_account_only_the_public_door_opens():
    for path in ("", "/suggest?text=社保卡", "/waiting", "/questions", "/feedback", "/K-000001"):
        citizen().get(f"/api/knowledge{path}", 401)


def test_a_stale_screen_changes_nothing():
    entry = draft()
    act(staff(OWNER), entry, "edit", **words(title="社保卡补办办法"))

    refused = act(staff(OWNER), entry, "submit", 409)

    assert refused["now"] == {"version": 2, "state": "draft"}


# --- bad input ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"title": "短"}, "title"),
        ({"answer": ""}, "answer"),
        ({"matter": "999999"}, "matter"),
        ({"matter": "12"}, "matter"),
        ({"valid_to": "2025-12-31"}, "valid_to"),
        ({"valid_from": "明天"}, "valid_from"),
        ({"audience": "friends"}, "audience"),
        ({"keywords": ["词"] * 31}, "keywords"),
        ({"sources": [{"title": ""}]}, "sources.0.title"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_words_that_do_not_fit_are_refused_by_name(more, field):
    refused = staff(OWNER).post("/api/knowledge", {"org": OFFICE, **words(**more)}, 422)

    assert refused["errors"][0]["field"] == field
    assert all(refused["errors"][0]["message"][lang] for lang in ("zh", "en"))


def test_an_office_that_is_none_is_refused():
    staff("agent").post("/api/knowledge", {"org": "nobody", **words()}, 404)


# --- lists -------------------------------------------------------------------------------------------------------------------


def test_lists_are_filtered_and_come_in_pages():
    empty = staff("agent").get("/api/knowledge")
    assert empty == {"rows": [], "next": None}
    numbers = [published(title=f"{CARD}（{n}）", matter="010101" if n % 2 else None)["no"] for n in range(5)]
    agent = staff("agent")

    first = agent.get("/api/knowledge", limit=3)
    rest = agent.get("/api/knowledge", limit=3, after=first["next"])

    assert [row["no"] for row in first["rows"] + rest["rows"]] == numbers[::-1]
    assert rest["next"] is None
    assert len(agent.get("/api/knowledge", matter="010000")["rows"]) == 2
    assert [row["no"] for row in agent.get("/api/knowledge", text="（3）")["rows"]] == [numbers[3]]
    assert agent.get("/api/knowledge", text="100%_")["rows"] == []
    assert len(agent.get("/api/knowledge", org=OFFICE)["rows"]) == 5
    assert agent.get("/api/knowledge", mine=True)["rows"] == []
    assert len(staff(OWNER).get("/api/knowledge", mine=True)["rows"]) == 5
    agent.get("/api/knowledge", 422, after="zzz")


# --- uses and remarks ------------------------------------------------------------------------------------------------------------


def a_case(**more: object) -> str:
    return citizen().post(
        "/api/public/reports", a_report(text="请问社保卡丢了怎么补办，去哪里办？", kind="consult", **more)
    )["no"]


def test_a_case_answered_with_an_entry_is_counted_once():
    entry, agent = published(), staff("agent")
    no = a_case()

    first = agent.post(f"/api/knowledge/{entry['no']}/use", {"case": no}, 201)
    again = agent.post(f"/api/knowledge/{entry['no']}/use", {"case": no}, 201)
    citizen().post(f"/api/public/knowledge/{entry['no']}/answered", status=204)

    assert (first["known"], again["known"]) == (False, True)
    seen = agent.get(f"/api/knowledge/{entry['no']}")
    assert seen["uses"] == 2
    assert seen["last_use"]
    with db.reading() as s:
        assert s.query(Event).filter(Event.kind == "entry.used").count() == 1


def test_a_use_wants_a_case_that_one_sees_and_an_entry_that_is_read():
    entry, no = published(), a_case()

    assert staff(OTHER).post(f"/api/knowledge/{entry['no']}/use", {"case": no}, 404)["code"] == "case.not_found"
    staff("agent").post(f"/api/knowledge/{draft(staff('agent'))['no']}/use", {"case": no}, 409)
    staff("agent").post("/api/knowledge/K-999999/use", {"case": no}, 404)


def test_one_address_cannot_count_without_end():
    entry, reader = published(), citizen()
    for _ in range(10):
        reader.post(f"/api/public/knowledge/{entry['no']}/answered", status=204)

    reader.post(f"/api/public/knowledge/{entry['no']}/answered", status=429)


def test_a_remark_goes_to_the_owners_list_and_is_settled_there():
    entry, owner = published(), staff(OWNER)
    citizen().post(
        f"/api/public/knowledge/{entry['no']}/feedback", {"kind": "outdated", "text": "电话换了，我是13804120001"}, 201
    )
    staff("agent").post(f"/api/knowledge/{entry['no']}/feedback", {"kind": "helpful"}, 201)

    waiting = owner.get("/api/knowledge/feedback")["rows"]
    assert [(row["kind"], row["text"], row["by_name"], row["no"]) for row in waiting] == [
        ("outdated", "电话换了，我是138****0001", None, entry["no"])
    ]
    assert owner.get("/api/knowledge/waiting")["remarks"] == 1
    assert staff(OTHER).get("/api/knowledge/feedback")["rows"] == []
    staff(OTHER).post(f"/api/knowledge/feedback/{waiting[0]['id']}/settle", {"text": "已改"}, 404)

    done = owner.post(f"/api/knowledge/feedback/{waiting[0]['id']}/settle", {"text": "已改"})

    assert (done["settled_text"], bool(done["settled_at"])) == ("已改", True)
    owner.post(f"/api/knowledge/feedback/{waiting[0]['id']}/settle", {"text": "又改"}, 409)
    assert owner.get("/api/knowledge/feedback")["rows"] == []
    assert len(owner.get(f"/api/knowledge/{entry['no']}")["feedback"]) == 2
    assert staff("caller").get(f"/api/knowledge/{entry['no']}")["feedback"] == []


def test_what_is_wrong_must_be_said():
    entry = published()

    refused = citizen().post(f"/api/public/knowledge/{entry['no']}/feedback", {"kind": "wrong"}, 422)

    assert refused["errors"][0]["field"] == "text"


# --- news ------------------------------------------------------------------------------------------------------------------------


def test_publishing_and_withdrawing_are_audited_and_told():
    entry = published()
    act(staff("supervisor"), entry, "withdraw", text="重复")
    deliver()

    with db.reading() as s:
        audited = [row.action for row in s.query(Audit).filter(Audit.action.startswith("entry.")).order_by(Audit.seq)]
        told = [row.data["verb"] for row in s.query(Event).filter(Event.kind == "entry.moved").order_by(Event.seq)]
    assert audited == ["entry.publish", "entry.withdraw"]
    assert told == ["write", "submit", "publish", "withdraw"]
