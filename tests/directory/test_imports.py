import json
from datetime import date
from pathlib import Path

import pytest
import shapely
from sqlalchemy import func, select

from shiyu.directory import places
from shiyu.directory.coords import Frame, from_wgs84, geometry_to_wgs84
from shiyu.directory.gazetteer import gazetteer
from shiyu.directory.imports import import_geojson
from shiyu.kernel.auth import SYSTEM
from shiyu.kernel.db import reading, transaction
from shiyu.kernel.errors import Refusal
from tests.directory.folk import KEEPER, SINCE, WORKER

BOX = shapely.box(122.90, 41.00, 123.10, 41.20)
LEFT, RIGHT = shapely.box(122.90, 41.00, 123.00, 41.20), shapely.box(123.00, 41.00, 123.10, 41.20)


def feature(code, name, geometry, **more):
    shape = geometry if isinstance(geometry, dict) or geometry is None else shapely.geometry.mapping(geometry)
    return {"type": "Feature", "properties": {"code": code, "name": name, **more}, "geometry": shape}


def collection(*features, **more):
    return json.dumps({"type": "FeatureCollection", "features": features, **more}).encode()


def city(s):
    places.add_area(s, SYSTEM, code="210300", name="鞍山市", level="city", valid_from=SINCE)


def take(s, file, level="county", frame="wgs84", **more):
    return import_geojson(s, KEEPER, file, level=level, frame=frame, **more)


def test_a_boundary_in_gcj02_is_stored_in_wgs84(database):
    with transaction() as s:
        city(s)
        report = take(s, collection(feature("210302", "铁东区", BOX)), frame="gcj02")

        area = places.area_by_code(s, "210302")
        stored = shapely.from_wkb(s.scalar(select(places.Area.boundary).where(places.Area.id == area.id)))

    assert (report.read, report.added, report.refused) == (1, 1, [])
    assert stored.equals_exact(geometry_to_wgs84(BOX, Frame.GCJ02), 1e-9)
    assert not stored.equals_exact(BOX, 1e-4)
    assert (area.origin, stored.contains(shapely.Point(area.lon, area.lat))) == ("import", True)


def test_what_was_imported_is_found_by_point_and_by_name(database):
    with transaction() as s:
        city(s)
        take(s, collection(feature(210302, "铁东区", LEFT), feature("210303000000", "铁西区", RIGHT)))

    with reading() as s:
        point, text = gazetteer(s).locate_point(122.95, 41.1), gazetteer(s).locate_text("铁西区")

    assert (point.lineage.code, text.lineage.code) == ("210302", "210303")
    assert [because.code for because in point.because] == ["point"]


def test_the_parent_comes_from_the_field_else_the_code_else_the_place(database):
    community = shapely.box(122.91, 41.01, 122.92, 41.02)
    with transaction() as s:
        city(s)
        take(s, collection(feature("210302", "铁东区", LEFT), feature("210303", "铁西区", RIGHT)))
        take(s, collection(feature("210302003", "山南街道", LEFT), feature("210302006", "站前街道", RIGHT)), "town")
        report = take(
            s,
            collection(
                feature("210302003004", "乐雪社区", community),
                feature("210302006001", "甲社区", community, town="210302003"),
                feature("210302005006", "烈士山社区", community),
                feature("210302006002", "乙社区", community, town="210302999"),
            ),
            "community",
            parent_field="town",
        )
        parents = {
            code: places.lineage(s, places.area_by_code(s, code))[-2].code
            for code in ("210302003004", "210302006001", "210302005006")
        }

    assert parents == dict.fromkeys(parents, "210302003")
    assert [(refused.code, refused.reason) for refused in report.refused] == [("210302006002", "no_parent")]


def test_a_second_import_changes_only_what_differs(database):
    with transaction() as s:
        city(s)
        take(s, collection(feature("210302", "铁东区", LEFT), feature("210303", "铁西区", RIGHT)))
        again = take(s, collection(feature("210302", "东城区", LEFT), feature("210303", "铁西区", RIGHT)))

        located = gazetteer(s).locate_text("铁东区")

    assert (again.added, again.changed, again.unchanged) == (0, 1, 1)
    assert located.lineage.finest.name == "东城区"


def test_a_file_of_boundaries_without_names_leaves_the_names(database):
    with transaction() as s:
        city(s)
        take(s, collection(feature("210302", "铁东区", LEFT)))
        again = take(s, collection(feature("210302", None, RIGHT)))

        assert (again.changed, places.area_by_code(s, "210302").name) == (1, "铁东区")


def test_a_trial_run_reports_and_writes_nothing(database):
    with transaction() as s:
        city(s)
        report = take(s, collection(feature("210302", "铁东区", LEFT)), dry_run=True)

    with reading() as s:
        assert report.added == 1
        assert s.scalar(select(func.count()).select_from(places.Area)) == 1


