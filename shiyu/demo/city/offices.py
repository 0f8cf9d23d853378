"""The offices of the synthetic city, the people in them, their posts and the duty rosters, as rows.

The tree is the one that cases travel: city centre; below it the departments of the city, the companies and the centres of the
counties; below these the departments of the county, the centres and offices of the townships, below an office its communities.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from shiyu.demo.city.areas import FOLDER, SEEN, SURNAMES, Ground, Piece, table
from shiyu.directory import names
from shiyu.kernel.db import new_id

OFFICES = FOLDER.parent / "law" / "books" / "anshan" / "offices.csv"

_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国文斌志宏海燕雪梅春生晓东立新"
_ROSTER_DAYS = 15  # before and after the day of building
_TITLES = {
    "grid_worker": "网格员",
    "dispatcher": "分拨员",
    "coordinator": "协调员",
    "handler": "承办员",
    "leader": "带班领导",
}


class Staff(NamedTuple):
    """One who needs an account: user name, name, role, the office and the area it is about (codes)."""

    username: str
    name: str
    role: str
    org_code: str
    area_code: str


@dataclass(slots=True)
class Offices:
    """Rows of offices, people, posts and rosters; ids of offices by code and of people by user name; the staff."""

    orgs: list[dict[str, Any]] = field(default_factory=list)
    people: list[dict[str, Any]] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    rosters: list[dict[str, Any]] = field(default_factory=list)
    org_ids: dict[str, UUID] = field(default_factory=dict)
    person_ids: dict[str, UUID] = field(default_factory=dict)
    staff: list[Staff] = field(default_factory=list)


def departments() -> list[dict[str, str]]:
    """The offices that the city's book of law knows by slug, other than the centres, which are built one an area."""
    with OFFICES.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["kind"] != "centre"]


def fill(random: Random, laid: Ground, today: date) -> Offices:
    """Every office, its people and its rosters."""
    filled = Offices()
    city, counties = laid.city, laid.of("county")
    centre = _centre(filled, random, city, "鞍山市", None)
    known = departments()
    for row in known:
        if "city" in row["levels"]:
            name = _city_name(row["zh"])
            _handled(filled, random, f"{city.code}-{row['slug']}", name, row["kind"], city, centre)
    for row in table("societies"):
        _handled(filled, random, f"{city.code}-{row['slug']}", row["zh"], "social", city, centre)
    for row in laid.functional:
        _org(filled, f"{row['code']}-committee", f"{row['name']}管理委员会", "government", "county", centre, row["id"])
    for county in counties:
        own = _centre(filled, random, county, county.name, centre)
        for row in known:
            if "county" in row["levels"]:
                name = county.name + row["zh"].removeprefix("市")
                _handled(filled, random, f"{county.code}-{row['slug']}", name, row["kind"], county, own)
        for town in county.below:
            _town(filled, random, town, own)
    _rosters(filled, today)
    return filled


def _city_name(zh: str) -> str:
    """市公安局 is 鞍山市公安局, 共青团市委 is 共青团鞍山市委."""
    if "市" in zh:
        return zh.replace("市", "鞍山市", 1)
    return zh.replace("总局", "总局鞍山", 1) if zh.startswith("国家") else f"鞍山市{zh}"


def _centre(filled: Offices, random: Random, area: Piece, name: str, above: UUID | None) -> UUID:
    """A centre with its dispatcher, on city and county level also a coordinator, and a leader on call."""
    code = f"{area.code}-centre"
    key = _org(filled, code, f"{name}社会治理中心", "centre", area.level, above, area.id)
    _member(filled, random, f"dispatch.{area.code}", "dispatcher", code, key, area)
    if area.level != "town":
        _member(filled, random, f"coordinate.{area.code}", "coordinator", code, key, area)
    leader = _person(filled, random)
    filled.posts.append(_post(key, leader, "leader", area.id))
    filled.person_ids[f"lead.{area.code}"] = leader
    return key


def _town(filled: Offices, random: Random, town: Piece, above: UUID) -> None:
    _centre(filled, random, town, town.name, above)
    kind_of_office = "办事处" if town.name.endswith("街道") else "人民政府" if town.name[-1] in "镇乡" else "管理处"
    office = _handled(filled, random, town.code, town.name + kind_of_office, "street", town, above)
    for community in town.below:
        committee = "居民委员会" if community.name.endswith("社区") else "民委员会"
        key = _org(filled, community.code, community.name + committee, "community", "community", office, community.id)
        for grid in community.below:
            _member(filled, random, f"grid.{grid.code}", "grid_worker", community.code, key, grid)


def _handled(filled: Offices, random: Random, code: str, name: str, kind: str, area: Piece, above: UUID) -> UUID:
    """An office with one who handles its cases."""
    key = _org(filled, code, name, kind, area.level, above, area.id)
    _member(filled, random, f"handle.{code}", "handler", code, key, area)
    return key


def _org(
    filled: Offices, code: str, name: str, kind: str, level: str, above: UUID | None, area_id: UUID | None
) -> UUID:
    key = filled.org_ids[code] = new_id()
    filled.orgs.append(
        {
            "id": key,
            "code": code,
            "name": name,
            "kind": kind,
            "level": level,
            "parent_id": above,
            "area_id": area_id,
            "telephone": _telephone(len(filled.orgs)),
            "valid_from": SEEN,
            "valid_to": None,
            "sort_key": names.sort_key(name),
            "initials": names.initials(name),
            "origin": "synthetic",
        }
    )
    return key


def _member(filled: Offices, random: Random, username: str, role: str, code: str, org_id: UUID, area: Piece) -> None:
    person = _person(filled, random)
    filled.person_ids[username] = person
    filled.posts.append(_post(org_id, person, role, area.id))
    filled.staff.append(Staff(username, filled.people[-1]["name"], role, code, area.code))


def _person(filled: Offices, random: Random) -> UUID:
    key = new_id()
    name = random.choice(SURNAMES) + "".join(random.choices(_GIVEN, k=random.choice((1, 2, 2))))
    filled.people.append(
        {
            "id": key,
            "name": name,
            "work_telephone": _telephone(len(filled.people)),
            "valid_from": SEEN,
            "valid_to": None,
            "sort_key": names.sort_key(name),
            "initials": names.initials(name),
            "origin": "synthetic",
        }
    )
    return key


def _telephone(number: int) -> str:
    # No subscriber's number begins with a nought, so nobody is called by a demonstration.
    return f"+864120{number % 1_000_000:06d}"


def _post(org_id: UUID, person_id: UUID, role: str, area_id: UUID) -> dict[str, Any]:
    return {
        "id": new_id(),
        "org_id": org_id,
        "person_id": person_id,
        "role": role,
        "title": _TITLES[role],
        "area_id": area_id,
        "valid_from": SEEN,
        "valid_to": None,
    }


def _rosters(filled: Offices, today: date) -> None:
    for code, org_id in filled.org_ids.items():
        if code.endswith("-centre"):
            area = code.removesuffix("-centre")
            leader, officer = filled.person_ids[f"lead.{area}"], filled.person_ids[f"dispatch.{area}"]
            for day in _days(today):
                filled.rosters.append(
                    {
                        "id": new_id(),
                        "org_id": org_id,
                        "day": day,
                        "shift": "whole",
                        "leader_id": leader,
                        "officer_id": officer,
                    }
                )


def _days(today: date) -> Iterator[date]:
    for offset in range(-_ROSTER_DAYS, _ROSTER_DAYS + 1):
        yield today + timedelta(days=offset)
