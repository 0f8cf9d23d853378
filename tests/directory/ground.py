"""A small synthetic city in memory, for tests that need no database."""

from functools import cache
from random import Random
from uuid import uuid4

from shiyu.demo.city import areas
from shiyu.directory.gazetteer import Gazetteer, Node, PlaceRow


@cache
def laid():
    return areas.lay_out(Random(1), 160, 3)


@cache
def rows():
    return sorted(areas.rows(laid()), key=lambda row: row["code"])


@cache
def atlas() -> Gazetteer:
    nodes = [
        Node(r["id"], r["code"], r["name"], r["level"], r["kind"], r["lon"], r["lat"], r["valid_to"]) for r in rows()
    ]
    places = [
        PlaceRow(p["id"], p["name"], (p["name"], *p["aliases"]), p["lon"], p["lat"], p["area_id"])
        for p in laid().places
    ]
    return Gazetteer(
        uuid4(),
        nodes,
        [r["parent_id"] for r in rows()],
        [r["boundary"] for r in rows()],
        places,
        [(a["area_id"], a["code"]) for a in laid().aliases],
        [(link["old_id"], link["new_id"]) for link in laid().links],
    )
