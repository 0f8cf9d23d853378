"""网格岗位 — who serves which area in which kind of post, from when until when; who did *then*; where nobody does.

A post is never edited away: it ends on a day, its successor is a row of its own. ``valid_to`` is the first day on which it does not
hold any more. A stand-in (代班) is a post that stands for another one during its holder's leave. Posts that work on the phone carry
the grant of the account with them: it begins and ends with the post.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    and_,
    case,
    exists,
    false,
    func,
    or_,
    select,
    true,
)
from sqlalchemy import Sequence as DbSequence
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from shiyu.directory import names, places
from shiyu.directory.people import STAFF_KEEPERS, Person
from shiyu.directory.places import Area
from shiyu.kernel import audit, auth, clock, events, vault
from shiyu.kernel.auth import SYSTEM, Grant, RoleGrant, Viewer
from shiyu.kernel.db import Base, Page, decode_cursor, encode_cursor, new_id, page
from shiyu.kernel.errors import Refusal, not_found
from shiyu.kernel.events import event

STAND_IN = "stand_in"
GRID_WORKER = "grid_worker"

LEVELS = {
    "third_level": ("cell",),  # 三级网格员
    "designated": ("grid",),  # 专属网格员
    "police": ("grid", "community"),  # 网格警官
    "judge": ("grid", "community", "town"),  # 网格法官
    "enforcement": ("grid", "community", "town"),  # 执法人员
    "community_worker": ("grid", "community"),  # 社区工作者
    "party_branch": ("grid",),  # 网格党支部: its secretary
}
"""Kinds of post, and on which levels of area each stands. ``stand_in`` stands where the post stands that it is for."""

KINDS = (*LEVELS, STAND_IN)
ON_THE_PHONE = ("third_level", "designated")
"""Kinds that work on the phone, as grid workers of their grid."""

post_seq = DbSequence("grid_post_number", schema="directory", metadata=Base.metadata)


@event("post.filled")
class PostFilled:
    """岗位到岗 — somebody serves an area from a day on; ``stands_in_for`` is the post a stand-in is for."""

    post_id: UUID
    version: int
    kind: str
    area_id: UUID
    stands_in_for: UUID | None


@event("post.ended")
class PostEnded:
    """岗位离岗 — a post has its last day."""

    post_id: UUID
    version: int
    kind: str
    area_id: UUID


class GridPost(Base):
    """网格岗位 — a person serves an area, from ``valid_from`` until the day before ``valid_to``.

    ``no`` stands on the work card (工作证), ``card`` is the unguessable word in its QR code. ``public_name`` is what citizens read;
    ``telephone_public``: the work telephone may be shown to them; ``listed`` is false when the holder objected to being shown.
    ``grant_id``: the access that this post carries.
    """

    __tablename__ = "grid_post"
    __table_args__ = (
        CheckConstraint(f"kind in {KINDS!r}", name="kind"),
        CheckConstraint("valid_to is null or valid_to > valid_from", name="validity"),
        CheckConstraint(f"(kind = '{STAND_IN}') = (stands_in_for is not null)", name="stand_in"),
        Index(None, "area_id", "kind", "valid_from"),
        Index(None, "person_id"),
        Index(None, "stands_in_for"),
        Index(None, "grant_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    version: Mapped[int] = mapped_column(default=1)
    no: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    area_id: Mapped[UUID] = mapped_column(ForeignKey(Area.id))
    person_id: Mapped[UUID] = mapped_column(ForeignKey(Person.id))
    stands_in_for: Mapped[UUID | None] = mapped_column(ForeignKey("directory.grid_post.id"))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    public_name: Mapped[str]
    telephone_public: Mapped[bool] = mapped_column(default=False)
    listed: Mapped[bool] = mapped_column(default=True)
    card: Mapped[str] = mapped_column(unique=True)
    grant_id: Mapped[UUID | None] = mapped_column(ForeignKey(RoleGrant.id))


# --- who may ---------------------------------------------------------------------------------------------------------------


def _inside(grant: Grant) -> ColumnElement[bool]:
    if grant.area_id is None or grant.area_level in (None, "city"):
        return true()
    column = Area.id if grant.area_level == "cell" else places.column_of(grant.area_level or "")
    return column == grant.area_id


def kept_by(viewer: Viewer) -> ColumnElement[bool]:
    """The areas whose posts this viewer keeps, as a condition on ``Area``."""
    if viewer is SYSTEM:
        return true()
    grants = viewer.at(*STAFF_KEEPERS)
    return or_(*[_inside(grant) for grant in grants]) if grants else false()


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """可见范围 — posts of the areas one keeps, and one's own; a condition on ``GridPost`` joined with ``Area``."""
    holder = aliased(Person)
    own = exists().where(holder.id == GridPost.person_id, holder.account_id == viewer.id)
    return or_(kept_by(viewer), own) if viewer.id else kept_by(viewer)


