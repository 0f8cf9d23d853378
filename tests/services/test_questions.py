"""Questions that found no answer: gathered without persons, alike ones together, decided by their owners."""

import pytest

from shiyu.kernel import clock
from tests.kit.people import a_report, citizen, deliver, staff
from tests.services.shelf import OFFICE, OTHER, OWNER, published, words

pytestmark = pytest.mark.usefixtures("city")

PENSION = "请问养老金什么时候发放"


def asked(text: str, **more: object) -> None:
    citizen().post("/api/public/reports", a_report(text=text, kind="consult", **more))


def listed(person, **query: object) -> list[dict]:
    return person.get("/api/knowledge/questions", **query)["rows"]


def test_consultations_without_a_good_entry_are_gathered_alike_ones_together():
    with clock.at("2026-03-02 09:00"):
        asked(f"{PENSION}？我的电话是13804120001")
        deliver()
    with clock.at("2026-03-03 10:00"):
        asked(f"{PENSION}啊，我叫王秀英，")
        asked("残疾人乘公交车有没有优惠政策")
        deliver()

    rows = listed(staff("agent"))

    assert [row["times"] for row in rows if "养老金" in row["sample"]] == [2]
    pension = next(row for row in rows if "养老金" in row["sample"])
    assert "王秀英" not in pension["sample"]
    assert "13804120001" not in pension["sample"]
    assert pension["first_at"] < pension["last_at"]
    assert len(rows) == 2


def test_a_consultation_with_a_good_entry_leaves_no_question():
    published()
    asked("请问社保卡丢了怎么补办社保卡")
    deliver()

    assert listed(staff("agent")) == []


def test_neither_complaints_nor_confidential_words_are_gathered():
    citizen().post("/api/public/reports", a_report(kind="complaint"))
    asked("请问举报邻居骗低保怎么保护我", confidential=True)
    deliver()

    assert listed(staff("agent")) == []


def test_an_agent_writes_down_what_he_looked_for_in_vain():
    agent = staff("agent")

    agent.post("/api/knowledge/questions", {"text": "新生儿上户口要带什么材料"}, 201)
    agent.post("/api/knowledge/questions", {"text": "新生儿上户口带什么材料呢"}, 201)

    assert [row["times"] for row in listed(agent)] == [2]
    refused = agent.post("/api/knowledge/questions", {"text": "？？？！！"}, 422)
    assert refused["errors"][0]["field"] == "text"
    assert agent.post("/api/knowledge/questions", {"text": "短"}, 422)["errors"][0]["field"] == "text"


def test_an_entry_is_made_of_a_question_and_the_question_leaves_the_list():
    centre = staff("dispatcher")
    made = staff("agent").post("/api/knowledge/questions", {"text": PENSION}, 201)

    entry = centre.post("/api/knowledge", {"org": OFFICE, "question": made["id"], **words(title=PENSION)}, 201)

    assert listed(centre) == []
    taken = listed(centre, state="taken")
    assert [(row["entry"], row["state"]) for row in taken] == [(entry["no"], "taken")]
    again = centre.post("/api/knowledge", {"org": OFFICE, "question": made["id"], **words()}, 409)
    assert again["code"] == "question.wrong_state"
    assert len(centre.get("/api/knowledge")["rows"]) == 1


def test_the_centre_lets_a_question_go():
    made = staff("agent").post("/api/knowledge/questions", {"text": PENSION}, 201)

    staff("agent").post(f"/api/knowledge/questions/{made['id']}/dismiss", status=403)
    gone = staff("supervisor").post(f"/api/knowledge/questions/{made['id']}/dismiss")

    assert (gone["state"], gone["can"]) == ("dismissed", [])
    staff("supervisor").post(f"/api/knowledge/questions/{made['id']}/dismiss", status=409)
    staff("agent").post("/api/knowledge/questions", {"text": PENSION}, 201)
    assert [row["times"] for row in listed(staff("agent"))] == [1]  # asked again is a new question


def test_an_office_sees_its_own_questions_and_hands_back_what_is_not_for_it():
    asked("铁东区乐雪社区3号楼楼梯扶手缺失，请问应该找谁申请安装扶手", key="8f4f4d1e-8a55-4c64-9a3c-1f0b8d1f2a10")
    deliver()
    row = listed(staff("agent"))[0]
    assert row["org"]["code"] == OFFICE
    owner = staff(OWNER)
    assert [(one["id"], one["can"]) for one in listed(owner)] == [(row["id"], ["take", "hand_back"])]
    assert listed(staff(OTHER)) == []
    staff(OTHER).post(f"/api/knowledge/questions/{row['id']}/hand_back", status=404)

    owner.post(f"/api/knowledge/questions/{row['id']}/hand_back")

    assert listed(owner) == []
    assert [one["org"] for one in listed(staff("dispatcher"))] == [None]


def test_questions_come_in_pages_the_newest_first():
    agent = staff("agent")
    assert agent.get("/api/knowledge/questions") == {"rows": [], "next": None}
    texts = ["新生儿上户口要带什么材料", "残疾人公交优惠政策", "退休人员体检在哪里预约"]
    for text in texts:
        agent.post("/api/knowledge/questions", {"text": text}, 201)

    first = agent.get("/api/knowledge/questions", limit=2)
    rest = agent.get("/api/knowledge/questions", limit=2, after=first["next"])

    assert [row["sample"] for row in first["rows"] + rest["rows"]] == texts[::-1]
