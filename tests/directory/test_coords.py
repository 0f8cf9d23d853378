import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from shiyu.directory.coords import Frame, distance, from_wgs84, geometry_to_wgs84, to_wgs84

# A degree inside the box in which GCJ-02 is defined, so that a shifted point is inside it too.
inside_china = st.tuples(st.floats(73.1, 136.8), st.floats(1.9, 54.8))


@pytest.mark.parametrize(
    ("frame", "lon", "lat"),
    [
        (Frame.GCJ02, 116.41024449916938, 39.91640428150164),
        (Frame.BD09, 116.41662724378733, 39.922699552216216),
        (Frame.CGCS2000, 116.404, 39.915),
    ],
)
def test_a_known_place_in_beijing_has_its_known_place_in_each_frame(frame, lon, lat):
    found = from_wgs84(116.404, 39.915, frame)

    assert found == pytest.approx((lon, lat), abs=1e-9)


@given(inside_china, st.sampled_from(list(Frame)))
def test_there_and_back_is_less_than_half_a_metre_off(place, frame):
    lon, lat = place

    there = from_wgs84(lon, lat, frame)
    back = to_wgs84(*there, frame)

    assert distance(lon, lat, *back) < 0.5


@given(st.floats(122.1, 123.8), st.floats(40.0, 41.6))
def test_in_the_city_gcj02_is_some_hundred_metres_off(lon, lat):
    shifted = from_wgs84(lon, lat, Frame.GCJ02)

    assert 100 < distance(lon, lat, *shifted) < 1000


def test_outside_china_gcj02_is_no_other_frame():
    tokyo = (139.76, 35.68)

    assert from_wgs84(*tokyo, Frame.GCJ02) == tokyo


def test_many_points_are_converted_as_each_one_is():
    lons, lats = np.array([122.99, 122.43, 123.28]), np.array([41.09, 41.41, 40.29])

    together = to_wgs84(lons, lats, Frame.BD09)

    alone = [to_wgs84(float(lon), float(lat), Frame.BD09) for lon, lat in zip(lons, lats, strict=True)]
    assert np.allclose(np.column_stack(together), alone, atol=1e-9)


def test_a_boundary_moves_as_its_corners_do():
    square = shapely.box(122.9, 41.0, 123.0, 41.1)

    moved = geometry_to_wgs84(square, Frame.GCJ02)

    corner = to_wgs84(122.9, 41.0, Frame.GCJ02)
    assert moved.distance(shapely.Point(corner)) < 1e-9
    assert moved.is_valid


def test_a_degree_of_latitude_is_about_111_kilometres():
    assert distance(123.0, 41.0, 123.0, 42.0) == pytest.approx(111_195, rel=1e-3)
