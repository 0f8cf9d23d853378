"""From words to entries: pure, with reasons, and quick enough for every key that is pressed."""

import csv
from datetime import date
from random import Random
from time import perf_counter
from uuid import uuid4

import pytest

from shiyu.law.load import BOOKS
from shiyu.services import actions
from shiyu.services.compare import between
from shiyu.services.matching import Catalogue, Item, likeness, pairs

DAY = date(2026, 3, 2)


def item(number: int, title: str, answer: str = "请看说明。", keywords: tuple[str, ...] = (), **more: object) -> Item:
    given = {"prefix": "", "public": True, "valid_from": date(2026, 1, 1), "valid_to": None, **more}
    return Item(f"K-{number:06d}", 1, title, answer, (), keywords, org_id=uuid4(), **given)  # type: ignore[arg-type]


SHELF = (
    item(1, "社会保障卡丢失后怎么补办？", "先电话挂失，再到银行网点补办。", ("社保卡丢了", "补办社保卡")),
    item(2, "居住证怎么办理？", "带身份证和居住证明到派出所办理。", ("办居住证", "暂住证")),
    item(3, "冬季供热温度不达标怎么办？", "请先联系供热单位测温，室温低于标准可申请退费。", ("暖气不热", "家里太冷")),
    item(4, "义务教育阶段转学怎么办理？", "由家长向转入学校提出申请。", ("孩子转学", "小学转学"), prefix="0701"),
    item(5, "内部：热线话术", "仅供坐席使用。", ("话术",), public=False),
)


@pytest.fixture
def shelf() -> Catalogue:
    found = Catalogue()
    found.change((), SHELF)
    return found


@pytest.mark.parametrize(
    ("said", "no"),
    [
        ("社保卡丢了怎么办", "K-000001"),
        ("您好，我想问一下我妈的社保卡丢了去哪补", "K-000001"),
        ("外地人怎么办居住证", "K-000002"),
        ("家里暖气不热，孩子都感冒了，供热公司也不来", "K-000003"),
        ("孩子要转学到另一个小学", "K-000004"),
    ],
)
def test_what_people_say_finds_its_entry(shelf, said, no):
    assert shelf.search(said, DAY, public=True)[0].item.no == no


@pytest.mark.parametrize("said", ["", "？？", "怎么办理", "楼下烧烤摊半夜吵得睡不着", "路灯坏了三天了"])
def test_what_no_entry_speaks_of_finds_nothing_good(shelf, said):
    assert all(hit.score < 0.4 for hit in shelf.search(said, DAY, public=True))


def test_a_hit_says_why_and_where(shelf):
    hit = shelf.search("社保卡丢了怎么补办", DAY, public=True)[0]

    assert 0.4 < hit.score <= 1
    assert hit.because[0].say() == "与“社保卡丢了”一致"
    assert hit.because[0].say("en").startswith("agrees with")
    assert [hit.item.title[begin:end] for begin, end in hit.title_marks] == ["卡丢", "补办"]
    assert "补办" in [hit.snippet[begin:end] for begin, end in hit.snippet_marks]


def test_the_matter_that_was_guessed_counts(shelf):
    plain = shelf.search("转学", DAY, public=True)[0]
    guessed = shelf.search("转学", DAY, public=True, guess="070103", sure=0.9, matter_name="转学")[0]

    assert guessed.score > plain.score
    assert any(one.code == "knowledge_matter" for one in guessed.because)


def test_a_long_answer_is_cut_to_where_it_speaks_of_the_question():
    found = Catalogue()
    found.change(
        (), [item(1, "供热问答", "前言。" * 80 + "室温低于十八度可以申请退还热费。" + "后记。" * 80, ("供热",))]
    )

    hit = found.search("室温低可以退热费吗", DAY, public=True)[0]

    assert "退还热费" in hit.snippet
    assert len(hit.snippet) < 100
    assert all(0 <= begin < end <= len(hit.snippet) for begin, end in hit.snippet_marks)


