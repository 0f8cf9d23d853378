"""Whose a matter is in a place: the most particular matter, then the most particular area."""

from datetime import date

from shiyu.law.duties import Charge, Duties
from tests.law import shelf

LEXUE = ("210300", "210302", "210302003", "210302003004")
SINCE = date(2020, 1, 1)


def charge(matter, area, lead, *assist):
    return Charge(matter, area, lead, assist, "county", SINCE, None, "default profile")


def test_the_handrail_in_lexue_goes_to_housing_with_disabled_health_and_street_under_the_county_centre():
    owner = shelf.duties().owner(shelf.code_of("楼梯扶手缺失"), LEXUE)

    assert owner.lead_code == "210302-zhujian"
    assert owner.assist_codes == ("210302-canlian", "210302-weijian", "210302003")
    assert owner.convener_level == "county"
    assert owner.unambiguous
    assert [one.code for one in owner.because] == ["duty_matter"]
    assert owner.basis == "default profile"


def test_heating_is_the_citys_in_the_urban_districts_and_the_countys_own_in_haicheng():
    cold = shelf.code_of("暖气不热")

    town = shelf.duties().owner(cold, ("210300", "210304", "210304001"))
    country = shelf.duties().owner(cold, ("210300", "210381", "210381001"))

    assert town.lead_code == "210300-reli"
    assert country.lead_code == "210381-zhujian"
    assert [one.code for one in country.because] == ["duty_matter", "duty_area"]


def test_a_particular_matter_goes_before_a_particular_area():
    table = Duties(
        (charge("*", "210302003", "{town}"), charge("0101", "*", "{county}-zhujian"), charge("01", "210302", "a"))
    )

    assert table.owner("010101", LEXUE).lead_code == "210302-zhujian"
    assert table.owner("010201", LEXUE).lead_code == "a"
    assert table.owner("020101", LEXUE).lead_code == "210302003"


def test_the_finest_area_goes_first_among_equals():
    table = Duties((charge("01", "*", "a"), charge("01", "210302003", "c"), charge("01", "210302", "b")))

    assert [table.owner("010101", LEXUE[:n]).lead_code for n in (1, 2, 3, 4)] == ["a", "b", "c", "c"]


def test_a_row_that_has_ended_is_not_asked():
    ended = Charge("01", "*", "old", (), "county", SINCE, date(2026, 1, 1), "default profile")
    table = Duties((ended, Charge("01", "*", "new", (), "county", date(2026, 1, 1), None, "default profile")))

    assert table.owner("010101", LEXUE, date(2025, 12, 31)).lead_code == "old"
    assert table.owner("010101", LEXUE, date(2026, 1, 1)).lead_code == "new"


def test_where_the_place_is_only_roughly_known_the_same_office_above_leads_and_a_person_looks():
    owner = shelf.duties().owner(shelf.code_of("楼梯扶手缺失"), ("210300",))

    assert owner.lead_code == "210300-zhujian"
    assert owner.assist_codes == ()
    assert owner.convener_level == "city"
    assert not owner.unambiguous
    assert owner.because[-1].code == "duty_place"


def test_a_street_matter_without_a_street_goes_to_the_centre():
    owner = shelf.duties().owner(shelf.code_of("楼道堆放杂物"), ("210300", "210302"))

    assert owner.lead_code == "210302-centre"
    assert not owner.unambiguous


def test_without_a_row_the_nearest_centre_is_asked_to_decide():
    owner = Duties(()).owner("010101", LEXUE)

    assert owner.lead_code == "210302003-centre"
    assert owner.rule_id is None
    assert not owner.unambiguous
    assert owner.because[0].say() == "权责清单中没有事项 010101 的规定，请分拨员判断。"