def need_keeper(s: Session, viewer: Viewer, area: Area) -> None:
    """Refuse (403) who does not keep the posts of this area."""
    if not s.scalar(select(Area.id).where(Area.id == area.id, kept_by(viewer))):
        raise Refusal("post.not_yours", 403)


# --- verbs -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """公示 — what citizens may read of a holder. Without a name the masked one is shown."""

    public_name: str | None = None
    telephone: bool = False
    listed: bool = True


def fill(
    s: Session,
    viewer: Viewer,
    *,
    kind: str,
    area: Area,
    person: Person,
    valid_from: date,
    valid_to: date | None = None,
    shown: Shown | None = None,
) -> GridPost:
    """到岗 — a person serves an area. Days count in Beijing; ``valid_to`` is the first day off.

    Refuses: 403 an area he does not keep, 422 a kind that does not stand on this level, an ended area, days in the wrong order,
    409 a person who holds the same post already.
    """
    need_keeper(s, viewer, area)
    if kind not in LEVELS:
        raise Refusal("post.bad_kind", 422, field="kind", given=kind)
    if area.level not in LEVELS[kind]:
        raise Refusal("post.bad_level", 422, field="area", area=area.name)
    _check_days(area, valid_from, valid_to)
    same = (GridPost.kind == kind) & (GridPost.area_id == area.id) & (GridPost.person_id == person.id)
    overlaps = or_(GridPost.valid_to.is_(None), GridPost.valid_to > valid_from)
    if valid_to is not None:
        overlaps &= GridPost.valid_from < valid_to
    if s.scalar(select(GridPost.id).where(same, overlaps)):
        raise Refusal("post.held", 409, field="person")
    return _add(s, viewer, _row(s, kind, area.id, person, valid_from, valid_to, shown or Shown()))


def stand_in(
    s: Session, viewer: Viewer, post: GridPost, person: Person, valid_from: date, valid_to: date | None
) -> GridPost:
    """代班 — somebody else does the work of a post for a time; the grid's tasks are his too, as long as it lasts.

    Refuses: 403, 409 a post that is itself a stand-in, 422 the same person, no last day, days outside the post's own.
    """
    area = s.get_one(Area, post.area_id)
    need_keeper(s, viewer, area)
    if post.stands_in_for is not None:
        raise Refusal("post.no_chain", 409)
    if person.id == post.person_id:
        raise Refusal("post.himself", 422, field="person")
    if valid_to is None:
        raise Refusal("post.until_when", 422, field="valid_to")
    _check_days(area, valid_from, valid_to)
    if valid_from < post.valid_from or (post.valid_to is not None and valid_to > post.valid_to):
        raise Refusal("post.outside", 422, field="valid_to")
    row = _row(s, STAND_IN, post.area_id, person, valid_from, valid_to, Shown(listed=post.listed))
    row.stands_in_for = post.id
    return _add(s, viewer, row)


def end(s: Session, viewer: Viewer, post: GridPost, on: date) -> None:
    """离岗 — from this day on the post is not held; its card is void and its access ends with it, stand-ins end too.

    Refuses: 403, 409 a post that has ended, 422 a day before its second one.
    """
    need_keeper(s, viewer, s.get_one(Area, post.area_id))
    if post.valid_to is not None and post.valid_to <= min(on, today()):
        raise Refusal("post.ended", 409, no=post.no)
    if on <= post.valid_from:
        raise Refusal("post.bad_days", 422, field="on")
    later = select(GridPost).where(
        GridPost.stands_in_for == post.id, or_(GridPost.valid_to.is_(None), GridPost.valid_to > on)
    )
    for row in [*s.scalars(later.with_for_update()), post]:
        if row.valid_from >= on:  # a stand-in whose days never came
            _forget(s, viewer, row)
            continue
        row.valid_to, row.version = on, row.version + 1
        _carry_access(s, viewer, row, s.get_one(Person, row.person_id))
        events.publish(s, viewer, PostEnded(row.id, row.version, row.kind, row.area_id))
        audit.record(s, viewer, "post.end", subject=f"post:{row.id}", on=str(row.valid_to))
    s.flush()


