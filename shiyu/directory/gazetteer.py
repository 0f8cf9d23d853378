"""地名库 — where is it: a point, or what people write, turned into the lineage of an area, in this process, with reasons.

The gazetteer is immutable and built from the tables of ``places``; ``gazetteer(s)`` hands out the one of this process and looks at
most every ``LOOK_EVERY`` seconds whether the edition in the database is still the same.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from shiyu.directory import names
from shiyu.directory.codes import LEVELS, normal
from shiyu.directory.located import Because, Lineage, Located, Match, Node
from shiyu.directory.places import Area, AreaAlias, AreaSuccessor, Edition, Place
from shiyu.directory.spotting import ALIAS, FORMER, FULL, PLACE, STEM, Entry, Spot, Spotter
from shiyu.kernel import clock
from shiyu.kernel.db import after_commit

LOOK_EVERY = 2.0  # seconds between looks at the edition
FLOOR = 0.25  # a reading less sure than this is no answer: 园林 alone may be the trade, not the street

_STEM_WEIGHTS = {"city": 0.7, "county": 0.8, "town": 0.5, "community": 0.45}
_WEIGHTS = {FULL: 1.0, ALIAS: 0.95, FORMER: 0.9, PLACE: 0.9}
_CONTRADICTION = 0.5  # a name elsewhere weighs half against what a name here weighs for
_FINER = 0.02  # of two equal readings the finer one
_NEARBY = 0.3  # a reading inside the area that the asker named
_AMBIGUOUS = 0.5
_SAME = 1e-6


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A place as the gazetteer reads it: its name, all names it is known by, its point or its area."""

    id: UUID
    name: str
    names: tuple[str, ...]
    lon: float | None
    lat: float | None
    area_id: UUID | None


