"""演示岗位与巡查 — the grid workers hold their posts, some grids are still looking for one, and the first grids have patrol plans."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from shiyu.demo.city import City
from shiyu.directory import posts
from shiyu.directory.people import Person
from shiyu.directory.places import Area
from shiyu.field import patrols
from shiyu.kernel.auth import SYSTEM

VACANT_EACH = 9  # each ninth grid has nobody yet, so that the page of gaps has something to show
PLANNED = 24  # so many grids have a plan


def fill(s: Session, city: City) -> int:
    """Posts for who works in the grids, from today on; how many."""
    workers = [one for one in city.staff if one.role == "grid_worker" and one.username in city.person_ids]
    ids = [city.person_ids[one.username] for one in workers]
    people = {row.id: row for row in s.scalars(select(Person).where(Person.id.in_(ids)))}
    areas = {row.code: row for row in s.scalars(select(Area).where(Area.level == "grid"))}
    filled = 0
    for n, one in enumerate(workers):
        grid = areas.get(one.area_code)
        if grid is None or n % VACANT_EACH == VACANT_EACH - 1:
            continue
        person = people[city.person_ids[one.username]]
        shown = posts.Shown(public_name=person.name, telephone=True)
        posts.fill(s, SYSTEM, kind="designated", area=grid, person=person, valid_from=posts.today(), shown=shown)
        if filled < PLANNED:
            patrols.plan(
                s, SYSTEM, area=grid, name="日常巡查（演示）", days_a_week=3, reach=150, valid_from=posts.today()
            )
        filled += 1
    return filled
