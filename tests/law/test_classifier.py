"""Free text to a matter: complaints as people say them, and nonsense."""

import csv
import statistics
import time
from pathlib import Path

import pytest

from shiyu.law.classifier import Scorer, words_of
from tests.law import shelf

HERE = Path(__file__).parent
NONSENSE = [
    "啊啊啊啊",
    "asdfgh",
    "喂喂听得见吗",
    "一二三四五六七",
    "我想找你聊聊天",
    "床前明月光疑是地上霜",
    "哈哈哈哈哈你猜我是谁",
    "",
    "嗯",
    "你好",
    "！！！？？",
    "13912345678",
]


def sentences(name):
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["matter"]) for row in csv.DictReader(file)]


def right(name):
    """The share of sentences whose first guess is the expected matter, and of those among the first three."""
    said = sentences(name)
    first = third = 0
    for text, matter in said:
        guess, code = shelf.scorer().classify(text), shelf.code_of(matter)
        first += guess.matter_code == code
        third += code in [guess.matter_code, *(runner for runner, _ in guess.runners[:2])]
    return len(said), first / len(said), third / len(said)


@pytest.mark.parametrize("name", ["sentences.csv", "sentences_more.csv"])
def test_most_complaints_are_recognised_at_once_and_nearly_all_among_three(name):
    count, first, third = right(name)

    assert count >= 60
    assert first >= 0.85
    assert third >= 0.92


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_unknown(text):
    guess = shelf.scorer().classify(text)

    assert guess.matter_code is None
    assert guess.confidence == 0
    assert guess.because[0].say() == "文中没有足以判断事项的词语。"


def test_the_reasons_name_the_words_where_they_stand():
    text = "您好，我家楼道里一直没有扶手，老人下楼费劲"

    guess = shelf.scorer().classify(text)

    assert guess.matter_code == shelf.code_of("楼梯扶手缺失")
    facts = [one.facts for one in guess.because if one.code == "matter_word"]
    assert all(text[one["start"] : one["end"]] == one["text"] for one in facts)
    assert all(any(word in one["text"] for one in facts) for word in ("楼道", "扶手"))


def test_offsets_hold_in_mixed_case():
    text = "楼下Ktv噪音太大"

    guess = shelf.scorer().classify(text)

    assert guess.matter_code == shelf.code_of("娱乐场所噪声")
    assert any(one.facts["text"].startswith("Ktv") for one in guess.because if one.code == "matter_word")


def test_digits_inside_a_longer_number_are_no_word():
    said, number = (shelf.scorer().classify(text) for text in ("打120来得慢", "我电话13120120120"))

    assert said.matter_code == shelf.code_of("院前急救")
    assert number.matter_code is None


def test_runners_up_stand_in_order_and_the_sure_guess_is_surer():
    sure, unsure = (shelf.scorer().classify(text) for text in ("楼道没有扶手，老人上下楼没扶手", "停车"))

    assert sure.confidence > unsure.confidence
    scores = [score for _, score in sure.runners]
    assert scores == sorted(scores, reverse=True)


def test_the_kind_of_demand_tips_the_scale():
    unsure = "公积金"

    codes = {shelf.scorer().classify(unsure, kind).matter_code for kind in ("consult", "report")}

    assert shelf.code_of("单位不缴公积金") in codes
    assert len(codes) == 2


def test_a_scorer_without_matters_knows_nothing():
    assert Scorer(()).classify("暖气不热").matter_code is None


def test_a_phrase_is_cut_into_words_of_two_characters_or_more():
    assert words_of("楼道扶手") == ["楼道", "扶手"]
    assert all(len(word) >= 2 for word in words_of("楼道没扶手"))


def test_a_text_of_sixty_characters_takes_far_less_than_a_millisecond():
    texts = [(text * 4)[:60] for text, _ in sentences("sentences.csv")]
    shelf.scorer()
    spent = []
    for text in texts * 3:
        begin = time.perf_counter()
        shelf.scorer().classify(text)
        spent.append(time.perf_counter() - begin)

    assert (
        statistics.median(spent) < 0.0005
    )  # 50 to 70 microseconds on a quiet machine; the limit allows for a busy one
