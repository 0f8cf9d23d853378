"""机构 — the tree of offices: departments, subdistrict offices, communities, centres, enterprises; their posts and duty rosters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, Date, ForeignKey, Index, UniqueConstraint, literal, or_, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from shiyu.directory import names
from shiyu.directory.gazetteer import gazetteer
from shiyu.directory.people import Person
from shiyu.directory.places import Area, changed, may_keep
from shiyu.kernel import audit, clock
from shiyu.kernel.auth import Account, Viewer
from shiyu.kernel.db import Base, new_id
from shiyu.kernel.errors import Refusal, not_found

KINDS = ("party", "government", "street", "community", "social", "enterprise", "centre", "public_service")
_FEW = 200
_ZERO = literal(0)


class Org(Base):
    """机构 — an office that cases are given to, in force from ``valid_from`` until the day before ``valid_to``.

    ``kind``: party 党务, government 政务, street 街道（乡镇）, community 社区（村）, social 社会组织, enterprise 企业, centre
    市域社会治理中心, public_service 公共服务. ``area_id`` is the territory it answers for.
    """

    __tablename__ = "org"
    __table_args__ = (
        CheckConstraint(f"kind in {KINDS!r}", name="kind"),
        CheckConstraint("level in ('city', 'county', 'town', 'community')", name="level"),
        CheckConstraint("valid_to is null or valid_to > valid_from", name="validity"),
        Index(None, "parent_id", "sort_key", "id"),
        Index(None, "area_id", "kind"),
        Index(None, "kind", "level"),
        Index(None, "sort_key", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[str]
    level: Mapped[str]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("directory.org.id"))
    area_id: Mapped[UUID | None] = mapped_column(ForeignKey(Area.id))
    telephone: Mapped[str | None]
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    sort_key: Mapped[str]
    initials: Mapped[str]
    origin: Mapped[str] = mapped_column(default="manual")


class Post(Base):
    """岗位 — a person's place at an office, and the area it is about: the grid worker of a grid, the dispatcher of a centre."""

    __tablename__ = "post"
    __table_args__ = (
        CheckConstraint("valid_to is null or valid_to > valid_from", name="validity"),
        Index(None, "org_id"),
        Index(None, "person_id"),
        Index(None, "area_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    org_id: Mapped[UUID] = mapped_column(ForeignKey(Org.id))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey(Person.id))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id), index=True)
    role: Mapped[str]
    title: Mapped[str]
    area_id: Mapped[UUID | None] = mapped_column(ForeignKey(Area.id))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)


class Roster(Base):
    """值班 — who leads and who sits at the desk of an office on a day and shift ("day", "night" or "whole")."""

    __tablename__ = "roster"
    __table_args__ = (
        UniqueConstraint("org_id", "day", "shift"),
        CheckConstraint("shift in ('day', 'night', 'whole')", name="shift"),
        Index(None, "day"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    org_id: Mapped[UUID] = mapped_column(ForeignKey(Org.id))
    day: Mapped[date] = mapped_column(Date)
    shift: Mapped[str] = mapped_column(default="whole")
    leader_id: Mapped[UUID] = mapped_column(ForeignKey(Person.id))
    officer_id: Mapped[UUID | None] = mapped_column(ForeignKey(Person.id))


@dataclass(frozen=True, slots=True)
class OnDuty:
    """One line of today's roster with the names to call."""

    org: Org
    shift: str
    leader: Person
    officer: Person | None


def in_force(on: date | None = None) -> ColumnElement[bool]:
    """The offices of a day, by default today in Beijing."""
    day = on or today()
    return (Org.valid_from <= day) & or_(Org.valid_to.is_(None), Org.valid_to > day)


def today() -> date:
    """The day in Beijing."""
    return clock.beijing(clock.now()).date()


@dataclass(frozen=True, slots=True)
class Offices:
    """机构一览 — codes and names of all offices as this process remembers them: ``ids`` those in force, ``names`` all."""

    token: UUID | None
    ids: dict[str, UUID]
    names: dict[UUID, tuple[str, str]]


_offices: Offices | None = None


def offices(s: Session) -> Offices:
    """All offices, from memory while the directory's edition stays the same."""
    global _offices  # noqa: PLW0603 - one memory a process
    token = gazetteer(s).token
    if _offices is None or _offices.token != token or token is None:
        rows = s.execute(select(Org.id, Org.code, Org.name, in_force())).all()
        ids = {code: org_id for org_id, code, _, living in rows if living}
        _offices = Offices(token, ids, {org_id: (code, name) for org_id, code, name, _ in rows})
    return _offices


def ids(s: Session) -> dict[str, UUID]:
    """The offices in force by their code."""
    return offices(s).ids


def labels(s: Session) -> dict[UUID, tuple[str, str]]:
    """Code and name of every office by its id."""
    return offices(s).names


def org_by_code(s: Session, code: str) -> Org:
    """The office of a code, in force or ended. Refusal ``org.not_found``."""
    row = s.scalar(select(Org).where(Org.code == code))
    if row is None:
        raise not_found("org")
    return row


def tree(s: Session, root: Org, depth: int = 10) -> Sequence[Org]:
    """The offices below one, itself first, at most ``depth`` steps down."""
    down = select(Org.id, _ZERO.label("depth")).where(Org.id == root.id).cte(recursive=True)
    below = aliased(Org)
    down = down.union_all(select(below.id, down.c.depth + 1).where(below.parent_id == down.c.id, down.c.depth < depth))
    query = select(Org).join(down, down.c.id == Org.id).where(in_force()).order_by(down.c.depth, Org.sort_key, Org.id)
    return s.scalars(query).all()


def search(
    s: Session,
    query: str = "",
    *,
    kind: str | None = None,
    under: Org | None = None,
    area_id: UUID | None = None,
    limit: int = _FEW,
) -> Sequence[Org]:
    """Offices in force by Chinese words, pinyin or initials, of a kind, directly below an office, or of a territory; by pinyin."""
    found = select(Org).where(in_force())
    if query.strip():
        found = found.where(names.matching(query, Org.name, Org.sort_key, Org.initials))
    if kind:
        found = found.where(Org.kind == kind)
    if under:
        found = found.where(Org.parent_id == under.id)
    if area_id:
        found = found.where(Org.area_id == area_id)
    return s.scalars(found.order_by(Org.sort_key, Org.id).limit(limit)).all()


def centre_of(s: Session, area_id: UUID) -> Org | None:
    """The centre (市域社会治理中心) of an area, if it has one."""
    return s.scalar(select(Org).where(Org.area_id == area_id, Org.kind == "centre", in_force()))


def add_org(
    s: Session,
    viewer: Viewer,
    *,
    code: str,
    name: str,
    kind: str,
    level: str,
    valid_from: date,
    parent: Org | None = None,
    area: Area | None = None,
    telephone: str | None = None,
    origin: str = "manual",
) -> Org:
    """设立机构 — a new office. Refuses a kind that is none (422) and a code that is taken (409)."""
    may_keep(viewer)
    if kind not in KINDS:
        raise Refusal("org.bad_kind", 422, field="kind", kind=kind)
    if s.scalar(select(Org.id).where(Org.code == code)) is not None:
        raise Refusal("org.code_taken", 409, field="code", given=code)
    row = Org(
        id=new_id(),
        code=code,
        name=name,
        kind=kind,
        level=level,
        parent_id=parent.id if parent else None,
        area_id=area.id if area else None,
        telephone=telephone,
        valid_from=valid_from,
        sort_key=names.sort_key(name),
        initials=names.initials(name),
        origin=origin,
    )
    s.add(row)
    s.flush()
    changed(s)
    audit.record(s, viewer, "org.add", subject=f"org:{row.id}", code=code)
    return row


def end_org(s: Session, viewer: Viewer, org: Org, on: date) -> None:
    """撤销机构 — not in force any more from that day. Refuses (409) while offices below are in force."""
    may_keep(viewer)
    if org.valid_to is not None:
        raise Refusal("org.ended", 409, org=org.name)
    below = select(Org.id).where(Org.parent_id == org.id, or_(Org.valid_to.is_(None), Org.valid_to > on)).limit(1)
    if s.scalar(below) is not None:
        raise Refusal("org.has_children", 409, org=org.name)
    org.valid_to = on
    changed(s)
    audit.record(s, viewer, "org.end", subject=f"org:{org.id}")


def posts_at(s: Session, org: Org, on: date | None = None) -> list[tuple[Post, Person | None]]:
    """The posts of an office on a day and who holds them."""
    day = on or today()
    query = (
        select(Post, Person)
        .outerjoin(Person, Person.id == Post.person_id)
        .where(Post.org_id == org.id, Post.valid_from <= day, or_(Post.valid_to.is_(None), Post.valid_to > day))
        .order_by(Post.role, Person.sort_key, Post.id)
    )
    return [(post, person) for post, person in s.execute(query)]


def set_roster(
    s: Session, viewer: Viewer, org: Org, day: date, leader: Person, officer: Person | None = None, shift: str = "whole"
) -> Roster:
    """排班 — who leads and who sits at the desk; a shift that was set before is changed, and both are on record."""
    may_keep(viewer)
    row = s.scalar(
        select(Roster).where(Roster.org_id == org.id, Roster.day == day, Roster.shift == shift).with_for_update()
    )
    if row is None:
        row = Roster(org_id=org.id, day=day, shift=shift)
        s.add(row)
    row.leader_id, row.officer_id = leader.id, officer.id if officer else None
    s.flush()
    audit.record(s, viewer, "roster.set", subject=f"org:{org.id}", day=str(day), shift=shift)
    return row


def on_duty(s: Session, day: date | None = None, under: Org | None = None) -> list[OnDuty]:
    """今日值班 — the roster of a day, by default today in Beijing, the widest offices first."""
    leader, officer = aliased(Person), aliased(Person)
    query = (
        select(Org, Roster.shift, leader, officer)
        .join(Roster, Roster.org_id == Org.id)
        .join(leader, leader.id == Roster.leader_id)
        .outerjoin(officer, officer.id == Roster.officer_id)
        .where(Roster.day == (day or today()))
    )
    if under:
        query = query.where(or_(Org.id == under.id, Org.parent_id == under.id))
    lines = [OnDuty(org, shift, lead, desk) for org, shift, lead, desk in s.execute(query)]
    order = {"city": 0, "county": 1, "town": 2, "community": 3}
    return sorted(lines, key=lambda line: (order[line.org.level], line.org.sort_key, line.org.code, line.shift))
