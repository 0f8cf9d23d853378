"""The areas of the synthetic city and the places in it, as rows."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import shapely

from shiyu.demo.city import ground
from shiyu.demo.city.ground import Point, Ring
from shiyu.directory import codes, names
from shiyu.directory.coords import Frame, to_wgs84
from shiyu.kernel.db import new_id

FOLDER = Path(__file__).parent.parent
CITY, POPULATION = "210300", 3_325_372
SEEN, LISTED = date(2016, 7, 31), date(2023, 6, 30)  # the two editions of the code lists that the names come from
LEXUE, LESHAN, MARTYRS = "210302003004", "210302003", "210302006006"
STATION = "210302006"
MARTYRS_HILL = to_wgs84(122.9908, 41.1043, Frame.GCJ02)
LEAST_GRIDS = 120

# A made-up outline around the real extent, against the clock.
OUTLINE = [
    (122.30, 40.86), (122.72, 40.44), (123.30, 40.02), (123.66, 40.10), (123.76, 40.55), (123.58, 40.90), (123.22, 41.20),
    (122.75, 41.52), (122.45, 41.58), (122.21, 41.42), (122.19, 41.10),
]  # fmt: skip

_STREET, _MIN_SHANNAN = 2.0, 4
_WEIGHTS = {"210302003": 4.0, "210302006": 3.0}
_MOST_COMMUNITIES = 1163
SURNAMES = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
_FIRST = "安福康宁和兴长春瑞祥华明光翠锦清文德仁惠嘉景丽秀晨晓云松柏梅兰"
_SECOND = "居苑馨庭泰顺盛昌源汇湖桥岭溪园荣悦祺雅乐"
_VILLAGE = ("家堡村", "家屯村", "家沟村", "家台村", "家岭村", "家甸村", "家窝棚村", "家房村")
_ESTATES = ("花园", "家园", "小区", "新村", "雅居")
_FACILITIES = ("文化活动站", "卫生服务站", "便民服务中心", "农贸市场", "小学", "公园")


@dataclass(slots=True)
class Piece:
    """An area before it is a row: its ground on the plane and what is known of it."""

    id: UUID
    code: str
    name: str
    level: str
    ring: Ring
    above: "Piece | None"
    population: int = 0
    kind: str | None = None
    since: date = SEEN
    below: list["Piece"] = field(default_factory=list)


@dataclass(slots=True)
class Ground:
    """The whole city: its root, every piece by code, and rows of ended areas, links, aliases and places."""

    city: Piece
    pieces: dict[str, Piece]
    ended: list[dict[str, Any]]
    links: list[dict[str, Any]]
    aliases: list[dict[str, Any]]
    functional: list[dict[str, Any]]
    places: list[dict[str, Any]]

    def of(self, level: str) -> list[Piece]:
        """The pieces of a level by code."""
        return sorted((piece for piece in self.pieces.values() if piece.level == level), key=lambda piece: piece.code)


def table(name: str) -> list[dict[str, str]]:
    """A table beside this package."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def lay_out(random: Random, grids: int, cells_per_grid: int) -> Ground:
    """Cut the city into counties, townships, communities, grids and cells, and name what lies in it."""
    if grids < LEAST_GRIDS:
        raise ValueError(f"a city needs at least {LEAST_GRIDS} grids: every township has one")
    ring = [ground.to_plane(*point) for point in OUTLINE]
    city = Piece(new_id(), CITY, "鞍山市", "city", ring, None, POPULATION)
    laid = Ground(city, {CITY: city}, [], [], [], [], [])
    counties = _counties(laid)
    wanted = _grids_of_counties(grids)
    per_community = max(2.0, grids / _MOST_COMMUNITIES)
    for county, count in zip(counties, wanted, strict=True):
        pool = _Names(random)
        for town, town_grids in _towns(random, laid, county, count):
            for community, share in _communities(random, laid, town, town_grids, per_community, pool):
                _grids(random, laid, community, share, cells_per_grid)
    _spread_people(random, city)
    _end_old(laid)
    _functional(laid)
    _places(random, laid)
    return laid


def rows(laid: Ground) -> Iterator[dict[str, Any]]:
    """The areas as rows, each after the one above it."""
    order = {level: index for index, level in enumerate(codes.LEVELS)}
    for piece in sorted(laid.pieces.values(), key=lambda piece: (order[piece.level], piece.code)):
        corners = [ground.to_degrees(point) for point in piece.ring]
        lon, lat = ground.to_degrees(ground.centroid(piece.ring))
        yield _row(
            piece.id, piece.code, piece.name, piece.level, piece.above and piece.above.code, laid, lon, lat, piece.since
        ) | {"boundary": shapely.to_wkb(shapely.Polygon(corners)), "population": piece.population, "kind": piece.kind}
    yield from laid.functional
    yield from laid.ended


