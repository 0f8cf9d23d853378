"""指标 — what one case counts as: every indicator of the room, defined once. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shiyu.kernel.clock import beijing

CITY = UUID(int=0)  # the whole city; a case that nobody could place counts here alone
UNKNOWN = "00"
LEVELS = ("city", "county", "town", "community", "grid")
# 受理, 办结, 逾期办结, 回访问及是否解决, 已解决, 评价, 满意
MEASURES = ("accepted", "closed", "late", "asked", "solved", "rated", "satisfied")
DEALING = (
    "handle",
    "rework",
)  # the promises that 按期办结 is measured by; signing and first contact have lights of their own
FINISHED = frozenset(
    {"closed", "declined", "transferred"}
)  # merged and withdrawn cases end without having been dealt with

Key = tuple[str, date, UUID, str]
Marks = dict[Key, Counter[str]]
Content = Callable[[datetime], float]  # the least mark of a satisfied reporter on a day (law: thresholds)


def class_of(matter: str | None) -> str:
    """The class (大类) of a matter: its first two digits."""
    return matter[:2] if matter else UNKNOWN


def counts(fact: Mapping[str, Any], content: Content) -> Iterator[tuple[datetime, Counter[str]]]:
    """When and as what a fact counts."""
    if fact["part"] or fact["exercise_id"]:
        return
    yield fact["accepted_at"], Counter(accepted=1)
    if fact["ended_at"] and fact["state"] in FINISHED:
        solved, mark = fact["solved"], fact["satisfied"]
        yield (
            fact["ended_at"],
            Counter(
                closed=1,
                late=int(fact["late"]),
                asked=int(solved is not None),
                solved=int(bool(solved)),
                rated=int(mark is not None),
                satisfied=int(mark is not None and mark >= content(fact["ended_at"])),
            ),
        )


def marks(fact: Mapping[str, Any], content: Content) -> Iterator[tuple[Key, Counter[str]]]:
    """The same for each level of area that the fact lies in."""
    matter = class_of(fact["matter"])
    areas = {"city": CITY} | {level: fact[f"{level}_id"] for level in LEVELS[1:]}
    for at, found in counts(fact, content):
        day = beijing(at).date()
        for level, area in areas.items():
            if area is not None:
                yield (level, day, area, matter), found


def difference(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]], content: Content) -> Marks:
    """What must be added to the figures when some facts become others; keys where nothing changes are left out."""
    change: Marks = {}
    for facts, sign in ((before, -1), (after, 1)):
        for fact in facts:
            for key, found in marks(fact, content):
                sums = change.setdefault(key, Counter())
                for name, n in found.items():
                    sums[name] += sign * n
    return {key: sums for key, sums in change.items() if any(sums.values())}