class Gazetteer:
    """地名库 — immutable; every method answers from memory. Positions in ``nodes`` are used inside, ids outside."""

    def __init__(
        self,
        token: UUID | None,
        nodes: Sequence[Node],
        parents: Sequence[UUID | None],
        boundaries: Sequence[bytes | None],
        places: Iterable[PlaceRow] = (),
        aliases: Iterable[tuple[UUID, str]] = (),
        heirs: Iterable[tuple[UUID, UUID]] = (),
        today: date | None = None,
    ) -> None:
        self.token = token
        self.nodes = tuple(nodes)
        self._at = {node.id: index for index, node in enumerate(nodes)}
        self._code = {node.code: index for index, node in enumerate(nodes)}
        self._parent = [self._at[parent] if parent else -1 for parent in parents]
        self._paths = [self._path(index) for index in range(len(nodes))]
        self._lineages: dict[int, Lineage] = {}
        self._today = today or clock.beijing(clock.now()).date()
        self._children: defaultdict[int, list[int]] = defaultdict(list)
        for index, parent in enumerate(self._parent):
            if parent >= 0 and self._alive(index):
                self._children[parent].append(index)
        self._heirs: defaultdict[int, list[int]] = defaultdict(list)
        for old, new in heirs:
            self._heirs[self._at[old]].append(self._at[new])
        self._geometries = shapely.from_wkb(np.array(boundaries, dtype=object))
        self._trees = self._plant()
        self._places = tuple(places)
        self._place_areas = [self._area_of(place) for place in self._places]
        self._spotter = Spotter(self._dictionary(aliases))

    # ---- areas ----

    def lineage(self, area_id: UUID) -> Lineage:
        """The lineage of an area by id, in force or ended. ``KeyError`` if there is no such area."""
        return self._lineage(self._at[area_id])

    def by_code(self, code: str) -> Lineage | None:
        """The lineage of a code, in force or ended; padded statistical codes are understood."""
        index = self._code.get(normal(code))
        return None if index is None else self._lineage(index)

    def now_of(self, area_id: UUID) -> list[Lineage]:
        """What an area is today: itself when in force, else its successors; none when nothing is recorded."""
        return [self._lineage(index) for index in self._living(self._at[area_id])]

    def under(self, area_id: UUID, level: str | None = None) -> Iterator[Node]:
        """The areas in force below one, of one level or of all."""
        todo = list(self._children[self._at[area_id]])
        while todo:
            index = todo.pop()
            todo.extend(self._children.get(index, ()))
            if level is None or self.nodes[index].level == level:
                yield self.nodes[index]

    def boundary(self, area_id: UUID) -> Any:
        """The Shapely geometry of an area in WGS-84 degrees, or ``None``."""
        return self._geometries[self._at[area_id]]

    # ---- points ----

    def locate_point(self, lon: float, lat: float) -> Located | None:
        """The finest area that holds a point (WGS-84 degrees); ``None`` outside the city. On a border the smaller code wins."""
        point = shapely.Point(lon, lat)
        for level, tree, positions in self._trees:
            hits = tree.query(point, predicate="intersects")
            if len(hits):
                index = int(positions[hits].min())
                return self._at_point(index, level, (lon, lat))
        return None

    def locate_points(self, lons: Sequence[float], lats: Sequence[float]) -> list[Lineage | None]:
        """The same for many points at once, as lineages."""
        points: Any = shapely.points(np.asarray(lons, dtype=float), np.asarray(lats, dtype=float))
        found = np.full(len(points), len(self.nodes), dtype=np.int64)
        for _, tree, positions in self._trees:
            todo = np.flatnonzero(found == len(self.nodes))
            if not len(todo):
                break
            which, hits = tree.query(points[todo], predicate="intersects")
            np.minimum.at(found, todo[which], positions[hits])
        return [self._lineage(int(index)) if index < len(self.nodes) else None for index in found]

    # ---- texts ----

    def spot(self, text: str) -> list[Spot]:
        """The names in a text with all their readings; for marking them on a screen."""
        return self._spotter.find(text)

    def locate_text(self, text: str, within: UUID | None = None) -> Located | None:
        """The area that a text speaks of, all names in it taken together; ``None`` when it names nothing known, or hardly.

        ``within`` is an area to be preferred among equals, such as the asker's own county. Names that fit two areas equally well lead
        to the area above both, with the two as ``alternatives``.
        """
        return self.locate_spots(self._spotter.find(text), within)

    def locate_spots(self, spots: Sequence[Spot], within: UUID | None = None) -> Located | None:
        """The same for the names of a text that were spotted already."""
        if not spots:
            return None
        scores = self._weigh(spots, None if within is None else self._at.get(within))
        top = max(scores.values())
        ties = [index for index, score in scores.items() if top - score < _SAME]
        chosen = ties[0] if len(ties) == 1 else self._common(ties)
        located = self._explain(spots, chosen, ties)
        return located if located.confidence >= FLOOR else None

    # ---- inside ----

    def _path(self, index: int) -> tuple[int, ...]:
        path = [index]
        while (index := self._parent[index]) >= 0:
            path.insert(0, index)
        return tuple(path)

    def _lineage(self, index: int) -> Lineage:
        found = self._lineages.get(index)
        if found is None:
            found = self._lineages[index] = Lineage(tuple(self.nodes[i] for i in self._paths[index]))
        return found

    def _alive(self, index: int) -> bool:
        ended = self.nodes[index].ended
        return ended is None or ended > self._today

    def _living(self, index: int) -> list[int]:
        if self._alive(index):
            return [index]
        found: dict[int, None] = {}
        for heir in self._heirs.get(index, ()):
            found.update(dict.fromkeys(self._living(heir)))
        return list(found)

    def _plant(self) -> list[tuple[str, shapely.STRtree, np.ndarray[Any, Any]]]:
        """One tree a level, the finest first; positions ordered by code, so that the smallest position is the smallest code."""
        trees = []
        for level in reversed(LEVELS):
            chosen = [
                index
                for index, node in enumerate(self.nodes)
                if node.level == level and self._geometries[index] is not None and self._alive(index)
            ]
            if chosen:
                trees.append((level, shapely.STRtree(self._geometries[chosen]), np.array(chosen)))
        return trees

    def _at_point(self, index: int, level: str, point: tuple[float, float]) -> Located:
        lineage = self._lineage(index)
        because = [Because("point", {"area": lineage.name})]
        if self._children.get(index):
            because.append(Because("coarse", {"area": lineage.finest.name}))
        return Located(lineage, level, 1.0, tuple(because), point)

    def _area_of(self, place: PlaceRow) -> int | None:
        if place.area_id is not None:
            return next(iter(self._living(self._at[place.area_id])), None)
        if place.lon is None or place.lat is None:
            return None
        located = self.locate_point(place.lon, place.lat)
        return None if located is None else self._at[located.lineage.area_id]

    def _dictionary(self, aliases: Iterable[tuple[UUID, str]]) -> Iterator[tuple[str, Entry]]:
        for index, node in enumerate(self.nodes):
            if node.level != "cell":
                yield from self._names_of(index, node)
        for area_id, alias in aliases:
            for index in self._living(self._at[area_id]):
                yield alias, Entry(index, ALIAS, _WEIGHTS[ALIAS])
        for position, place in enumerate(self._places):
            area = self._place_areas[position]
            if area is not None:
                for name in place.names:
                    yield name, Entry(area, PLACE, _WEIGHTS[PLACE], position)

    def _names_of(self, index: int, node: Node) -> Iterator[tuple[str, Entry]]:
        if self._alive(index):
            yield node.name, Entry(index, FULL, _WEIGHTS[FULL])
            stem = None if node.kind == "functional" else names.stem(node.name, node.level)
            if stem:
                yield stem, Entry(index, STEM, _STEM_WEIGHTS[node.level], weak=node.level in {"town", "community"})
            return
        # A dead name means its successors; with none recorded, the area it lay in.
        for living in self._living(index) or self._living(self._parent[index]):
            yield node.name, Entry(living, FORMER, _WEIGHTS[FORMER])

    def _weigh(self, spots: Sequence[Spot], within: int | None) -> dict[int, float]:
        """For every area that some name may mean: what speaks for it, less what speaks for elsewhere."""
        once = {spot.text: spot for spot in spots}.values()
        scores: dict[int, float] = {}
        for candidate in {entry.area for spot in once for entry in spot.entries}:
            path, score = self._paths[candidate], 0.0
            for spot in once:
                score += self._speaks(spot, candidate, path)
            score += _FINER * len(path)
            if within is not None and within in path:
                score += _NEARBY
            scores[candidate] = score
        return scores

    def _speaks(self, spot: Spot, candidate: int, path: tuple[int, ...]) -> float:
        best, neutral = 0.0, False
        for entry in spot.entries:
            if entry.area == candidate:  # a word counts once: as the candidate's own name, not as its town's too
                return spot.weight(entry)
            if entry.area in path:
                best = max(best, spot.weight(entry))
            elif candidate in self._paths[entry.area]:
                neutral = True  # something finer inside the candidate: neither for nor against
        if best or neutral:
            return best
        return -_CONTRADICTION * max(spot.weight(entry) for entry in spot.entries)

    def _common(self, indexes: Sequence[int]) -> int:
        shared = set.intersection(*(set(self._paths[index]) for index in indexes))
        return max(shared, key=lambda index: len(self._paths[index]))

    def _explain(self, spots: Sequence[Spot], chosen: int, ties: Sequence[int]) -> Located:
        path = self._paths[ties[0]]
        matches, base, point = [], 0.0, None
        total = against = 0.0
        for spot in spots:
            entry = max(spot.entries, key=lambda e: (e.area == ties[0], e.area in path, spot.weight(e), -e.area))
            weight = spot.weight(entry)
            total += weight
            if entry.area not in path and ties[0] not in self._paths[entry.area]:
                against += weight
                why = Because("contradicts", {"text": spot.text})
            else:
                why = Because(entry.how, {"text": spot.text, "area": self._lineage(entry.area).name})
            if entry.area == ties[0] and weight >= base:
                base = weight
                if entry.place is not None:
                    place = self._places[entry.place]
                    point = (place.lon, place.lat) if place.lon is not None and place.lat is not None else None
            place_id = None if entry.place is None else self._places[entry.place].id
            matches.append(Match(spot.start, spot.end, spot.text, self._lineage(entry.area), place_id, weight, why))
        confidence = base * (1 - _CONTRADICTION * against / total)
        because = [match.because for match in matches]
        lineage, alternatives = self._lineage(chosen), ()
        if len(ties) > 1:
            alternatives = tuple(self._lineage(index) for index in sorted(ties))
            because.append(Because("ambiguous", {"count": len(ties), "area": lineage.name}))
            confidence, point = confidence * _AMBIGUOUS, None
        return Located(
            lineage, lineage.level, round(confidence, 3), tuple(because), point, tuple(matches), alternatives
        )


