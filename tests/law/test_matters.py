"""The tree of matters: codes, levels, and what a picker finds."""

import pytest

from shiyu.kernel.errors import Refusal
from shiyu.law import matters
from tests.law import shelf

TREE = shelf.matters()


def first(query, **options):
    return TREE.search(query, shelf.TODAY, **options)[0].name


@pytest.mark.parametrize(
    ("code", "level", "parent"), [("010000", 1, None), ("010200", 2, "010000"), ("010203", 3, "010200")]
)
def test_a_code_tells_its_level_and_what_stands_above(code, level, parent):
    assert matters.level_of(code) == level
    assert matters.parent_of(code) == parent


@pytest.mark.parametrize("code", ["", "01", "000101", "010001", "0101010", "01a101"])
def test_other_codes_are_none(code):
    with pytest.raises(ValueError, match=r"digits|level"):
        matters.level_of(code)


def test_a_picker_finds_by_name_phrase_pinyin_initials_code_and_english():
    handrail = shelf.code_of("楼梯扶手缺失")

    assert first("楼梯扶手缺失") == "楼梯扶手缺失"
    assert first("马葫芦盖没了") == "井盖缺失"
    assert first("nuanqibure") == "暖气不热"
    assert first("nqbr") == "暖气不热"
    assert first(handrail) == "楼梯扶手缺失"
    assert "楼梯扶手缺失" in [one.name for one in TREE.search("stairwell handrail", shelf.TODAY)]


def test_a_search_may_stay_below_a_class():
    below = TREE.search("噪声", shelf.TODAY, under=TREE.require(shelf.code_of("餐饮油烟")).parent_code[:2] + "0000")

    assert below
    assert {one.code[:2] for one in below} == {"10"}


def test_nothing_is_found_by_nothing():
    assert TREE.search("  ", shelf.TODAY) == []


def test_the_path_leads_from_the_class_to_the_matter():
    assert [one.level for one in TREE.path(shelf.code_of("楼梯扶手缺失"))] == [1, 2, 3]


def test_an_unknown_code_is_refused():
    with pytest.raises(Refusal) as refused:
        TREE.require("999999")

    assert refused.value.status == 404