def test_a_bow_tie_is_mended(database):
    tie = {
        "type": "Polygon",
        "coordinates": [[[122.9, 41.0], [123.0, 41.1], [123.0, 41.0], [122.9, 41.1], [122.9, 41.0]]],
    }
    with transaction() as s:
        city(s)
        report = take(s, collection(feature("210302", "铁东区", tie)))

        stored = shapely.from_wkb(s.scalar(select(places.Area.boundary).where(places.Area.code == "210302")))

    assert (report.added, report.mended) == (1, 1)
    assert stored.is_valid
    assert stored.geom_type == "MultiPolygon"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (feature("210302003", "山南街道", BOX), "bad_code"),
        (feature("", "无码", BOX), "bad_code"),
        (feature("210302", "", BOX), "no_name"),
        (feature("210302", "铁东区", None), "no_geometry"),
        (feature("210302", "铁东区", {"type": "Polygon", "coordinates": [[["a"]]]}), "no_geometry"),
        (feature("210302", "铁东区", {"type": "Polygon"}), "no_geometry"),
        (feature("210302", "铁东区", shapely.Point(122.9, 41)), "not_polygon"),
        (feature("210302", "铁东区", shapely.box(41.0, 122.9, 41.2, 123.1)), "swapped"),
        (feature("210302", "铁东区", shapely.box(500_000, 4_500_000, 510_000, 4_510_000)), "outside_china"),
        (feature("210302", "铁东区", shapely.Polygon([(122.9, 41), (123, 41), (122.9, 41)])), "no_area"),
        (feature("210402", "外市区", BOX), "no_parent"),
        ("not a feature", "bad_code"),
    ],
)
def test_a_feature_that_cannot_be_taken_is_reported_and_the_others_are(database, given, reason):
    with transaction() as s:
        city(s)
        report = take(s, collection(given, feature("210304", "立山区", BOX)))

    assert [(refused.position, refused.reason) for refused in report.refused] == [(1, reason)]
    assert report.added == 1
    assert report.refused[0].say("zh") != f"import.{reason}"


def test_a_code_stands_once_in_a_file_and_an_ended_area_keeps_its_boundary(database):
    with transaction() as s:
        city(s)
        twice = take(s, collection(feature("210302", "铁东区", LEFT), feature("210302", "铁东区", RIGHT)))
        places.end_area(s, KEEPER, places.area_by_code(s, "210302"), date(2099, 1, 1))
        ended = take(s, collection(feature("210302", "铁东区", RIGHT)))

    assert [refused.reason for refused in twice.refused + ended.refused] == ["twice", "ended"]


@pytest.mark.parametrize(
    ("file", "level", "frame", "code"),
    [
        (collection(), "county", "mars", "import.bad_frame"),
        (collection(), "county", "", "import.bad_frame"),
        (collection(), "planet", "wgs84", "import.bad_level"),
        (b"not json", "county", "wgs84", "import.not_geojson"),
        (b"[]", "county", "wgs84", "import.not_geojson"),
        (b'{"type":"Feature"}', "county", "wgs84", "import.not_geojson"),
        (
            collection(crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}),
            "county",
            "wgs84",
            "import.projected",
        ),
    ],
)
def test_a_file_without_a_known_frame_is_refused_whole(database, file, level, frame, code):
    with transaction() as s, pytest.raises(Refusal, match=f"^{code}:"):
        take(s, file, level, frame)


def test_a_file_is_read_from_disk_and_only_by_a_keeper(database, tmp_path: Path):
    path = tmp_path / "counties.geojson"
    path.write_bytes(collection(feature("210302", "铁东区", BOX)))
    with transaction() as s:
        city(s)

        with pytest.raises(Refusal, match=r"^auth.forbidden:"):
            import_geojson(s, WORKER, path, level="county", frame="wgs84")
        report = take(s, path)

    assert report.added == 1


def test_the_frame_is_no_matter_of_taste(database):
    # The same file read in the wrong frame lies some five hundred metres off: that is why it must be named.
    lon, lat = from_wgs84(122.95, 41.10, Frame.GCJ02)
    tiny = shapely.box(lon - 0.001, lat - 0.001, lon + 0.001, lat + 0.001)
    with transaction() as s:
        city(s)
        take(s, collection(feature("210302", "铁东区", tiny)), frame="gcj02")
        right = gazetteer(s).locate_point(122.95, 41.10)
        take(s, collection(feature("210302", "铁东区", tiny)), frame="wgs84")
        wrong = gazetteer(s).locate_point(122.95, 41.10)

    assert right is not None
    assert wrong is None