def _forget(s: Session, viewer: Viewer, row: GridPost) -> None:
    if row.grant_id is not None:
        auth.revoke(s, viewer, row.grant_id)
    events.publish(s, viewer, PostEnded(row.id, row.version + 1, row.kind, row.area_id))
    audit.record(s, viewer, "post.end", subject=f"post:{row.id}", on=str(row.valid_from))
    s.delete(row)


def change_hands(s: Session, viewer: Viewer, post: GridPost, person: Person, on: date) -> GridPost:
    """交接 — one ends, the other begins on the same day; no day lies between. Refuses as ``end`` and ``fill`` do, 422 the same person."""
    if person.id == post.person_id:
        raise Refusal("post.himself", 422, field="person")
    if post.stands_in_for is not None:
        raise Refusal("post.no_chain", 409)
    until = post.valid_to if post.valid_to and post.valid_to > on else None
    end(s, viewer, post, on)
    area = s.get_one(Area, post.area_id)
    return fill(s, viewer, kind=post.kind, area=area, person=person, valid_from=on, valid_to=until)


def show(s: Session, viewer: Viewer, post: GridPost, shown: Shown) -> None:
    """公示设置 — the keeper of the area, and the holder himself: he may object, or agree again."""
    person = s.get_one(Person, post.person_id)
    if viewer.id is None or person.account_id != viewer.id:
        need_keeper(s, viewer, s.get_one(Area, post.area_id))
    post.public_name = shown.public_name or vault.mask_name(person.name)
    post.telephone_public, post.listed = shown.telephone, shown.listed
    audit.record(s, viewer, "post.show", subject=f"post:{post.id}", listed=shown.listed, telephone=shown.telephone)


def renew_card(s: Session, viewer: Viewer, post: GridPost) -> None:
    """换证 — a new word for the card; the old QR code is void at once. For the keeper and the holder."""
    person = s.get_one(Person, post.person_id)
    if viewer.id is None or person.account_id != viewer.id:
        need_keeper(s, viewer, s.get_one(Area, post.area_id))
    post.card = secrets.token_urlsafe(16)
    audit.record(s, viewer, "post.card", subject=f"post:{post.id}")


def today() -> date:
    """The day in Beijing."""
    return clock.beijing(clock.now()).date()


def _check_days(area: Area, valid_from: date, valid_to: date | None) -> None:
    if valid_to is not None and valid_to <= valid_from:
        raise Refusal("post.bad_days", 422, field="valid_to")
    if valid_from < area.valid_from or (area.valid_to is not None and valid_from >= area.valid_to):
        raise Refusal("post.no_area_then", 422, field="valid_from", area=area.name)


def _row(
    s: Session, kind: str, area_id: UUID, person: Person, valid_from: date, valid_to: date | None, shown: Shown
) -> GridPost:
    return GridPost(
        id=new_id(),
        version=1,
        no=f"WG-{s.scalar(select(post_seq.next_value())):06d}",
        kind=kind,
        area_id=area_id,
        person_id=person.id,
        valid_from=valid_from,
        valid_to=valid_to,
        public_name=shown.public_name or vault.mask_name(person.name),
        telephone_public=shown.telephone,
        listed=shown.listed,
        card=secrets.token_urlsafe(16),
    )


def _add(s: Session, viewer: Viewer, row: GridPost) -> GridPost:
    s.add(row)
    s.flush()
    _carry_access(s, viewer, row, s.get_one(Person, row.person_id))
    s.flush()
    events.publish(s, viewer, PostFilled(row.id, row.version, row.kind, row.area_id, row.stands_in_for))
    audit.record(s, viewer, "post.fill", subject=f"post:{row.id}", kind=row.kind, person=row.person_id)
    return row


