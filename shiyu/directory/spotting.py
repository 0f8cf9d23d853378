"""文中找名 — finds known names in free Chinese text by one pass, without a query. Pure.

A dictionary by the first two characters says which lengths are worth a look, so that text without names costs almost nothing.
Names that overlap are chosen so that most of the text is explained: 东山南街道 is not 东山 when 山南街道 is known.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

FULL, ALIAS, PLACE, STEM, FORMER = "full", "alias", "place", "stem", "former"
"""How a text names an area: its full name, another name, a place in it, the name without its suffix, a name that ended."""

_PREFIX = 2
_LONGER = (
    "路",
    "街",
    "大街",
    "巷",
    "胡同",
    "道",
    "桥",
    "公园",
    "广场",
    "小区",
    "花园",
    "医院",
    "学校",
    "中学",
    "小学",
    "幼儿园",
    "市场",
    "超市",
    "大厦",
    "酒店",
    "饭店",
    "商场",
    "商店",
    "药房",
    "大学",
    "医药",
    "集团",
    "公司",
)
"""What, standing behind a bare stem, makes it part of another thing's name: 和平路 is not 和平街道."""
_DOUBT = 0.4
_MARKS = frozenset("在住到去从于往至的是区市县镇乡：，,。、（( ")
_UNMARKED = 0.45


@dataclass(frozen=True, slots=True)
class Entry:
    """One reading of a name: the area it means (by its position in the gazetteer), how, with what weight, and the place if it is one.

    ``weak``: the name is an ordinary word too (园林, 友好), so it counts for less unless its neighbours mark it as a place.
    """

    area: int
    how: str
    weight: float
    place: int | None = None
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Spot:
    """A name found: offsets in the text (end excluded), the words, the possible readings.

    ``doubtful``: what follows makes it part of a longer name; ``marked``: what stands before says that a place follows.
    """

    start: int
    end: int
    text: str
    entries: tuple[Entry, ...]
    doubtful: bool = False
    marked: bool = False

    def weight(self, entry: Entry) -> float:
        """How far this reading is to be believed, from 0 to 1."""
        if entry.how != STEM:
            return entry.weight
        doubt = _DOUBT if self.doubtful else 1.0
        return entry.weight * doubt * (_UNMARKED if entry.weak and not self.marked else 1.0)


class Spotter:
    """An immutable dictionary of names. ``find`` costs some microseconds for a sentence, however many names there are."""

    __slots__ = ("_lengths", "_names")

    def __init__(self, names: Iterable[tuple[str, Entry]]) -> None:
        gathered: defaultdict[str, dict[tuple[int, int | None], Entry]] = defaultdict(dict)
        for name, entry in names:
            if len(name) < _PREFIX:
                continue
            held = gathered[name].get((entry.area, entry.place))
            if held is None or held.weight < entry.weight:
                gathered[name][entry.area, entry.place] = entry
        self._names = {name: tuple(entries.values()) for name, entries in gathered.items()}
        lengths: defaultdict[str, set[int]] = defaultdict(set)
        for name in self._names:
            lengths[name[:_PREFIX]].add(len(name))
        self._lengths = {prefix: tuple(sorted(found, reverse=True)) for prefix, found in lengths.items()}

    def __len__(self) -> int:
        return len(self._names)

    def find(self, text: str) -> list[Spot]:
        """The names in a text, from left to right, none overlapping another."""
        lengths, names = self._lengths, self._names
        spots: list[Spot] = []
        for start in range(len(text) - 1):
            for length in lengths.get(text[start : start + _PREFIX], ()):
                end = start + length
                entries = names.get(text[start:end])
                if entries is not None and end <= len(text):
                    longer, marked = text.startswith(_LONGER, end), start > 0 and text[start - 1] in _MARKS
                    spots.append(Spot(start, end, text[start:end], entries, longer, marked))
        if len(spots) > 1:
            spots = _apart(spots)
            # A name right behind another name is marked by it: 铁东山南.
            for i, (before, spot) in enumerate(pairwise(spots), 1):
                if before.end == spot.start and not spot.marked:
                    spots[i] = replace(spot, marked=True)
        return spots


def _apart(spots: list[Spot]) -> list[Spot]:
    """The choice of spots that do not overlap and explain most."""
    if all(before.end <= after.start for before, after in pairwise(spots)):
        return spots
    spots = sorted(spots, key=lambda spot: spot.end)
    # best[i]: value and choice over the first i spots. A full name counts more than its length in stems.
    best: list[tuple[float, tuple[Spot, ...]]] = [(0.0, ())]
    for i, spot in enumerate(spots):
        fits = next(j for j in range(i, -1, -1) if j == 0 or spots[j - 1].end <= spot.start)
        value, chosen = best[fits]
        worth = (spot.end - spot.start) * (1 + max(spot.weight(entry) for entry in spot.entries))
        best.append(max(best[i], (value + worth, (*chosen, spot)), key=lambda pair: pair[0]))
    return list(best[-1][1])
