"""Lists stay quick when a city has many cases: each viewer's branch is read from the end of an index of its own."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select, text

from shiyu.cases import queries
from shiyu.cases.models import Case
from shiyu.directory import orgs
from shiyu.directory.places import Area
from shiyu.kernel import db
from shiyu.kernel.auth import Grant, Viewer
from shiyu.kernel.db import new_id, reading, transaction
from tests.cases.cast import LEAD, Cast, quick_passwords
from tests.kit import postgres

MANY = 20_000


@pytest.fixture(scope="module")
def crowded(cluster: postgres.Cluster, city_template: str) -> Iterator[None]:
    """A city with 20,000 cases over its counties and towns, one in fifty of them the office's; a third ended."""
    with postgres.copy_of(cluster, city_template) as url:
        db.bind(url)
        with quick_passwords():
            told = Cast().report()
        with transaction() as s:
            apart = (
                "id",
                "no",
                "key",
                "accepted_at",
                "county_id",
                "town_id",
                "lead_org_id",
                "state",
                "grid_id",
                "community_id",
                "cell_id",
            )
            same = ", ".join(f'"{c.name}"' for c in Case.__table__.columns if c.name not in apart)
            s.execute(
                text(
                    "with town as (select id, county_id, row_number() over (order by code) - 1 n, count(*) over () of from directory.area where level = 'town'),"
                    " office as (select id, row_number() over (order by code) - 1 n, count(*) over () of from directory.org)"
                    f' insert into cases."case" (id, no, key, accepted_at, county_id, town_id, lead_org_id, state, {same})'
                    " select gen_random_uuid(), 'AS-P-' || g, g::text, c.accepted_at - g * interval '7 minutes', t.county_id, t.id, o.id,"
                    f" case when g % 3 = 0 then 'closed' else 'handling' end, {same}"
                    ' from cases."case" c, generate_series(1, :many) g join town t on t.n = g % t.of join office o on o.n = (g * 7) % o.of where c.no = :no'
                ),
                {"no": told["no"], "many": MANY},
            )
            s.execute(
                text(
                    "insert into cases.dispatch (id, case_id, org_id, part, round, accepted_at, at, designated)"
                    " select gen_random_uuid(), id, lead_org_id, 'lead', 1, accepted_at, accepted_at, false from cases.\"case\" where no like 'AS-P-%'"
                )
            )
            s.execute(  # of other people: who must step back from what is found by its own index
                text(
                    "insert into cases.bar (id, case_id, account_id, why, at)"
                    " select gen_random_uuid(), id, gen_random_uuid(), 'recused', accepted_at from cases.\"case\" where no like 'AS-P-%'"
                )
            )
        with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("vacuum analyze"))
        yield
        db.unbind()


def viewer(role: str, area: str | None = None, org: str | None = None) -> Viewer:
    with reading() as s:
        place = s.scalars(select(Area).where(Area.code == area)).one() if area else None
        office: UUID | None = orgs.ids(s)[org] if org else None
    return Viewer(
        new_id(), "v", "v", (Grant(role, office, place.id if place else None, place.level if place else None),)
    )


def plan(who: Viewer) -> dict[str, Any]:
    """The plan of the first page's statement as PostgreSQL carried it out."""
    said: list[tuple[str, Any]] = []

    def overhear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        said.append((statement, parameters))

    event.listen(db.engine(), "before_cursor_execute", overhear)
    with reading() as s:
        queries.listing(s, who, queries.Filters())
    event.remove(db.engine(), "before_cursor_execute", overhear)
    statement, parameters = next(one for one in said if "LIMIT" in one[0].upper())
    with reading() as s:
        explained = f"explain (analyze, buffers, format json) {statement}"
        found = s.connection().exec_driver_sql(explained, parameters).scalar_one()
    top = found[0]["Plan"]
    return {**top, "Blocks": top["Shared Hit Blocks"] + top["Shared Read Blocks"]}


def used(node: dict[str, Any]) -> set[str]:
    """The indexes of a plan, and the tables that were read from one end to the other."""
    found = {node["Index Name"]} if "Index Name" in node else set()
    if node.get("Node Type") in ("Seq Scan", "Parallel Seq Scan"):
        found.add(f"all of {node['Relation Name']}")
    return found.union(*[used(one) for one in node.get("Plans", ())])


@pytest.mark.parametrize(
    ("who", "index"),
    [
        (("supervisor",), "ix_case_new"),
        (("dispatcher", "210302"), "ix_case_county"),
        (("dispatcher", "210302003"), "ix_case_town"),
        (("handler", None, LEAD), "ix_case_lead"),
        (("handler", None, LEAD), "ix_dispatch_org"),
    ],
)
def test_each_way_of_seeing_reads_its_own_index(crowded, who, index):
    indexes = used(plan(viewer(*who)))

    assert index in indexes
    assert not {one for one in indexes if one.startswith("all of ")}


def test_who_sees_a_part_reads_no_more_than_who_sees_the_whole(crowded):
    whole = plan(viewer("supervisor"))["Blocks"]
    parts = {area: plan(viewer("dispatcher", area))["Blocks"] for area in ("210302", "210302003")}

    # A page of fifty rows scattered over the table costs at most a block each, and the way down the index.
    assert all(blocks <= whole + 60 for blocks in parts.values()), (whole, parts)
    assert whole < 300


def test_an_office_reads_about_its_page_and_not_its_whole_past(crowded):
    assert plan(viewer("handler", org=LEAD))["Blocks"] < 600
