"""Writes the synthetic city into an empty directory, in bulk."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from shiyu.demo.city import areas, offices
from shiyu.demo.city.offices import Staff
from shiyu.directory import orgs
from shiyu.directory.orgs import Org, Post, Roster
from shiyu.directory.people import Person
from shiyu.directory.places import Area, AreaAlias, AreaSuccessor, Place, changed

SEED = 210300
_CHUNK = 5000


@dataclass(frozen=True, slots=True)
class City:
    """What was built: ids of areas and offices by code, the staff that needs accounts, their people by user name."""

    area_ids: dict[str, UUID]
    org_ids: dict[str, UUID]
    staff: list[Staff]
    person_ids: dict[str, UUID]


def build(s: Session, *, grids: int = 320, cells_per_grid: int = 4, seed: int = SEED) -> City:
    """A whole city of about so many base grids (at least 120), each of so many cells (1 to 99). The directory must be empty."""
    if s.scalar(select(Area.id).limit(1)) is not None:
        raise RuntimeError("the directory already holds areas")
    if not 1 <= cells_per_grid <= 99:
        raise ValueError("cells_per_grid must be from 1 to 99: a cell's code has two digits")
    random = Random(seed)
    laid = areas.lay_out(random, grids, cells_per_grid)
    rows = list(areas.rows(laid))
    for _, level in groupby(rows, key=lambda row: row["level"]):  # a row stands after the one above it
        _write(s, Area, level)
    _write(s, AreaSuccessor, laid.links)
    _write(s, AreaAlias, laid.aliases)
    _write(s, Place, laid.places)
    filled = offices.fill(random, laid, orgs.today())
    for _, level in groupby(filled.orgs, key=lambda row: row["level"]):
        _write(s, Org, level)
    _write(s, Person, filled.people)
    _write(s, Post, filled.posts)
    _write(s, Roster, filled.rosters)
    changed(s)
    return City({row["code"]: row["id"] for row in rows}, filled.org_ids, filled.staff, filled.person_ids)


def _write(s: Session, model: type[Any], rows: Iterable[dict[str, Any]]) -> None:
    found = list(rows)
    for start in range(0, len(found), _CHUNK):
        s.execute(insert(model), found[start : start + _CHUNK])
