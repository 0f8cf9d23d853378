"""办理时限 — when something is due and by which row. No number of days stands in code."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column

from shiyu.kernel import words
from shiyu.kernel.clock import BEIJING
from shiyu.kernel.db import Base, new_id
from shiyu.kernel.errors import Refusal
from shiyu.law import edition, holidays
from shiyu.law.calendar import DAY_ONES, UNITS, Pause
from shiyu.law.holidays import Calendars

ANY = "*"
KINDS = ("consult", "inquiry", "suggest", "opinion", "help", "complaint", "report", "praise")
"""诉求类型: 咨询 查询 建议 意见 求助 投诉 举报 表扬."""
URGENCIES = ("normal", "urgent", "danger")
"""紧急程度: 一般 紧急 危及生命财产."""
CLOCKS = (
    "contact",
    "respond",
    "dispatch",
    "transfer",
    "sign",
    "handle",
    "assist",
    "review",
    "call_back",
    "send_back",
    "coordinate",
    "extend",
    "rework",
    "suspend",
    "verify",
    "inspect",
    "supervise",
    "appeal",
)
"""时限种类: 首次联系 响应 派单 移送 签收 办理 协办 审核 回访 退单 职责协调 延期 重新办理 挂账 现场核实 核查 督办 申诉."""
COUNTS = ("dispatches", "extensions", "suspensions", "call_backs")
"""次数: 派单 延期 挂账 回访; their unit is ``time``."""

_MEMORY = 50_000  # found rows kept by question; more questions than that in one edition are asked afresh


class TimeLimit(Base):
    """办理时限 — how long one clock runs for a matter (prefix of its code or ``*``), a kind of demand and an urgency.

    In force from ``valid_from`` until the day before ``valid_to``, judged on the Beijing day on which the clock starts.
    ``stops_on`` names states of the subject in which it stands still.
    """

    __tablename__ = "time_limit"
    __table_args__ = (
        UniqueConstraint("matter", "kind", "clock", "level", "valid_from"),
        CheckConstraint(f"clock in {(*CLOCKS, *COUNTS)!r}", name="clock"),
        CheckConstraint(f"kind in {(ANY, *KINDS)!r}", name="kind"),
        CheckConstraint(f"level in {(ANY, *URGENCIES)!r}", name="level"),
        CheckConstraint(f"unit in {(*UNITS, 'time')!r}", name="unit"),
        CheckConstraint(f"day_one in {DAY_ONES!r}", name="day_one"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("valid_to is null or valid_to > valid_from", name="validity"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    matter: Mapped[str]
    kind: Mapped[str]
    clock: Mapped[str]
    level: Mapped[str]
    amount: Mapped[int]
    unit: Mapped[str]
    day_one: Mapped[str]
    stops_on: Mapped[list[str]]
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    basis: Mapped[str]


@dataclass(frozen=True, slots=True)
class Limit:
    """办理时限 — a ``TimeLimit`` in memory."""

    matter: str
    kind: str
    clock: str
    level: str
    amount: int
    unit: str
    day_one: str
    stops_on: tuple[str, ...]
    valid_from: date
    valid_to: date | None
    basis: str

    @property
    def id(self) -> str:
        """The row's key in one word, legible years later: ``*:complaint:handle:normal:2020-01-01``."""
        return f"{self.matter}:{self.kind}:{self.clock}:{self.level}:{self.valid_from}"

    def say(self, lang: str = "zh") -> str:
        """The term in words: 5个工作日, 5 working days."""
        return words.say(f"limit.{self.unit}", lang, amount=self.amount)


@dataclass(frozen=True, slots=True)
class Due:
    """应办时间 — when it is due, and the row that says so, which the subject keeps.

    ``uncertain`` is ``None``, or the years (2027 or 2027,2028) whose holidays were not yet published.
    """

    at: datetime
    rule_id: str
    rule: Limit
    uncertain: str | None

    def doubt(self, lang: str = "zh") -> str | None:
        """The doubt as a sentence."""
        return words.say("law.uncertain", lang, years=self.uncertain) if self.uncertain else None