def _row(
    key: UUID,
    code: str,
    name: str,
    level: str,
    above: str | None,
    laid: Ground,
    lon: float | None,
    lat: float | None,
    since: date,
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": key, "code": code, "name": name, "level": level, "kind": None, "parent_id": None,
        "county_id": None, "town_id": None, "community_id": None, "grid_id": None,
        "lon": lon, "lat": lat, "boundary": None, "population": None, "valid_from": since, "valid_to": None,
        "sort_key": names.sort_key(name), "initials": names.initials(name), "origin": "synthetic",
    }  # fmt: skip
    if above:
        piece: Piece | None = laid.pieces[above]
        row["parent_id"] = laid.pieces[above].id
        while piece and piece.level != "city":
            row[f"{piece.level}_id"], piece = piece.id, piece.above
    if level in {"county", "town", "community", "grid"}:
        row[f"{level}_id"] = key
    return row


def _add(laid: Ground, code: str, name: str, level: str, ring: Ring, above: Piece, kind: str | None = None) -> Piece:
    piece = Piece(new_id(), code, name, level, ring, above, kind=kind)
    above.below.append(piece)
    laid.pieces[code] = piece
    return piece


def _counties(laid: Ground) -> list[Piece]:
    given = table("counties")
    centres = [to_wgs84(float(row["gcj_lon"]), float(row["gcj_lat"]), Frame.GCJ02) for row in given]
    seeds = [ground.to_plane(*centre) for centre in centres]
    cells = ground.cut(laid.city.ring, seeds, [float(row["reach_km2"]) for row in given])
    pieces = []
    for row, cell in zip(given, cells, strict=True):
        piece = _add(laid, row["code"], row["name"], "county", cell, laid.city)
        piece.population = int(row["population"])
        pieces.append(piece)
    return pieces


def _grids_of_counties(grids: int) -> list[int]:
    """One grid a township, the rest by the counties' shares."""
    given, towns = table("counties"), table("towns")
    least = [sum(town["code"].startswith(row["code"]) for town in towns) for row in given]
    rest = ground.shares(grids - sum(least), [float(row["grid_share"]) for row in given])
    return [first + more for first, more in zip(least, rest, strict=True)]


def _towns(random: Random, laid: Ground, county: Piece, grids: int) -> list[tuple[Piece, int]]:
    """The real townships on made-up ground: streets of a rural county close to its centre, the others spread."""
    given = [row for row in table("towns") if row["code"].startswith(county.code)]
    given.sort(key=lambda row: row["code"] != STATION)  # the one with a fixed seed first
    fixed = [ground.to_plane(*MARTYRS_HILL)] if given[0]["code"] == STATION else []
    cells = ground.divide(random, county.ring, len(given), fixed)
    weights = [_WEIGHTS.get(row["code"], _STREET if row["name"].endswith("街道") else 1.0) for row in given]
    counts = ground.shares(grids, weights, least=1)
    found = []
    for row, cell, count in zip(given, cells, counts, strict=True):
        piece = _add(laid, row["code"], row["name"], "town", cell, county)
        piece.since = LISTED if row["code"] == "210302017" else SEEN
        found.append((piece, max(count, _MIN_SHANNAN) if row["code"] == LESHAN else count))
    return found


def _communities(
    random: Random, laid: Ground, town: Piece, grids: int, per_community: float, pool: "_Names"
) -> list[tuple[Piece, int]]:
    count = min(grids, max(_MIN_SHANNAN if town.code == LESHAN else 1, round(grids / per_community)))
    fixed = [ground.to_plane(*MARTYRS_HILL)] if town.code == STATION else []
    cells = ground.divide(random, town.ring, count, fixed)
    if not fixed:
        cells = ground.by_position(cells)
    urban = town.name.endswith(("街道", "风景区"))
    found = []
    for number, (cell, share) in enumerate(zip(cells, ground.shares(grids, [1.0] * count, 1), strict=True), 1):
        code, name = _community_code(town, number), pool.community() if urban or number == 1 else pool.village()
        if not urban and number > 1:
            code = f"{town.code}{199 + number}"
        name = {LEXUE: "乐雪社区", MARTYRS: "烈士山社区"}.get(code, name)
        found.append((_add(laid, code, name, "community", cell, town), share))
    return found


def _community_code(town: Piece, number: int) -> str:
    if town.code == STATION:  # the first cell holds 烈士山 and keeps the tail 006 of its old code
        number = 6 if number == 1 else number - 1 if number <= 6 else number
    return f"{town.code}{number:03d}"


