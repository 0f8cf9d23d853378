"""权责清单 — matter and place to the responsible offices: who leads, who assists, who calls them together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column

from shiyu.directory.located import Because
from shiyu.kernel.db import Base, new_id
from shiyu.law import edition

ANY = "*"
CENTRE = "{%s}-centre"
CONVENERS = ("city", "county", "town")
"""召集层级: 市 县区 乡镇街道; also the placeholders of offices' codes."""


class Duty(Base):
    """权责 — for a matter (prefix of its code or ``*``) in an area (its code or ``*``): lead, assisting offices, convening level.

    Offices are codes, in which ``{city}``, ``{county}`` and ``{town}`` stand for the code of the area in which the place lies. In force
    from ``valid_from`` until the day before ``valid_to``.
    """

    __tablename__ = "duty"
    __table_args__ = (
        UniqueConstraint("matter", "area", "valid_from"),
        CheckConstraint(f"convener in {CONVENERS!r}", name="convener"),
        CheckConstraint("valid_to is null or valid_to > valid_from", name="validity"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    matter: Mapped[str]
    area: Mapped[str]
    lead: Mapped[str]
    assist: Mapped[list[str]]
    convener: Mapped[str]
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    basis: Mapped[str]


@dataclass(frozen=True, slots=True)
class Charge:
    """权责 — a ``Duty`` in memory."""

    matter: str
    area: str
    lead: str
    assist: tuple[str, ...]
    convener: str
    valid_from: date
    valid_to: date | None
    basis: str

    @property
    def id(self) -> str:
        """The row's key in one word: ``0302:*:2020-01-01``."""
        return f"{self.matter}:{self.area}:{self.valid_from}"


@dataclass(frozen=True, slots=True)
class Owner:
    """承办建议 — the lead office, the assisting ones, the level whose centre convenes them, and why.

    ``unambiguous`` is false where no row was found or the place is not known finely enough: then the lead is the nearest centre or the
    city's own office, and a person should look. Codes of offices are not looked up here.
    """

    lead_code: str
    assist_codes: tuple[str, ...]
    convener_level: str
    because: tuple[Because, ...]
    unambiguous: bool
    rule_id: str | None
    basis: str | None


@dataclass(frozen=True)
class Duties:
    """权责表 — all rows in memory. Immutable."""

    rows: tuple[Charge, ...]
    _by: Mapping[str, Mapping[str, tuple[Charge, ...]]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by: dict[str, dict[str, tuple[Charge, ...]]] = {}
        for row in self.rows:
            areas = by.setdefault(row.matter, {})
            areas[row.area] = (*areas.get(row.area, ()), row)
        object.__setattr__(self, "_by", by)

    def find(self, matter: str | None, lineage: Sequence[str], day: date) -> Charge | None:
        """The row in force on a day: the most particular matter, then the most particular area."""
        prefixes = [matter[:length] for length in range(len(matter), 0, -1)] if matter else []
        for prefix in (*prefixes, ANY):
            areas = self._by.get(prefix)
            for area in (*reversed(lineage), ANY) if areas else ():
                for row in areas.get(area, ()) if areas else ():
                    if edition.in_force(row.valid_from, row.valid_to, day):
                        return row
        return None

    def owner(self, matter: str | None, lineage: Sequence[str], day: date | None = None) -> Owner:
        """承办建议 — ``lineage``: codes from the city down to the finest area known; ``day`` is today if not given."""
        codes: dict[str, str] = dict(zip(CONVENERS, lineage, strict=False))
        row = self.find(matter, lineage, day or edition.today())
        if row is None:
            nearest = [place for place in CONVENERS if place in codes]
            lead = (CENTRE % nearest[-1]).format_map(codes) if nearest else ""
            why = Because("duty_none", {"matter": matter or ANY})
            return Owner(lead, (), nearest[-1] if nearest else "city", (why,), False, None, None)
        because = [Because("duty_matter", {"matter": row.matter, "basis": row.basis})]
        if row.area != ANY:
            because.append(Because("duty_area", {"area": row.area}))
        lead, exact = _lead(row.lead, codes)
        if not exact:
            because.append(Because("duty_place", {"lead": lead}))
        assist = tuple(dict.fromkeys(code for one in row.assist if (code := _filled(one, codes)) and code != lead))
        level = row.convener if row.convener in codes or not codes else next(reversed(codes))
        return Owner(lead, assist, level, tuple(because), exact, row.id, row.basis)


def _filled(code: str, codes: Mapping[str, str]) -> str | None:
    """An office's code with the places filled in, ``None`` where the place is not known."""
    try:
        return code.format_map(codes)
    except KeyError:
        return None


def _lead(code: str, codes: Mapping[str, str]) -> tuple[str, bool]:
    """The lead, and whether the place was known finely enough. If not, the office of the same name above, or else the centre."""
    exact = _filled(code, codes)
    if exact:
        return exact, True
    _, _, slug = code.partition("}-")
    for place in reversed(CONVENERS):
        if place in codes:
            return (f"{codes[place]}-{slug}" if slug else (CENTRE % place).format_map(codes)), False
    return "", False


def read(s: Session) -> Duties:
    """All rows."""
    return Duties(edition.copies(s, Duty, Charge))


def duties(s: Session | None = None) -> Duties:
    """The duties of this process; no query after the first use."""
    return edition.held(s, read)


def owner(s: Session, matter: str | None, lineage: Sequence[str], day: date | None = None) -> Owner:
    """承办建议 — whose a matter is in a place; see ``Duties.owner``."""
    return duties(s).owner(matter, lineage, day)
