"""定位结果 — what the gazetteer answers: areas with all above them, how sure, and the reasons. Values only."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from uuid import UUID

from shiyu.directory.codes import LEVELS
from shiyu.kernel import words


@dataclass(frozen=True, slots=True)
class Because:
    """理由 — one reason: ``because.<code>`` in ``terms.csv`` with its facts."""

    code: str
    facts: dict[str, Any]

    def say(self, lang: str = "zh") -> str:
        """The reason as a sentence."""
        return words.say(f"because.{self.code}", lang, **self.facts)


@dataclass(frozen=True, slots=True)
class Node:
    """An area as the gazetteer knows it. ``ended`` is the day from which it is not in force; ``kind`` as in ``Area``."""

    id: UUID
    code: str
    name: str
    level: str
    kind: str | None
    lon: float | None
    lat: float | None
    ended: date | None


@dataclass(frozen=True)
class Lineage:
    """谱系 — an area and all above it: ``path`` from the city down. ``lineage.town.code``, ``lineage.ids()["town_id"]``."""

    path: tuple[Node, ...]

    @property
    def finest(self) -> Node:
        """The area itself."""
        return self.path[-1]

    @property
    def level(self) -> str:
        """The area's own level."""
        return self.path[-1].level

    @property
    def area_id(self) -> UUID:
        """The area's own id."""
        return self.path[-1].id

    @property
    def code(self) -> str:
        """The area's own code."""
        return self.path[-1].code

    def at(self, level: str) -> Node | None:
        """The ancestor on a level, the area itself on its own."""
        return next((node for node in self.path if node.level == level), None)

    city = property(lambda self: self.at("city"))
    county = property(lambda self: self.at("county"))
    town = property(lambda self: self.at("town"))
    community = property(lambda self: self.at("community"))
    grid = property(lambda self: self.at("grid"))
    cell = property(lambda self: self.at("cell"))

    def ids(self) -> dict[str, UUID | None]:
        """``city_id`` … ``cell_id`` for the columns of a row, absent levels as ``None``."""
        found = {node.level: node.id for node in self.path}
        return {f"{level}_id": found.get(level) for level in LEVELS}

    def codes(self) -> dict[str, str | None]:
        """``city`` … ``cell`` with their codes."""
        found = {node.level: node.code for node in self.path}
        return {level: found.get(level) for level in LEVELS}

    @cached_property
    def name(self) -> str:
        """The whole name from the county down: 铁东区山南街道乐雪社区. A grid's own name begins with its community's."""
        whole, last = "", ""
        for node in self.path[1:] or self.path:
            whole = (whole.removesuffix(last) if last and node.name.startswith(last) else whole) + node.name
            last = node.name
        return whole


@dataclass(frozen=True, slots=True)
class Match:
    """A name found in a text: offsets (end excluded), the words, the area or place it was taken for, how sure, and why."""

    start: int
    end: int
    text: str
    area: Lineage
    place: UUID | None
    score: float
    because: Because


@dataclass(frozen=True, slots=True)
class Located:
    """定位 — where it is: the lineage, its level, how sure (0 to 1; a point is 1), the reasons, and what else it could be.

    ``point`` is the point asked for or that of the place named (WGS-84), ``matches`` the names found in a text.
    """

    lineage: Lineage
    level: str
    confidence: float
    because: tuple[Because, ...]
    point: tuple[float, float] | None = None
    matches: tuple[Match, ...] = ()
    alternatives: tuple[Lineage, ...] = ()
