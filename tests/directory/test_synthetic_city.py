from collections import Counter
from random import Random

import numpy as np
import pytest
import shapely

from shiyu.demo.city import areas, ground
from shiyu.directory import codes
from shiyu.directory.coords import Frame, to_wgs84
from tests.directory.ground import laid, rows


def of(level):
    return [row for row in rows() if row["level"] == level and row["valid_to"] is None and row["kind"] != "functional"]


def test_the_city_has_its_seven_counties_and_ninety_six_townships():
    kinds = Counter(row["name"][-2:] if row["name"].endswith("街道") else row["name"][-1] for row in of("town"))

    assert [row["code"] for row in of("county")] == [
        "210302", "210303", "210304", "210311", "210321", "210323", "210381",
    ]  # fmt: skip
    assert kinds == {"街道": 40, "镇": 52, "乡": 3, "区": 1}


def test_every_code_fits_its_level_and_lies_below_its_parent():
    code_of = {row["id"]: row["code"] for row in rows()}

    for row in rows():
        if row["kind"] != "functional":
            assert codes.level_of(row["code"]) == row["level"]
            assert codes.parent_of(row["code"]) == code_of.get(row["parent_id"])


@pytest.mark.parametrize("level", ["county", "town", "community", "grid", "cell"])
def test_every_point_of_the_city_lies_in_exactly_one_area_of_each_level(level):
    city = shapely.from_wkb(of("city")[0]["boundary"])
    tree = shapely.STRtree(shapely.from_wkb([row["boundary"] for row in of(level)]))
    random = np.random.default_rng(11)
    west, south, east, north = city.bounds
    points = shapely.points(random.uniform(west, east, 20_000), random.uniform(south, north, 20_000))
    points = points[shapely.intersects(city, points)]

    which, _ = tree.query(points, predicate="intersects")

    assert len(points) > 5_000
    assert set(np.bincount(which, minlength=len(points))) == {1}


def test_every_county_holds_its_real_centre():
    boundaries = {row["code"]: shapely.from_wkb(row["boundary"]) for row in of("county")}

    for row in areas.table("counties"):
        centre = to_wgs84(float(row["gcj_lon"]), float(row["gcj_lat"]), Frame.GCJ02)
        assert shapely.contains_xy(boundaries[row["code"]], *centre), row["name"]


def test_the_people_of_the_parts_are_the_people_of_the_whole():
    zones = sum(row["population"] or 0 for row in laid().functional)
    below = Counter()
    for row in rows():
        if row["valid_to"] is None and row["kind"] != "functional":
            below[row["parent_id"]] += row["population"]

    assert sum(row["population"] for row in of("county")) + zones == 3_325_372
    assert all(below[row["id"]] == row["population"] for row in of("county") + of("town") + of("community"))


def test_the_communities_of_the_stories_are_where_they_belong():
    names = {row["code"]: row["name"] for row in rows()}

    assert names["210302003004"] == "乐雪社区"
    assert names["210302006006"] == names["210302005006"] == "烈士山社区"


def test_the_same_seed_gives_the_same_ground_and_another_seed_another():
    def shape(seed):
        return [(row["code"], row["name"], row["boundary"]) for row in areas.rows(areas.lay_out(Random(seed), 120, 1))]

    assert shape(5) == shape(5)
    assert shape(5) != shape(6)


def test_a_city_needs_a_grid_for_every_township():
    with pytest.raises(ValueError, match="at least"):
        areas.lay_out(Random(1), 50, 1)


def test_shares_are_whole_and_lose_nobody():
    assert ground.shares(10, [1, 1, 1]) == [4, 3, 3]
    assert ground.shares(7, [0.1, 100.0, 0.1], least=1) == [1, 5, 1]


def test_a_cut_keeps_the_ground_whole():
    square = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]

    cells = ground.divide(Random(2), square, 12)

    assert sum(ground.area(cell) for cell in cells) == pytest.approx(100.0)
    assert all(ground.inside(cell, ground.centroid(cell)) for cell in cells)