# ---- the one of this process ----


@dataclass(slots=True)
class _Held:
    engine: Engine
    looked: float
    day: date
    gazetteer: Gazetteer


_held: _Held | None = None
_building = threading.Lock()


def gazetteer(s: Session) -> Gazetteer:
    """The gazetteer of this process. Asks the database at most every ``LOOK_EVERY`` seconds and after changes made here."""
    global _held  # noqa: PLW0603 - one gazetteer a process
    if s.info.get("directory_changed"):
        return load(s)  # this transaction's own view, which nobody else may see before the commit
    engine, today = s.get_bind().engine, clock.beijing(clock.now()).date()
    held = _held
    if held and held.engine is engine and held.day == today and time.monotonic() - held.looked < LOOK_EVERY:
        return held.gazetteer
    # While one thread rebuilds, the others go on with what they have; only the first build is waited for.
    wait = held is None or held.engine is not engine
    if not _building.acquire(blocking=wait) and held:
        return held.gazetteer
    try:
        token = s.scalar(select(Edition.token).where(Edition.topic == "places"))
        held = _held
        if held and held.engine is engine and held.gazetteer.token == token and held.day == today:
            _held = replace(held, looked=time.monotonic())
        else:
            _held = _Held(engine, time.monotonic(), today, load(s, token))
        return _held.gazetteer
    finally:
        _building.release()