@dataclass(frozen=True)
class Limits:
    """时限表 — all rows and calendars in memory. Immutable; questions are answered without I/O."""

    rows: tuple[Limit, ...]
    calendars: Calendars
    _by: Mapping[tuple[str, str, str, str], tuple[Limit, ...]] = field(init=False, repr=False)
    _found: dict[tuple[str | None, str, str, str, date], Limit | None] = field(
        init=False, repr=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        by: dict[tuple[str, str, str, str], list[Limit]] = {}
        for row in self.rows:
            by.setdefault((row.clock, row.matter, row.kind, row.level), []).append(row)
        object.__setattr__(self, "_by", {key: tuple(rows) for key, rows in by.items()})

    def find(self, matter: str | None, clock: str, kind: str, level: str, day: date) -> Limit | None:
        """The row in force on a day: the most particular matter, then the kind, then the urgency. ``matter`` may be unknown."""
        question = (matter, clock, kind, level, day)
        if question in self._found:
            return self._found[question]
        if len(self._found) > _MEMORY:
            self._found.clear()
        found = self._found[question] = self._search(matter, clock, kind, level, day)
        return found

    def due(self, matter: str | None, clock: str, start: datetime, *, kind: str = ANY, level: str = "normal") -> Due:
        """When a clock that starts now is due. Refusal 409 ``law.no_limit`` where no row is in force."""
        return self.due_with_pauses(matter, clock, start, (), kind=kind, level=level)

    def due_with_pauses(
        self,
        matter: str | None,
        clock: str,
        start: datetime,
        pauses: Iterable[Pause],
        *,
        kind: str = ANY,
        level: str = "normal",
    ) -> Due:
        """When a clock is due that stood still meanwhile; the row and the working hours are those of the day it started."""
        day = start.astimezone(BEIJING).date()
        rule = self.find(matter, clock, kind, level, day)
        if rule is None or rule.unit == "time":
            raise Refusal("law.no_limit", 409, clock=clock, matter=matter or ANY)
        at = self.calendars.on(day).due_with_pauses(start, rule.amount, rule.unit, rule.day_one, pauses)
        return Due(at.at, rule.id, rule, ",".join(map(str, at.unknown_years)) or None)

    def count(self, what: str, day: date, *, matter: str | None = None, kind: str = ANY, level: str = "normal") -> int:
        """How often something may be done: dispatches, extensions, suspensions, call_backs. 409 where no row is in force."""
        rule = self.find(matter, what, kind, level, day)
        if rule is None or rule.unit != "time":
            raise Refusal("law.no_limit", 409, clock=what, matter=matter or ANY)
        return rule.amount

    def _search(self, matter: str | None, clock: str, kind: str, level: str, day: date) -> Limit | None:
        prefixes = [matter[:length] for length in range(len(matter), 0, -1)] if matter else []
        for prefix in (*prefixes, ANY):
            for of_kind in dict.fromkeys((kind, ANY)):
                for of_level in dict.fromkeys((level, ANY)):
                    for row in self._by.get((clock, prefix, of_kind, of_level), ()):
                        if edition.in_force(row.valid_from, row.valid_to, day):
                            return row
        return None


def read(s: Session) -> Limits:
    """All rows and the calendars."""
    return Limits(edition.copies(s, TimeLimit, Limit), edition.held(s, holidays.read))


def limits(s: Session | None = None) -> Limits:
    """The limits of this process; no query after the first use."""
    return edition.held(s, read)


def due(s: Session, matter: str | None, clock: str, start: datetime, *, kind: str = ANY, level: str = "normal") -> Due:
    """应办时间 — when ``clock`` (contact, sign, handle, …) is due if it starts at ``start``; see ``Limits.due``."""
    return limits(s).due(matter, clock, start, kind=kind, level=level)
