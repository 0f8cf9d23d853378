from concurrent.futures import ThreadPoolExecutor
from random import Random
from statistics import median
from time import perf_counter

import pytest
import shapely

from shiyu.demo.city.areas import MARTYRS_HILL
from tests.directory.ground import atlas, laid


def where(text, **more):
    located = atlas().locate_text(text, **more)
    return located and (located.lineage.name, located.level)


def reasons(text):
    located = atlas().locate_text(text)
    return [because.code for because in located.because]


def test_a_point_on_the_hill_lies_in_its_community_down_to_the_cell():
    located = atlas().locate_point(*MARTYRS_HILL)

    assert located.level == "cell"
    assert located.confidence == 1
    assert located.lineage.name.startswith("铁东区站前街道烈士山社区")
    assert located.lineage.codes()["community"] == "210302006006"
    assert located.because[0].say() == f"坐标落在{located.lineage.name}。"


@pytest.mark.parametrize("point", [(116.4, 39.9), (0.0, 0.0), (123.9, 41.9)])
def test_a_point_outside_the_city_is_nowhere(point):
    assert atlas().locate_point(*point) is None


def test_points_are_found_together_as_each_alone():
    random = Random(7)
    points = [(random.uniform(122.1, 123.8), random.uniform(40.0, 41.6)) for _ in range(500)]

    together = atlas().locate_points(*zip(*points, strict=True))

    alone = [atlas().locate_point(*point) for point in points]
    assert [found and found.code for found in together] == [found and found.lineage.code for found in alone]
    assert any(found is None for found in together)
    assert any(found is not None for found in together)


def test_many_threads_ask_at_once_and_all_hear_the_same():
    random = Random(3)
    points = [(random.uniform(122.9, 123.1), random.uniform(41.0, 41.2)) for _ in range(200)]
    expected = [atlas().locate_point(*point).lineage.code for point in points]

    with ThreadPoolExecutor(8) as pool:
        rounds = list(pool.map(lambda _: [atlas().locate_point(*p).lineage.code for p in points], range(16)))

    assert all(heard == expected for heard in rounds)


@pytest.mark.parametrize(
    ("text", "name", "level"),
    [
        ("铁东区山南街道乐雪社区楼道扶手坏了", "铁东区山南街道乐雪社区", "community"),
        ("乐雪社区楼道扶手坏了", "铁东区山南街道乐雪社区", "community"),
        ("铁东山南乐雪社区", "铁东区山南街道乐雪社区", "community"),
        ("乐雪社区第1网格有建筑垃圾", "铁东区山南街道乐雪社区第1网格", "grid"),
        ("千山区路面塌陷", "千山区", "county"),
        ("立山区千山街道", "立山区千山街道", "town"),
        ("海城南台镇停电", "海城市南台镇", "town"),
        ("岫岩的红旗营子乡有人反映", "岫岩满族自治县红旗营子乡", "town"),
        ("高新技术产业开发区噪音大", "高新区", "county"),
        ("住在山南，没有热水", "铁东区山南街道", "town"),
        ("鞍山市", "鞍山市", "city"),
    ],
)
def test_a_text_is_located_as_finely_as_it_says(text, name, level):
    assert where(text) == (name, level)


@pytest.mark.parametrize("text", ["", "路灯不亮", "园林部门修剪树木", "和平路上的井盖", "邻里友好相处"])
def test_a_text_that_names_no_place_is_nowhere(text):
    assert where(text) is None


def test_a_place_is_found_with_its_point():
    located = atlas().locate_text("烈士山上有建筑垃圾")

    assert located.lineage.community.code == "210302006006"
    assert located.point == pytest.approx(MARTYRS_HILL, abs=1e-6)
    assert (located.matches[0].start, located.matches[0].end) == (0, 3)
    assert reasons("烈士山上有建筑垃圾") == ["place"]


def test_a_dissolved_street_is_read_as_its_successor():
    assert where("胜利街道路灯不亮") == ("铁东区站前街道", "town")
    assert reasons("胜利街道路灯不亮") == ["former"]


def test_a_dissolved_street_without_successor_is_read_as_its_county():
    assert where("对炉街道路灯不亮") == ("铁东区", "county")


def test_a_dead_code_leads_to_the_living_one():
    dead = atlas().by_code("210302005006")

    assert dead.finest.ended is not None
    assert [now.code for now in atlas().now_of(dead.area_id)] == ["210302006006"]
    assert [now.code for now in atlas().now_of(dead.town.id)] == ["210302006"]


def twins():
    """Two communities of one name in different counties."""
    seen = {}
    for piece in laid().of("community"):
        other = seen.setdefault(piece.name, piece)
        if other.code[:6] != piece.code[:6]:
            return other, piece
    raise AssertionError("the synthetic city has no two communities of one name")


def test_a_name_that_two_counties_have_is_left_open_until_something_decides():
    first, second = twins()

    open_case = atlas().locate_text(f"{second.name}停水")
    by_county = atlas().locate_text(f"{second.above.above.name}{second.name}停水")
    by_asker = atlas().locate_text(f"{second.name}停水", within=second.above.above.id)

    assert open_case.level == "city"
    assert {first.code, second.code} <= {lineage.code for lineage in open_case.alternatives}
    assert {lineage.finest.name for lineage in open_case.alternatives} == {second.name}
    assert open_case.because[-1].code == "ambiguous"
    assert by_county.lineage.code == by_asker.lineage.code == second.code
    assert open_case.confidence < by_county.confidence


def test_a_county_that_does_not_fit_lowers_the_confidence_and_is_told():
    located = atlas().locate_text("铁西区乐雪社区")

    assert located.lineage.code == "210302003004"
    assert located.confidence < 1
    assert "contradicts" in reasons("铁西区乐雪社区")


def test_the_areas_below_a_street_are_its_communities_grids_and_cells():
    street = atlas().by_code("210302003")

    below = list(atlas().under(street.area_id))

    assert {node.level for node in below} == {"community", "grid", "cell"}
    assert all(node.code.startswith("210302003") for node in below)
    assert "210302003004" in {node.code for node in atlas().under(street.area_id, "community")}


def test_a_boundary_holds_the_centre_of_its_area():
    street = atlas().by_code("210302003").finest

    assert shapely.contains_xy(atlas().boundary(street.id), street.lon, street.lat)


def test_reading_a_text_takes_far_less_than_a_query_would():
    text = "我是铁东区山南街道乐雪社区的居民，楼道的扶手坏了很久，老人上下楼不便，多次反映没有结果，希望尽快派人维修，电话已经留给接线员，谢谢你们的工作。"
    atlas().locate_text(text)
    spent = []

    for _ in range(300):
        started = perf_counter()
        atlas().locate_text(text)
        spent.append(perf_counter() - started)

    assert median(spent) < 0.001  # measured: 0.00004; a loaded machine may be slow, a query a sentence would show
