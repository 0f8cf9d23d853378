"""阈值 — the numbers by which a city decides: how sure is sure enough, which mark counts as satisfied. Dated rows, as limits are."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import CheckConstraint, Date
from sqlalchemy.orm import Mapped, Session, mapped_column

from shiyu.kernel.db import Base
from shiyu.kernel.errors import Refusal
from shiyu.law import edition

NAMES = (
    "direct.confidence",
    "duplicate.likeness",
    "satisfied.at_least",
    "light.amber",
    "channel.silent.times",
    "channel.silent.least",
    "channel.silent.default",
    "channel.silent.history",
    "knowledge.review_days",
    "knowledge.good_enough",
    "knowledge.alike",
)
"""直派把握 疑似重复相似度 视为满意的最低评价 亮黄灯时已用时间比例；渠道沉默：几倍于平常间隔、至少小时数、缺少历史时的小时数、足以看出平常间隔的件数；
知识条目：复核周期（天）、视为有答案的最低匹配度、未答问题归并相似度."""


class Threshold(Base):
    """阈值 — one number under a name, in force from ``valid_from`` until the day before ``valid_to``."""

    __tablename__ = "threshold"
    __table_args__ = (CheckConstraint("valid_to is null or valid_to > valid_from", name="validity"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[date] = mapped_column(Date, primary_key=True)
    valid_to: Mapped[date | None] = mapped_column(Date)
    value: Mapped[float]
    note: Mapped[str]
    basis: Mapped[str]


@dataclass(frozen=True, slots=True)
class Measure:
    """阈值 — a ``Threshold`` in memory."""

    name: str
    valid_from: date
    valid_to: date | None
    value: float


Measures = dict[str, tuple[Measure, ...]]


def read(s: Session) -> Measures:
    """All rows by name."""
    found: Measures = {}
    for row in edition.copies(s, Threshold, Measure):
        found[row.name] = (*found.get(row.name, ()), row)
    return found


def value(measures: Measures, name: str, day: date) -> float:
    """The number in force on a day. Refusal 409 ``law.no_threshold`` where there is none."""
    for row in measures.get(name, ()):
        if edition.in_force(row.valid_from, row.valid_to, day):
            return row.value
    raise Refusal("law.no_threshold", 409, name=name)
