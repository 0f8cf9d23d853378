"""依据全书 — all the law of one process in memory: asked thousands of times a second without a query."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from shiyu.kernel.clock import beijing
from shiyu.law import classifier, duties, edition, grounds, limits, matters, thresholds
from shiyu.law.calendar import Reckoned
from shiyu.law.classifier import Guess, Scorer
from shiyu.law.duties import Duties, Owner
from shiyu.law.grounds import Reasons
from shiyu.law.limits import ANY, Due, Limits
from shiyu.law.matters import Entry, Matters
from shiyu.law.thresholds import Measures

T = TypeVar("T")
_Memory = dict[tuple[Any, ...], T]
_MOST = 10_000  # reports of one batch start at one moment and ask the same of a few rules


def _remembered(memory: _Memory[T], asked: tuple[Any, ...], reckon: Callable[[], T]) -> T:
    found = memory.get(asked)
    if found is None:
        if len(memory) > _MOST:
            memory.clear()
        found = memory[asked] = reckon()
    return found


@dataclass(frozen=True)
class LawBook:
    """依据全书 — one edition: immutable, no I/O in any method but ``refresh``."""

    matters: Matters
    limits: Limits
    duties: Duties
    grounds: Reasons
    scorer: Scorer
    measures: Measures
    _dues: "_Memory[Due]" = field(init=False, repr=False, default_factory=dict)
    _ambers: "_Memory[datetime]" = field(init=False, repr=False, default_factory=dict)

    def matter(self, code: str) -> Entry | None:
        """The matter of a code, ended ones too."""
        return self.matters.get(code)

    def due(self, matter: str | None, clock: str, start: datetime, *, kind: str = ANY, level: str = "normal") -> Due:
        """When a clock is due; see ``Limits.due``."""
        return _remembered(
            self._dues,
            (matter, clock, start, kind, level),
            lambda: self.limits.due(matter, clock, start, kind=kind, level=level),
        )

    def amber(self, start: datetime, due: Due) -> datetime:
        """When the light turns amber: a share of the time that the limit itself counts, working or natural, is spent."""
        return _remembered(self._ambers, (start, due.at, due.rule_id), lambda: self._amber(start, due))

    def _amber(self, start: datetime, due: Due) -> datetime:
        share = self.threshold("light.amber", start)
        if not due.rule.unit.startswith("work_"):
            return start + (due.at - start) * share
        calendar = self.limits.calendars.on(beijing(start).date())
        worked = calendar.working_seconds_between(start, due.at).seconds
        return calendar.add_work_hours(start, worked * share / 3600).at if worked else due.at

    def shifted(self, moment: datetime, since: datetime, until: datetime, rule_id: str) -> datetime:
        """A time of a clock that stood still from ``since`` to ``until``, later by what that was in the limit's own unit."""
        unit = next((row.unit for row in self.limits.rows if row.id == rule_id), "hour")
        calendar = self.limits.calendars.on(beijing(since).date())
        return calendar.shift(Reckoned(moment), unit, (since, until)).at

    def count(self, what: str, moment: datetime, *, matter: str | None = None, kind: str = ANY) -> int:
        """How often something may be done; see ``Limits.count``."""
        return self.limits.count(what, beijing(moment).date(), matter=matter, kind=kind)

    def threshold(self, name: str, moment: datetime) -> float:
        """A number by which the city decides; see ``thresholds``."""
        return thresholds.value(self.measures, name, beijing(moment).date())

    def owner(self, matter: str | None, lineage: Sequence[str], day: date | None = None) -> Owner:
        """Whose a matter is in a place; see ``Duties.owner``."""
        return self.duties.owner(matter, lineage, day)

    def classify(self, text: str, kind: str | None = None) -> Guess:
        """Which matter a text is about; see ``Scorer.classify``."""
        return self.scorer.classify(text, kind)

    def refresh(self, s: Session | None = None) -> "LawBook":
        """This book if it is still the newest edition, or else the newest. One query."""
        edition.refresh(s)
        return book(s)


def read(s: Session) -> LawBook:
    """Everything, each part from memory if it is there."""
    return LawBook(
        edition.held(s, matters.read),
        edition.held(s, limits.read),
        edition.held(s, duties.read),
        edition.held(s, grounds.read),
        edition.held(s, classifier.read),
        edition.held(s, thresholds.read),
    )


def book(s: Session | None = None) -> LawBook:
    """The law as this process knows it: read at first use, looked after every ``edition.LOOK_EVERY`` seconds."""
    return edition.held(s, read)
