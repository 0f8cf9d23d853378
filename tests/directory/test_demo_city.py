from time import perf_counter

import pytest
from sqlalchemy import func, select

from shiyu.demo.city import build
from shiyu.demo.city.areas import MARTYRS_HILL
from shiyu.directory import orgs, places
from shiyu.directory.gazetteer import gazetteer
from shiyu.directory.people import Person
from shiyu.kernel.clock import at
from shiyu.kernel.db import reading, transaction


def test_a_whole_city_is_built_and_can_be_asked(database):
    started = perf_counter()
    with at("2026-02-24 09:00"), transaction() as s:
        city = build(s)
    spent = perf_counter() - started

    with at("2026-02-24 09:00"), reading() as s:
        counts = dict(
            s.execute(select(places.Area.level, func.count()).where(places.in_force()).group_by("level")).all()
        )
        kinds = dict(
            s.execute(select(orgs.Org.kind, func.count()).where(orgs.Org.level == "city").group_by("kind")).all()
        )
        centres = s.scalar(select(func.count()).where(orgs.Org.kind == "centre"))
        hill = gazetteer(s).locate_point(*MARTYRS_HILL)
        story = gazetteer(s).locate_text("烈士山上有建筑垃圾")
        duty = orgs.on_duty(s)
        origins = set(s.scalars(select(Person.origin).distinct())) | set(
            s.scalars(select(places.Area.origin).distinct())
        )

    assert spent < 15
    assert counts["county"] == 7 + 3
    assert counts["town"] == 96
    assert 315 <= counts["grid"] <= 330
    assert counts["cell"] == 4 * counts["grid"]
    assert kinds["party"] + kinds["government"] + kinds["public_service"] == 77
    assert centres == 1 + 7 + 96
    assert hill.lineage.community.code == story.lineage.community.code == "210302006006"
    assert len(duty) == 104
    assert duty[0].org.code == "210300-centre"
    assert origins == {"synthetic"}
    assert {"210302003004", "210302005006"} <= city.area_ids.keys()


def test_every_grid_has_a_worker_and_every_centre_a_dispatcher(database):
    with transaction() as s:
        city = build(s, grids=130, cells_per_grid=1)

        grids = set(s.scalars(select(places.Area.code).where(places.Area.level == "grid")))

    workers = {staff.area_code: staff.org_code for staff in city.staff if staff.role == "grid_worker"}
    assert workers.keys() == grids
    assert all(workers[grid] == grid[:12] for grid in grids)
    assert sum(staff.role == "dispatcher" for staff in city.staff) == 104
    assert sum(staff.role == "coordinator" for staff in city.staff) == 8
    assert len({staff.username for staff in city.staff}) == len(city.staff)
    assert {staff.org_code for staff in city.staff} <= city.org_ids.keys()
    assert {staff.username for staff in city.staff} <= city.person_ids.keys()


def test_a_city_is_not_built_over_another(database):
    with transaction() as s:
        build(s, grids=120, cells_per_grid=1)

        with pytest.raises(RuntimeError, match="already"):
            build(s, grids=120, cells_per_grid=1)


@pytest.mark.parametrize("cells", [0, 100])
def test_a_grid_has_from_one_to_ninety_nine_cells(database, cells):
    with transaction() as s, pytest.raises(ValueError, match="99"):
        build(s, cells_per_grid=cells)
