"""The demonstration's own answers: made up, marked so, and found by what people say."""

from datetime import datetime

import pytest

from shiyu.demo import knowledge, people
from shiyu.kernel import clock, db
from tests.kit.people import citizen, staff

pytestmark = pytest.mark.usefixtures("city")

SAID = [
    ("我的社保卡丢了，上哪补办", "社会保障卡"),
    ("家里暖气不热，才十五度，能退费吗", "暖气不热"),
    ("刚生的孩子上户口要带什么", "新生儿落户"),
    ("旧沙发没地方扔", "大件垃圾"),
    ("租房能不能提取公积金", "公积金"),
    ("老年公交卡在哪办", "优待卡"),
]


def test_the_demonstrations_answers_are_marked_and_found():
    with clock.at("2026-02-01 09:00"):
        with db.reading() as s:
            cast = people.cast(s)
        assert knowledge.fill(cast, datetime.fromisoformat("2026-01-10T09:00:00+08:00")) == 12

        rows = staff("dispatcher").get("/api/knowledge")["rows"]
        assert {row["state"] for row in rows} == {"draft", "reviewing", "published"}
        whole = [staff("agent").get(f"/api/knowledge/{row['no']}") for row in rows[:3]]
        assert all(one["origin"] == "synthetic" and "演示" in one["content"]["sources"][0]["title"] for one in whole)
        for said, title in SAID:
            if title != "优待卡":  # waits for its review
                found = citizen().get("/api/public/knowledge", text=said)
                assert found["found"], said
                assert title in found["rows"][0]["title"], said
        for said in ("楼下烧烤摊半夜太吵", "路灯坏了三天没人修", "邻居家狗咬人"):
            assert not citizen().get("/api/public/knowledge", text=said)["found"], said