def test_who_is_not_staff_finds_nothing_for_staff(shelf):
    assert shelf.search("热线话术", DAY, public=True) == []
    assert shelf.search("热线话术", DAY, public=False)[0].item.no == "K-000005"


@pytest.mark.parametrize(
    ("day", "found"), [(date(2025, 12, 31), 0), (date(2026, 1, 1), 1), (date(2026, 5, 31), 1), (date(2026, 6, 1), 0)]
)
def test_only_what_is_in_force_is_found(day, found):
    shelf = Catalogue()
    shelf.change((), [item(1, "清明祭扫预约", valid_to=date(2026, 6, 1))])

    assert len(shelf.search("清明祭扫预约", day, public=True)) == found


def test_what_is_replaced_or_taken_out_is_forgotten(shelf):
    shelf.change(["K-000002"], [item(1, "公积金提取")])

    assert shelf.search("居住证", DAY, public=True) == []
    assert shelf.search("社保卡丢了", DAY, public=True) == []
    assert shelf.search("公积金提取", DAY, public=True)[0].item.no == "K-000001"


def test_odd_characters_stay_in_their_places(shelf):
    hit = shelf.search("ＡＢＣ㎡社保卡İ丢了", DAY, public=True)[0]

    assert hit.item.no == "K-000001"


def test_five_thousand_entries_answer_while_one_types():
    random = Random(7)
    with (BOOKS / "national" / "matters.csv").open(encoding="utf-8", newline="") as file:
        said = [word for row in csv.DictReader(file) for word in (row["name"], *row["synonyms"].split("|")) if word]

    def text(length: int) -> str:
        return "，".join(random.choices(said, k=length))

    shelf = Catalogue()
    shelf.change((), [item(n, text(2), text(50), (text(1), text(1))) for n in range(10, 5010)])
    shelf.change((), SHELF)
    asked = ["我的社保卡丢了怎么补办，去哪里，要带什么材料", text(40), text(3)]

    best = []
    for words in asked * 5:
        begin = perf_counter()
        shelf.search(words, DAY, public=True)
        best.append(perf_counter() - begin)

    assert shelf.search(asked[0], DAY, public=True)[0].item.no == "K-000001"
    assert sorted(best)[len(best) // 2] < 0.010


# --- likeness, levelling, comparing ------------------------------------------------------------------------------------


def test_questions_that_say_the_same_are_alike():
    one, other = pairs("养老金什么时候发放"), pairs("请问养老金几号发放")

    assert likeness(one, other) >= 0.5
    assert likeness(one, pairs("公交车什么时候来")) < 0.5
    assert likeness(set(), set()) == 0


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("我叫王秀英，电话13804120001，养老金怎么查", "我叫**，电话138****0001，养老金怎么查"),
        ("身份证210302196001011234能查社保吗", "身份证210*************34能查社保吗"),
        ("户号1234567欠费怎么交", "户号***欠费怎么交"),
        ("12345能查吗", "***能查吗"),
    ],
)
def test_what_tells_of_a_person_is_levelled(said, kept):
    assert actions.levelled(said) == kept


def test_what_changed_between_two_versions_is_told_sentence_by_sentence():
    old = {"title": "甲", "answer": "先挂失。再补办。", "steps": ["一", "二"], "matter": None}
    new = {"title": "甲", "answer": "先挂失。带身份证。再补办。", "steps": ["一"], "matter": "070103"}

    found = {change.field: [(piece.how, piece.text) for piece in change.pieces] for change in between(old, new)}

    assert found["answer"] == [("same", "先挂失。"), ("added", "带身份证。"), ("same", "再补办。")]
    assert found["steps"] == [("same", "一\n"), ("removed", "二\n")]
    assert found["matter"] == [("added", "070103")]
    assert "title" not in found
