from datetime import date

import pytest
from sqlalchemy import func, select

from shiyu.directory import places
from shiyu.directory.gazetteer import gazetteer
from shiyu.kernel.audit import Audit
from shiyu.kernel.auth import SYSTEM
from shiyu.kernel.clock import at
from shiyu.kernel.db import reading, transaction
from shiyu.kernel.errors import Refusal
from tests.directory.folk import KEEPER, SINCE, WORKER, small_city


def refused(code):
    return pytest.raises(Refusal, match=f"^{code}:")


def test_an_area_hangs_under_the_one_its_code_names(database):
    with transaction() as s:
        areas = small_city(s)

        community = areas["210302003004"]

        assert [area.name for area in places.lineage(s, community)] == ["鞍山市", "铁东区", "山南街道", "乐雪社区"]
        assert (community.county_id, community.town_id) == (areas["210302"].id, areas["210302003"].id)
        assert (community.community_id, community.grid_id) == (community.id, None)


def test_every_change_of_the_directory_is_on_record(database):
    with transaction() as s:
        small_city(s)

        assert s.scalar(select(func.count()).where(Audit.action == "area.add")) == 5


def test_only_a_keeper_changes_the_directory(database):
    with transaction() as s, refused("auth.forbidden"):
        places.add_area(s, WORKER, code="210300", name="鞍山市", level="city", valid_from=SINCE)


@pytest.mark.parametrize(
    ("code", "level", "why"),
    [
        ("210302003", "community", "area.bad_code"),
        ("210302003004", "community", "area.code_taken"),
        ("210302003000", "town", "area.code_taken"),
        ("210303002", "town", "area.bad_parent"),
        ("210400", "city", None),
    ],
)
def test_a_code_must_fit_its_level_be_free_and_have_its_parent(database, code, level, why):
    with transaction() as s:
        small_city(s)

        if why is None:
            places.add_area(s, KEEPER, code=code, name="新区域", level=level, valid_from=SINCE)
        else:
            with refused(why):
                places.add_area(s, KEEPER, code=code, name="新区域", level=level, valid_from=SINCE)


def test_areas_below_are_listed_by_pinyin_and_day(database):
    with transaction() as s:
        areas = small_city(s)
        places.add_area(s, KEEPER, code="210302002", name="解放街道", level="town", valid_from=date(2025, 1, 1))

        now = places.areas_under(s, areas["210302"], "town", date(2026, 1, 1))
        before = places.areas_under(s, areas["210302"], "town", date(2024, 12, 31))
        everything = places.areas_under(s, areas["210300"], on=date(2026, 1, 1))

    assert [area.name for area in now] == ["解放街道", "山南街道", "站前街道"]
    assert [area.name for area in before] == ["山南街道", "站前街道"]
    assert len(everything) == 5


def test_a_street_goes_over_into_others_and_stays_findable(database):
    with transaction() as s:
        areas = small_city(s)
        old, community = areas["210302003"], areas["210302003004"]
        with refused("area.has_children"):
            places.end_area(s, KEEPER, old, date(2026, 1, 1))
        places.end_area(s, KEEPER, community, date(2026, 1, 1))
        places.end_area(s, KEEPER, old, date(2026, 1, 1), [(areas["210302006"], 1.0)], basis="default profile")

    with at("2026-01-01 00:00"), reading() as s:
        dead = places.area_by_code(s, "210302003")
        heirs = places.successors(s, dead)
        located = gazetteer(s).locate_text("山南街道停水")

    assert [(area.code, share) for area, share in heirs] == [("210302006", 1.0)]
    assert located.lineage.code == "210302006"
    assert located.because[0].code == "former"


def test_successors_of_successors_are_followed_with_their_shares(database):
    with transaction() as s:
        areas = small_city(s)
        first, second = areas["210302003"], areas["210302006"]
        third, fourth = (
            places.add_area(s, KEEPER, code=code, name=name, level="town", valid_from=SINCE)
            for code, name in [("210302008", "和平街道"), ("210302011", "湖南街道")]
        )
        places.end_area(s, KEEPER, areas["210302003004"], date(2024, 1, 1))
        places.end_area(s, KEEPER, first, date(2024, 1, 1), [(second, 0.5), (third, 0.5)])
        places.end_area(s, KEEPER, second, date(2025, 1, 1), [(third, 0.2), (fourth, 0.8)])

        heirs = places.successors(s, first)

    assert [(area.name, round(share, 2)) for area, share in heirs] == [("和平街道", 0.6), ("湖南街道", 0.4)]