def _carry_access(s: Session, viewer: Viewer, post: GridPost, person: Person) -> None:
    """The grant of the post lasts exactly as long as the post. One that the account has already, of no other post, is taken over."""
    kind = s.get_one(GridPost, post.stands_in_for).kind if post.stands_in_for else post.kind
    if kind not in ON_THE_PHONE or person.account_id is None:
        return
    grid_id = s.get_one(Area, post.area_id).grid_id
    start, finish = _midnight(post.valid_from), _midnight(post.valid_to) if post.valid_to else None
    held = post.grant_id or _loose_grant(s, person.account_id, grid_id)
    if held is not None:
        auth.revoke(s, viewer, held)
    if finish is not None and finish <= clock.now():
        return
    given = auth.grant(s, viewer, person.account_id, Grant(GRID_WORKER, None, grid_id, "grid"))
    given.from_at = max(start, clock.now())
    given.to_at = finish
    s.flush()
    post.grant_id = given.id


def _loose_grant(s: Session, account_id: UUID, grid_id: UUID | None) -> UUID | None:
    query = select(RoleGrant.id).where(
        RoleGrant.account_id == account_id,
        RoleGrant.role == GRID_WORKER,
        RoleGrant.area_id == grid_id,
        or_(RoleGrant.to_at.is_(None), RoleGrant.to_at > clock.now()),
        ~exists().where(GridPost.grant_id == RoleGrant.id),
    )
    return s.scalar(query.limit(1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), clock.BEIJING)


# --- reads -----------------------------------------------------------------------------------------------------------------


def held_on(day: date) -> ColumnElement[bool]:
    """The posts that are held on a day."""
    return (GridPost.valid_from <= day) & or_(GridPost.valid_to.is_(None), GridPost.valid_to > day)


def post_by_id(s: Session, viewer: Viewer, post_id: UUID, *, lock: bool = False) -> GridPost:
    """One post that the viewer may see, or 404."""
    query = select(GridPost).join(Area, Area.id == GridPost.area_id).where(GridPost.id == post_id, visible_to(viewer))
    row = s.scalar(query.with_for_update(of=GridPost) if lock else query)
    if row is None:
        raise not_found("post")
    return row


@dataclass(frozen=True, slots=True)
class Held:
    """A post with its holder and its area."""

    post: GridPost
    person: Person
    area: Area


def wholes(s: Session, rows: Sequence[GridPost]) -> list[Held]:
    """Posts with their holders and areas: two queries for any number."""
    people = {one.id: one for one in s.scalars(select(Person).where(Person.id.in_({row.person_id for row in rows})))}
    areas = {one.id: one for one in s.scalars(select(Area).where(Area.id.in_({row.area_id for row in rows})))}
    return [Held(row, people[row.person_id], areas[row.area_id]) for row in rows]


