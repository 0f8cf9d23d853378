"""诉求事项 — the tree of what people ask for: three levels, six digits (2+2+2), found by code, text or pinyin."""

from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import CheckConstraint, Date, Index, SmallInteger
from sqlalchemy.orm import Mapped, Session, mapped_column

from shiyu.directory import names
from shiyu.kernel.db import Base
from shiyu.kernel.errors import not_found
from shiyu.law import edition

LEAF = 3
_DIGITS = 6


class Matter(Base):
    """诉求事项 — one kind of request. ``level`` 1 大类, 2 中类, 3 小类; only the third is given to cases.

    ``kind`` the usual kind of demand, ``urgency`` the usual urgency, ``synonyms`` as people say it. A code never comes back with another
    meaning. In force from ``valid_from`` until the day before ``valid_to``.
    """

    __tablename__ = "matter"
    __table_args__ = (
        CheckConstraint("level between 1 and 3", name="level"),
        CheckConstraint("valid_to is null or valid_to > valid_from", name="validity"),
        Index(None, "parent_code", "sort_key"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_en: Mapped[str]
    level: Mapped[int] = mapped_column(SmallInteger)
    parent_code: Mapped[str | None]
    kind: Mapped[str | None]
    urgency: Mapped[str | None]
    synonyms: Mapped[list[str]]
    sort_key: Mapped[str]
    initials: Mapped[str]
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    basis: Mapped[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """事项 — a ``Matter`` in memory."""

    code: str
    name: str
    name_en: str
    level: int
    parent_code: str | None
    kind: str | None
    urgency: str | None
    synonyms: tuple[str, ...]
    sort_key: str
    initials: str
    valid_from: date
    valid_to: date | None
    basis: str

    def holds(self, day: date) -> bool:
        """Whether it may be given to a case on a day."""
        return edition.in_force(self.valid_from, self.valid_to, day)


@dataclass(frozen=True)
class Matters:
    """事项表 — the whole tree in memory. Immutable."""

    entries: tuple[Entry, ...]
    _by_code: dict[str, Entry] = field(init=False, repr=False)
    _below: dict[str | None, list[Entry]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_code", {entry.code: entry for entry in self.entries})
        for entry in sorted(self.entries, key=lambda one: one.code):
            self._below.setdefault(entry.parent_code, []).append(entry)

    def get(self, code: str) -> Entry | None:
        """The matter of a code, ended ones too."""
        return self._by_code.get(code)

    def require(self, code: str) -> Entry:
        """The matter of a code, or refusal 404."""
        entry = self.get(code)
        if entry is None:
            raise not_found("matter")
        return entry

    def path(self, code: str) -> list[Entry]:
        """From the major class down to the matter itself."""
        above: list[Entry] = []
        entry = self.get(code)
        while entry:
            above.append(entry)
            entry = self.get(entry.parent_code) if entry.parent_code else None
        return above[::-1]

    def below(self, code: str | None, day: date) -> list[Entry]:
        """What stands directly below a code (the major classes below ``None``) on a day, in order of the codes."""
        return [entry for entry in self._below.get(code, ()) if entry.holds(day)]

    def leaves(self, day: date) -> list[Entry]:
        """All matters that a case may have on a day."""
        return [entry for entry in self.entries if entry.level == LEAF and entry.holds(day)]

    def search(self, query: str, day: date, limit: int = 50, under: str | None = None) -> list[Entry]:
        """For pickers: code, name, phrase as people say it, English, pinyin or initials; best first. ``under`` a code of a higher level."""
        within = under[: 2 * level_of(under)] if under else ""
        wanted = query.strip().lower()
        letters = wanted.replace(" ", "")
        if not wanted:
            return []
        ranked = [
            (rank, -entry.level, len(entry.name), entry.code, entry)
            for entry in self.entries
            if entry.holds(day)
            and entry.code.startswith(within)
            and (rank := _rank(entry, wanted, letters)) is not None
        ]
        return [entry for *_, entry in sorted(ranked, key=lambda one: one[:4])[:limit]]


def _rank(entry: Entry, wanted: str, letters: str) -> int | None:
    spelled = entry.sort_key.replace(" ", "")
    tests = (
        wanted in {entry.name, entry.code},
        entry.name.startswith(wanted) or entry.code.startswith(wanted),
        wanted in entry.name,
        any(wanted in phrase for phrase in entry.synonyms),
        entry.initials.startswith(letters) or spelled.startswith(letters),
        wanted in entry.name_en.lower(),
        letters in entry.initials or letters in spelled,
    )
    return next((rank for rank, passed in enumerate(tests) if passed), None)


def level_of(code: str) -> int:
    """The level a code speaks of: 010000 is 1, 010100 is 2, 010101 is 3. ``ValueError`` for anything else."""
    if len(code) != _DIGITS or not code.isdigit() or code.startswith("00"):
        raise ValueError(f"a matter's code has six digits, not {code!r}")
    if code.endswith("0000"):
        return 1
    if code[2:4] == "00":
        raise ValueError(f"{code} has a third level without a second")
    return 2 if code.endswith("00") else LEAF


def parent_of(code: str) -> str | None:
    """The code above."""
    level = level_of(code)
    return None if level == 1 else code[: 2 * (level - 1)].ljust(_DIGITS, "0")


def spelled(name: str) -> tuple[str, str]:
    """Sort key and initials of a name, in pinyin."""
    return names.sort_key(name), names.initials(name)


def read(s: Session) -> Matters:
    """The whole tree."""
    return Matters(edition.copies(s, Matter, Entry))


def matters(s: Session | None = None) -> Matters:
    """The matters of this process; no query after the first use."""
    return edition.held(s, read)