@pytest.mark.parametrize(
    ("heir", "share", "why"),
    [
        ("210302006", 0.5, "area.bad_shares"),
        ("210302", 1.0, "area.bad_successor"),
        ("210302003", 1.0, "area.bad_successor"),
    ],
)
def test_a_successor_is_of_the_same_level_and_the_shares_are_whole(database, heir, share, why):
    with transaction() as s:
        areas = small_city(s)
        places.end_area(s, KEEPER, areas["210302003004"], date(2026, 1, 1))

        with refused(why):
            places.end_area(s, KEEPER, areas["210302003"], date(2026, 1, 1), [(areas[heir], share)])


def test_an_area_ends_once_and_after_its_beginning(database):
    with transaction() as s:
        areas = small_city(s)
        street = areas["210302006"]

        with refused("area.bad_day"):
            places.end_area(s, KEEPER, street, SINCE)
        places.end_area(s, KEEPER, street, date(2026, 1, 1))
        with refused("area.ended"):
            places.end_area(s, KEEPER, street, date(2026, 2, 1))


def test_a_renamed_area_is_found_by_both_names(database):
    with transaction() as s:
        areas = small_city(s)
        places.rename_area(s, KEEPER, areas["210302003004"], "雪山社区")

    with reading() as s:
        new, old = gazetteer(s).locate_text("雪山社区"), gazetteer(s).locate_text("乐雪社区")

    assert new.lineage.code == old.lineage.code == "210302003004"
    assert (new.because[0].code, old.because[0].code) == ("full", "alias")


def test_a_transaction_sees_its_own_areas_and_the_others_only_what_is_committed(database):
    with transaction() as s:
        small_city(s)
    with reading() as s:
        before = gazetteer(s)

    with transaction() as s:
        places.add_area(s, KEEPER, code="210302003005", name="新社区", level="community", valid_from=SINCE)
        inside = gazetteer(s)
        with reading() as other:
            outside = gazetteer(other)
    with reading() as s:
        after = gazetteer(s)

    assert inside.by_code("210302003005") is not None
    assert outside is before
    assert after.by_code("210302003005") is not None


def test_what_is_rolled_back_is_never_found(database):
    with transaction() as s:
        small_city(s)

    with transaction() as s:
        places.add_area(s, KEEPER, code="210302003005", name="新社区", level="community", valid_from=SINCE)
        assert gazetteer(s).by_code("210302003005") is not None
        s.rollback()

    with reading() as s:
        assert gazetteer(s).by_code("210302003005") is None


def test_a_place_is_added_found_and_removed(database):
    with transaction() as s:
        areas = small_city(s)
        place = places.add_place(
            s, KEEPER, name="烈士山", kind="landmark", area=areas["210302003004"], aliases=["烈士山公园"]
        )
        found = [gazetteer(s).locate_text(text) for text in ("烈士山上", "去烈士山公园")]
        places.remove_place(s, KEEPER, place)
        gone = gazetteer(s).locate_text("烈士山上")

    assert [located.lineage.code for located in found] == ["210302003004"] * 2
    assert gone is None


def test_a_place_needs_a_kind_and_somewhere_to_be(database):
    with transaction() as s:
        with refused("place.bad_kind"):
            places.add_place(s, SYSTEM, name="x", kind="planet", lon=1, lat=1)
        with refused("place.nowhere"):
            places.add_place(s, SYSTEM, name="x", kind="estate", lon=122.9)


def test_an_alias_given_twice_stands_once(database):
    with transaction() as s:
        street = small_city(s)["210302003"]

        places.add_alias(s, KEEPER, street, "police", "210302510000")
        places.add_alias(s, KEEPER, street, "police", "210302510000")

        assert s.scalar(select(func.count()).select_from(places.AreaAlias)) == 1