def listing(
    s: Session,
    viewer: Viewer,
    *,
    on: date | None = None,
    area: Area | None = None,
    kind: str | None = None,
    q: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page:
    """岗位列表 — posts held on a day (by default today), in an area and below it, of a kind, by the holder's name; newest first."""
    query = (
        select(GridPost)
        .join(Area, Area.id == GridPost.area_id)
        .join(Person, Person.id == GridPost.person_id)
        .where(visible_to(viewer), held_on(on or today()))
    )
    if area is not None:
        query = query.where(_below(area))
    if kind:
        query = query.where(GridPost.kind == kind)
    if q:
        query = query.where(names.matching(q, Person.name, Person.sort_key, Person.initials))
    found = page(s, query, [GridPost.id], [UUID], after=after, limit=limit)
    return Page(wholes(s, found.rows), found.next)


def served(s: Session, viewer: Viewer, area: Area, on: date | None = None) -> list[Held]:
    """何人在岗 — who served this very area on a day, or ever (no day): the newest first."""
    query = select(GridPost).join(Area, Area.id == GridPost.area_id).where(GridPost.area_id == area.id)
    if on is not None:
        query = query.where(held_on(on))
    query = query.where(visible_to(viewer)).order_by(GridPost.valid_from.desc(), GridPost.id.desc())
    return wholes(s, s.scalars(query.limit(200)).all())


def of_account(s: Session, account_id: UUID | None) -> list[Held]:
    """我的岗位 — the posts that somebody holds today."""
    query = select(GridPost).join(Person, Person.id == GridPost.person_id)
    query = query.where(Person.account_id == account_id, held_on(today())).order_by(GridPost.valid_from, GridPost.id)
    return wholes(s, s.scalars(query).all())


def by_card(s: Session, card: str) -> Held | None:
    """验证工作证 — the post of a card that holds today; anything else is no card."""
    row = s.scalar(select(GridPost).where(GridPost.card == card, held_on(today())))
    return wholes(s, [row])[0] if row else None


def shown_at(s: Session, area_ids: Sequence[UUID]) -> list[Held]:
    """公示 — who serves these areas today and may be shown; while somebody stands in for a holder, both."""
    query = select(GridPost).where(GridPost.area_id.in_(area_ids), held_on(today()), GridPost.listed)
    return wholes(s, s.scalars(query.order_by(GridPost.kind, GridPost.valid_from, GridPost.id)).all())


def _below(area: Area) -> ColumnElement[bool]:
    if area.level == "city":
        return true()
    return (Area.id if area.level == "cell" else places.column_of(area.level)) == area.id


# --- gaps ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Gap:
    """空岗 — an area where nobody holds a kind of post; ``opens_on`` is today or the day on which the last one leaves."""

    area: Area
    opens_on: date


def _gaps(
    viewer: Viewer, kind: str, level: str, days: int, under: Area | None
) -> tuple[ColumnElement[bool], ColumnElement[Any]]:
    """The areas that have a gap within so many days, and the day on which it opens."""
    if kind not in LEVELS:
        raise Refusal("post.bad_kind", 422, field="kind", given=kind)
    if level not in LEVELS[kind]:
        raise Refusal("post.bad_level", 422, field="level", area=level)
    start = today()
    here = (GridPost.area_id == Area.id) & (GridPost.kind == kind)
    later = aliased(GridPost)
    leaves = (
        select(func.min(GridPost.valid_to))
        .where(
            here,
            GridPost.valid_to > start,
            GridPost.valid_to <= start + timedelta(days=days),
            ~exists().where(
                later.area_id == Area.id,
                later.kind == kind,
                later.valid_from <= GridPost.valid_to,
                or_(later.valid_to.is_(None), later.valid_to > GridPost.valid_to),
            ),
        )
        .correlate(Area)
        .scalar_subquery()
    )
    opens: ColumnElement[Any] = case((exists().where(here, held_on(start)), leaves), else_=start)
    where = and_(Area.level == level, places.in_force(), kept_by(viewer), opens.is_not(None))
    return (where & _below(under) if under is not None else where), opens


def gaps(
    s: Session,
    viewer: Viewer,
    *,
    kind: str,
    level: str,
    days: int = 0,
    under: Area | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page:
    """空岗清单 — areas of a level without a holder today, or within so many days, by pinyin. Refuses a kind or level that is none (422)."""
    where, opens = _gaps(viewer, kind, level, days, under)
    query = select(Area, opens.label("opens_on")).where(where)
    if after:
        key, ident = decode_cursor(after, (str, UUID))
        query = query.where(or_(Area.sort_key > key, and_(Area.sort_key == key, Area.id > ident)))
    rows = s.execute(query.order_by(Area.sort_key, Area.id).limit(limit + 1)).all()
    found = [Gap(area, opens_on) for area, opens_on in rows[:limit]]
    more = encode_cursor(found[-1].area.sort_key, found[-1].area.id) if len(rows) > limit else None
    return Page(found, more)


def gap_counts(
    s: Session, viewer: Viewer, *, kind: str, level: str, days: int = 0, under: Area | None = None
) -> list[tuple[Area, int, int]]:
    """空岗统计 — for each county how many areas of the level have a gap, and how many there are."""
    where, _ = _gaps(viewer, kind, level, days, under)
    gap = select(Area.county_id, func.count()).where(where).group_by(Area.county_id)
    missing = dict(s.execute(gap).all())
    whole = and_(Area.level == level, places.in_force(), kept_by(viewer))
    if under is not None:
        whole &= _below(under)
    every = dict(s.execute(select(Area.county_id, func.count()).where(whole).group_by(Area.county_id)).all())
    counties = s.scalars(select(Area).where(Area.id.in_(every)).order_by(Area.code)).all()
    return [(county, missing.get(county.id, 0), every[county.id]) for county in counties]