@after_commit
def _look_again(s: Session) -> None:
    global _held  # noqa: PLW0603
    if s.info.pop("directory_changed", False) and _held:
        _held = replace(_held, looked=float("-inf"))


def load(s: Session, token: UUID | None = None) -> Gazetteer:
    """Read areas, names and places and build a gazetteer."""
    rows = s.execute(
        select(
            Area.id,
            Area.code,
            Area.name,
            Area.level,
            Area.kind,
            Area.lon,
            Area.lat,
            Area.valid_to,
            Area.parent_id,
            Area.boundary,
        ).order_by(Area.code)
    ).all()
    nodes = [Node(*row[:8]) for row in rows]
    places = [
        PlaceRow(row.id, row.name, (row.name, *row.aliases), row.lon, row.lat, row.area_id)
        for row in s.execute(select(Place.id, Place.name, Place.aliases, Place.lon, Place.lat, Place.area_id))
    ]
    aliases = s.execute(select(AreaAlias.area_id, AreaAlias.code).where(AreaAlias.scheme == "name")).all()
    heirs = s.execute(
        select(AreaSuccessor.old_id, AreaSuccessor.new_id).order_by(AreaSuccessor.share.desc(), AreaSuccessor.id)
    )
    return Gazetteer(token, nodes, [row[8] for row in rows], [row[9] for row in rows], places, aliases, heirs.all())
