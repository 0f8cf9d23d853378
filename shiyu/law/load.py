"""装载依据 — ``shiyu law load``: the books, as reviewed in git, into the tables. Idempotent; a row that is not fit stops everything.

A row is known by its key. A new key is added; an equal row is left; a differing row is changed and the report says so, for what is in force
should end and be followed by a row with a new ``from``. A row that has left its book stays in the table and is named in the report.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shiyu.kernel.db import Base
from shiyu.kernel.errors import Refusal
from shiyu.law import duties, edition, grounds, limits, matters, thresholds
from shiyu.law.calendar import DAY_ONES, UNITS
from shiyu.law.duties import Duty
from shiyu.law.grounds import Ground
from shiyu.law.holidays import CalendarDay, WorkPeriod
from shiyu.law.limits import ANY, TimeLimit
from shiyu.law.matters import Matter
from shiyu.law.thresholds import Threshold

BOOKS = Path(__file__).parent / "books"

Row = dict[str, str]
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """书中一行 — a row of a book with its place, by which a refusal names it."""

    file: str
    number: int
    row: Row

    def refuse(self, problem: str, **facts: Any) -> Refusal:
        """The refusal ``book.<problem>`` of this line."""
        return Refusal(f"book.{problem}", 422, file=self.file, line=self.number, **facts)

    def word(self, column: str) -> str:
        """A value that must be there."""
        value = (self.row.get(column) or "").strip()
        if not value:
            raise self.refuse("missing", column=column)
        return value

    def words(self, column: str) -> list[str]:
        """Values parted by a bar; none is allowed."""
        return [word.strip() for word in (self.row.get(column) or "").split("|") if word.strip()]

    def one_of(self, column: str, allowed: tuple[str, ...]) -> str:
        """A value out of a list."""
        value = self.word(column)
        if value not in allowed:
            raise self.refuse("bad_value", column=column, given=value)
        return value

    def parsed(self, column: str, parse: Callable[[str], Any]) -> Any:
        """A day, a time of day, a number."""
        value = self.word(column)
        try:
            return parse(value)
        except ValueError:
            raise self.refuse("bad_value", column=column, given=value) from None

    def validity(self) -> dict[str, Any]:
        """From when, until when, and on what it rests: no row without them."""
        begin = self.parsed("from", date.fromisoformat)
        end = self.parsed("to", date.fromisoformat) if (self.row.get("to") or "").strip() else None
        if end is not None and end <= begin:
            raise self.refuse("bad_value", column="to", given=str(end))
        return {"valid_from": begin, "valid_to": end, "basis": self.word("basis")}


@dataclass(slots=True)
class Shelved:
    """装载结果 — what became of one book: counts, and the keys of rows that changed or have left the book."""

    book: str
    added: int = 0
    same: int = 0
    changed: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Report:
    """装载报告 — every book, and whether the law is different now."""

    books: list[Shelved]

    @property
    def different(self) -> bool:
        """Whether anything was added or changed."""
        return any(book.added or book.changed for book in self.books)

    @property
    def edited(self) -> list[str]:
        """Rows that were changed under their old key, as ``book: key (columns)``."""
        return [f"{book.book}: {key}" for book in self.books for key in book.changed]


def _matter(line: Line) -> Iterator[dict[str, Any]]:
    code = line.word("code")
    level = line.parsed("code", matters.level_of)
    leaf = level == matters.LEAF
    name = line.word("name")
    sort_key, initials = matters.spelled(name)
    yield {
        "code": code,
        "name": name,
        "name_en": line.word("name_en"),
        "level": level,
        "parent_code": matters.parent_of(code),
        "kind": line.one_of("kind", limits.KINDS) if leaf else None,
        "urgency": line.one_of("urgency", limits.URGENCIES) if leaf else None,
        "synonyms": line.words("synonyms"),
        "sort_key": sort_key,
        "initials": initials,
        **line.validity(),
    }


def _limit(line: Line) -> Iterator[dict[str, Any]]:
    clock = line.one_of("clock", (*limits.CLOCKS, *limits.COUNTS))
    yield {
        "matter": line.word("matter"),
        "kind": line.one_of("kind", (ANY, *limits.KINDS)),
        "clock": clock,
        "level": line.one_of("level", (ANY, *limits.URGENCIES)),
        "amount": line.parsed("amount", _positive),
        "unit": line.one_of("unit", ("time",) if clock in limits.COUNTS else UNITS),
        "day_one": line.one_of("day_one", DAY_ONES),
        "stops_on": line.words("stops_on"),
        **line.validity(),
    }


def _duty(line: Line) -> Iterator[dict[str, Any]]:
    yield {
        "matter": line.word("matter"),
        "area": line.word("area"),
        "lead": line.word("lead"),
        "assist": line.words("assist"),
        "convener": line.one_of("convener", duties.CONVENERS),
        **line.validity(),
    }


def _ground(line: Line) -> Iterator[dict[str, Any]]:
    verbs = line.words("for")
    for verb in verbs or [""]:
        if verb not in grounds.VERBS:
            raise line.refuse("bad_value", column="for", given=verb)
    words = {column: line.word(column) for column in ("code", "zh", "en", "text")}
    yield {**words, "verbs": verbs, **line.validity()}


def _threshold(line: Line) -> Iterator[dict[str, Any]]:
    name = line.one_of("name", thresholds.NAMES)
    yield {"name": name, "value": line.parsed("value", float), "note": line.word("note"), **line.validity()}


def _hours(line: Line) -> Iterator[dict[str, Any]]:
    begins, ends = line.parsed("start", time.fromisoformat), line.parsed("end", time.fromisoformat)
    if ends <= begins:
        raise line.refuse("bad_value", column="end", given=str(ends))
    yield {"begins": begins, "ends": ends, **line.validity()}


def _day(line: Line) -> Iterator[dict[str, Any]]:
    yield {
        "day": line.parsed("day", date.fromisoformat),
        "kind": line.one_of("kind", ("holiday", "makeup")),
        "name": line.word("name"),
        "basis": line.word("basis"),
    }


@dataclass(frozen=True, slots=True)
class Book:
    """一本书 — where it lies (a pattern below the folder; ``{city}`` is the city's own), what it fills, and by what a row is known."""

    pattern: str
    model: type[Base]
    key: tuple[str, ...]
    values: Callable[[Line], Iterator[dict[str, Any]]]


CODE = ("code",)
SHELF = (
    Book("national/matters.csv", Matter, CODE, _matter),
    Book("national/grounds.csv", Ground, CODE, _ground),
    Book("national/calendar/*.csv", CalendarDay, ("day",), _day),
    Book("default/hours.csv", WorkPeriod, ("begins", "valid_from"), _hours),
    Book("default/limits.csv", TimeLimit, ("matter", "kind", "clock", "level", "valid_from"), _limit),
    Book("default/thresholds.csv", Threshold, ("name", "valid_from"), _threshold),
    Book("{city}/duties.csv", Duty, ("matter", "area", "valid_from"), _duty),
)


def load(s: Session, books: Path = BOOKS, city: str = "anshan") -> Report:
    """装载依据 — read all books, then bring the tables to them. Refusal 422 ``book.…`` names file and line of the first unfit row."""
    s.execute(text("select pg_advisory_xact_lock(hashtext('law.load'))"))
    read = [(book, rows_of(book, books, city)) for book in SHELF]
    known = {values["code"] for book, rows in read if book.model is Matter for values, _ in rows}
    for book, rows in read:
        _fit(book, rows, known)
    report = Report([_shelve(s, book, [values for values, _ in rows]) for book, rows in read])
    if report.different or edition.token(s) is None:
        edition.bump(s)
    return report


def rows_of(book: Book, books: Path, city: str) -> list[tuple[dict[str, Any], Line]]:
    """The rows of a book with their lines. A file of the same name in the city's folder stands in for the common one."""
    pattern = book.pattern.format(city=city)
    own = books / city / Path(pattern).name
    paths = [own] if own.is_file() else sorted(books.glob(pattern))
    if not paths:
        raise Refusal("book.no_file", 422, file=pattern)
    return [(values, line) for path in paths for line in _lines(path, books) for values in book.values(line)]


def _lines(path: Path, books: Path) -> Iterator[Line]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            line = Line(str(path.relative_to(books)), reader.line_num, row)
            if None in row or None in row.values():
                raise line.refuse("ragged")
            yield line


def _fit(book: Book, rows: list[tuple[dict[str, Any], Line]], known: set[str]) -> None:
    """Keys stand once, terms of one thing do not overlap, and matters that are spoken of exist."""
    terms: dict[Key, list[tuple[date, date]]] = {}
    thing = [column for column in book.key if column != "valid_from"]
    for values, line in rows:
        begin, end = values.get("valid_from", date.min), values.get("valid_to") or date.max
        others = terms.setdefault(tuple(values[column] for column in thing), [])
        if any(begin < until and since < end for since, until in others):
            raise line.refuse("twice", key=_spoken(tuple(values[column] for column in book.key)))
        others.append((begin, end))
        if book.model is Matter and values["parent_code"] not in {None, *known}:
            raise line.refuse("no_matter", matter=values["parent_code"])
        prefix = values.get("matter", ANY)
        if prefix != ANY and prefix.ljust(6, "0") not in known:
            raise line.refuse("no_matter", matter=prefix)


def _shelve(s: Session, book: Book, rows: list[dict[str, Any]]) -> Shelved:
    shelved = Shelved(book.pattern)
    there = {tuple(getattr(one, column) for column in book.key): one for one in s.scalars(select(book.model))}
    for values in rows:
        key = tuple(values[column] for column in book.key)
        one = there.pop(key, None)
        if one is None:
            s.add(book.model(**values))
            shelved.added += 1
            continue
        differing = [column for column, value in values.items() if getattr(one, column) != value]
        for column in differing:
            setattr(one, column, values[column])
        if differing:
            shelved.changed.append(f"{_spoken(key)} ({', '.join(differing)})")
        else:
            shelved.same += 1
    shelved.absent = [_spoken(key) for key in there]
    s.flush()
    return shelved


def _spoken(key: Key) -> str:
    return ":".join(map(str, key))


def _positive(value: str) -> int:
    number = int(value)
    if number < 1:
        raise ValueError(value)
    return number