def _grids(random: Random, laid: Ground, community: Piece, count: int, cells_per_grid: int) -> None:
    for number, ring in enumerate(ground.by_position(ground.divide(random, community.ring, count, rounds=1)), 1):
        code = codes.grid_code(community.code, number)
        grid = _add(laid, code, f"{community.name}第{number}网格", "grid", ring, community, "base")
        for place, cell in enumerate(ground.by_position(ground.divide(random, ring, cells_per_grid, rounds=1)), 1):
            _add(laid, codes.cell_code(code, place), f"{grid.name}{place:02d}号", "cell", cell, grid)


def _spread_people(random: Random, piece: Piece) -> None:
    """Hand the counties' real populations down by chance, so that every sum is right."""
    for below in piece.below:
        if piece.level == "city":
            _spread_people(random, below)
    if piece.level == "city" or not piece.below:
        return
    weights = [_leaves(below) * random.uniform(0.7, 1.3) for below in piece.below]
    for below, people in zip(piece.below, ground.shares(piece.population, weights), strict=True):
        below.population = people
        _spread_people(random, below)


def _leaves(piece: Piece) -> int:
    return sum(_leaves(below) for below in piece.below) or 1


def _end_old(laid: Ground) -> None:
    """Codes that died between the two editions, with successors where one is known or assumed."""
    ended: dict[str, UUID] = {}
    for old in table("ended"):
        above = codes.parent_of(old["code"]) or CITY
        row = _row(
            new_id(), old["code"], old["name"], old["level"], None if above in ended else above, laid, None, None, SEEN
        )
        if above in ended:
            county = laid.pieces[above[:6]]
            row |= {"parent_id": ended[above], "county_id": county.id, "town_id": ended[above]}
        ended[old["code"]] = row["id"]
        laid.ended.append(row | {"valid_to": LISTED})
        if old["successor"]:
            heir = laid.pieces[old["successor"]]
            laid.links.append(
                {
                    "id": new_id(),
                    "old_id": row["id"],
                    "new_id": heir.id,
                    "on": LISTED,
                    "share": 1.0,
                    "basis": old["basis"],
                }
            )


def _functional(laid: Ground) -> None:
    for given in table("functional"):
        row = _row(new_id(), given["code"], given["name"], "county", CITY, laid, None, None, SEEN)
        row |= {"kind": "functional", "population": int(given["population"]) if given["population"] else None}
        laid.functional.append(row)
        laid.aliases += [
            {"id": new_id(), "area_id": row["id"], "scheme": "name", "code": alias}
            for alias in given["aliases"].split()
        ]


def _places(random: Random, laid: Ground) -> None:
    pool = _Names(random)
    spot = ground.to_plane(*MARTYRS_HILL)
    laid.places.append(_place("烈士山", "landmark", spot, ("烈士山公园",)))
    for community in laid.of("community"):
        if community.name.endswith("社区"):
            point = ground.scatter(random, community.ring, 1)[0]
            laid.places.append(_place(pool.once(_ESTATES), "estate", point))
    for town in laid.of("town"):
        point = ground.scatter(random, town.ring, 1)[0]
        stem = names.stem(town.name, "town") or town.name
        laid.places.append(_place(f"{stem}{random.choice(_FACILITIES)}", "facility", point))
        road = _place(pool.once(("路", "街", "大街")), "road", None)
        laid.places.append(road | {"area_id": town.id})


def _place(name: str, kind: str, point: Point | None, aliases: Sequence[str] = ()) -> dict[str, Any]:
    lon, lat = ground.to_degrees(point) if point else (None, None)
    return {
        "id": new_id(), "name": name, "aliases": list(aliases), "kind": kind, "lon": lon, "lat": lat, "area_id": None,
        "sort_key": names.sort_key(name), "origin": "synthetic",
    }  # fmt: skip


class _Names:
    """Made-up names, none twice within a pool."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._used: set[str] = set()

    def community(self) -> str:
        return self._fresh(lambda: f"{self._random.choice(_FIRST)}{self._random.choice(_SECOND)}社区")

    def village(self) -> str:
        return self._fresh(lambda: f"{self._random.choice(SURNAMES)}{self._random.choice(_VILLAGE)}")

    def once(self, ends: Sequence[str]) -> str:
        """A name of two characters and one of the endings; of three where two are used up."""
        return self._fresh(
            lambda: f"{self._random.choice(_FIRST)}{self._random.choice(_SECOND)}{self._random.choice(ends)}"
        )

    def _fresh(self, make: Any) -> str:
        for _ in range(200):
            name = make()
            if name not in self._used:
                self._used.add(name)
                return name
        # Used up: a further character in front opens as many again.
        name = self._random.choice("东西南北新") + make()
        self._used.add(name)
        return name
