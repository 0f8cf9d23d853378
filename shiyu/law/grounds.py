"""法定事由 — the only reasons for which a request may be declined, sent back, suspended, extended, exempted …"""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import CheckConstraint, Date
from sqlalchemy.orm import Mapped, Session, mapped_column

from shiyu.kernel.db import Base
from shiyu.kernel.errors import Refusal
from shiyu.law import edition

VERBS = (
    "decline",
    "transfer",
    "bounce",
    "merge",
    "send_back",
    "pass_down",
    "designate",
    "suspend",
    "extend",
    "stop",
    "withdraw",
    "close",
    "rework",
    "reopen",
    "exempt",
    "recuse",
)
"""不予受理 移送 移送退回 并案 退单 转派 指定承办 挂账 延期 终止 撤回 办结 重新办理 再次办理 剔除 回避."""


class Ground(Base):
    """法定事由 — a reason that ``verbs`` accept; ``text`` is what it demands. In force from ``valid_from`` until the day before ``valid_to``."""

    __tablename__ = "ground"
    __table_args__ = (CheckConstraint("valid_to is null or valid_to > valid_from", name="validity"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    zh: Mapped[str]
    en: Mapped[str]
    verbs: Mapped[list[str]]
    text: Mapped[str]
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    basis: Mapped[str]


@dataclass(frozen=True, slots=True)
class Reason:
    """法定事由 — a ``Ground`` in memory."""

    code: str
    zh: str
    en: str
    verbs: tuple[str, ...]
    text: str
    valid_from: date
    valid_to: date | None
    basis: str

    def say(self, lang: str = "zh") -> str:
        """Its name in a language."""
        return self.en if lang == "en" else self.zh


Reasons = dict[str, Reason]


def read(s: Session) -> Reasons:
    """All grounds by code, in the order of the book's codes."""
    return {one.code: one for one in edition.copies(s, Ground, Reason)}


def open_to(s: Session | None, verb: str | None = None, day: date | None = None) -> list[Reason]:
    """The grounds that a verb accepts on a day (today if not given); all in force without a verb."""
    day = day or edition.today()
    held = edition.held(s, read).values()
    return [
        one for one in held if edition.in_force(one.valid_from, one.valid_to, day) and (not verb or verb in one.verbs)
    ]


def require(s: Session | None, code: str, verb: str, day: date | None = None) -> Reason:
    """The ground of a code, or refusal 422: unknown or ended, or not one that this verb accepts."""
    reason = edition.held(s, read).get(code)
    if reason is None or not edition.in_force(reason.valid_from, reason.valid_to, day or edition.today()):
        raise Refusal("ground.unknown", 422, field="ground", ground=code)
    if verb not in reason.verbs:
        raise Refusal("ground.not_for_verb", 422, field="ground", ground=reason.zh, ground_en=reason.en, verb=verb)
    return reason
