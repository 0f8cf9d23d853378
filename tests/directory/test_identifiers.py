from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiyu.directory import identifiers


def test_the_worked_example_of_the_standard_has_its_check():
    assert identifiers.is_uscc("91350100M000100Y43")
    assert identifiers.uscc_check("91350100M000100Y4") == "3"


@given(st.integers(0, 16), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"))
def test_no_single_slip_in_a_credit_code_goes_unseen(position, mark):
    code = "91350100M000100Y43"
    slipped = code[:position] + mark + code[position + 1 :]

    assert identifiers.is_uscc(slipped) == (slipped == code)


@pytest.mark.parametrize("code", ["", "91350100M000100Y4", "91350100I000100Y43", "9135010OM000100Y43"])
def test_what_has_not_the_form_of_a_credit_code_is_none(code):
    assert not identifiers.is_uscc(code)


def test_a_credit_code_whose_sum_divides_by_31_ends_in_nought():
    # The last mod 31 of the rule is easily forgotten: then such a code would have no check character at all.
    stems = [f"91210300MA0000{a}{b}0" for a in "0123456789ABCDEFGH" for b in "0123456789ABCDEFGH"]

    assert {identifiers.uscc_check(stem) for stem in stems} >= {"0"}


def test_a_citizen_number_says_where_when_and_whom():
    found = identifiers.citizen_id("11010519491231002X")

    assert found == identifiers.CitizenId("110105", date(1949, 12, 31), male=False, check_right=True)
    assert identifiers.is_citizen_id("11010519491231002x")


def test_a_wrong_check_is_told_and_not_thrown():
    found = identifiers.citizen_id("110105194912310021")

    assert found is not None
    assert not found.check_right


@pytest.mark.parametrize(
    "number", ["", "11010519490231002X", "11010519491331002X", "1101051949123100", "A1010519491231002X"]
)
def test_what_cannot_be_a_citizen_number_is_none(number):
    assert identifiers.citizen_id(number) is None


@pytest.mark.parametrize(
    ("given_as", "kept_as"),
    [
        ("13800138000", "+8613800138000"),
        ("138 0013 8000", "+8613800138000"),
        ("+86-138-0013-8000", "+8613800138000"),
        ("００８６１３８００１３８０００", "+8613800138000"),
        ("0412-5512345", "+864125512345"),
        ("（0412）5512345", "+864125512345"),
        ("5512345", "+864125512345"),
        ("12345", "12345"),
        ("110", "110"),
    ],
)
def test_a_telephone_has_one_form(given_as, kept_as):
    assert identifiers.telephone(given_as) == kept_as


@pytest.mark.parametrize("number", ["", "12", "1280013800", "138001380001", "abcdefgh", "0"])
def test_what_cannot_be_a_telephone_is_none(number):
    assert identifiers.telephone(number) is None
