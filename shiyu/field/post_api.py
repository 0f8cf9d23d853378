"""Routes of posts: who serves where, gaps, stand-ins, hand-overs, work cards, and the public page "who is my grid worker"."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from shiyu.cases.schemas import Named
from shiyu.directory import orgs, people, places, posts
from shiyu.directory.coords import Frame, to_wgs84
from shiyu.directory.gazetteer import gazetteer
from shiyu.directory.located import Lineage
from shiyu.directory.orgs import Org
from shiyu.directory.people import Person
from shiyu.directory.posts import Held, Shown
from shiyu.field import actions
from shiyu.field.schemas import Day
from shiyu.kernel import words
from shiyu.kernel.auth import Viewer
from shiyu.kernel.errors import Refusal
from shiyu.kernel.web import Input, Output, anyone, limited, reading, signed_in, tx

router = APIRouter(prefix="/api", tags=["posts"])
Limit = Annotated[int, Query(ge=1, le=200)]
Kind = Literal["third_level", "designated", "police", "judge", "enforcement", "community_worker", "party_branch"]
Level = Literal["town", "community", "grid", "cell"]
Area = Annotated[str | None, Query(max_length=30)]
Days = Annotated[int, Query(ge=0, le=366)]
_MOST_GRIDS = 200


class PersonIn(Input):
    """任职人员 — somebody known by account or by name and telephone, else a new member of staff. ``telephone`` is kept sealed."""

    name: str = Field(min_length=2, max_length=60)
    telephone: str | None = Field(None, max_length=30)
    work_telephone: str | None = Field(None, max_length=30)
    username: str | None = Field(None, max_length=60)

    def found(self, s: Session, viewer: Viewer, since: date) -> Person:
        """The row of the directory."""
        return people.find_or_add(
            s,
            viewer,
            name=self.name,
            valid_from=since,
            telephone=self.telephone or None,
            work_telephone=self.work_telephone or None,
            username=self.username or None,
        )


class ShownIn(Input):
    """公示设置 — ``listed`` false: the holder objected to being shown."""

    public_name: str | None = Field(None, max_length=60)
    telephone_public: bool = False
    listed: bool = True

    def shown(self) -> Shown:
        """The same for the verb."""
        return Shown(self.public_name or None, self.telephone_public, self.listed)


class PostIn(ShownIn):
    """到岗 — ``valid_to`` is the first day off; left out, until further notice."""

    kind: str = Field(max_length=40)
    area: str = Field(max_length=30)
    person: PersonIn
    valid_from: Day
    valid_to: Day | None = None


class StandInIn(Input):
    """代班."""

    person: PersonIn
    valid_from: Day
    valid_to: Day | None = None


class HandOverIn(Input):
    """交接 — ``on``: the first day of the new holder."""

    person: PersonIn
    on: Day


class OnIn(Input):
    """离岗 — ``on``: the first day off."""

    on: Day


class HolderOut(Output):
    """任职人员 — the personal telephone stays sealed."""

    name: str
    work_telephone: str | None


class GridPostOut(Output):
    """网格岗位."""

    id: UUID
    no: str
    kind: str
    kind_label: dict[str, str]
    area: Named
    area_name: str
    person: HolderOut
    stands_in_for: UUID | None
    valid_from: date
    valid_to: date | None
    public_name: str
    telephone_public: bool
    listed: bool


class GridPostPage(Output):
    """One page of posts."""

    rows: list[GridPostOut]
    next: str | None


class GapOut(Output):
    """空岗."""

    area: Named
    area_name: str
    opens_on: date


class GapPage(Output):
    """One page of gaps."""

    rows: list[GapOut]
    next: str | None


class GapCountOut(Output):
    """空岗统计 of a county."""

    area: Named
    gaps: int
    areas: int


class CardOut(Output):
    """工作证 — as its holder sees it; ``card`` is the word for the QR code."""

    id: UUID
    no: str
    name: str
    kind_label: dict[str, str]
    area_name: str
    valid_from: date
    valid_to: date | None
    telephone_public: bool
    listed: bool
    card: str


class CardCheck(Output):
    """验证工作证 — an invalid card tells nothing else."""

    valid: bool
    no: str | None = None
    name: str | None = None
    kind_label: dict[str, str] | None = None
    area_name: str | None = None


class PublicPost(Output):
    """公示 — a holder as citizens may know him."""

    kind: str
    kind_label: dict[str, str]
    name: str
    area_name: str
    telephone: str | None
    stand_in: bool


class PublicOffice(Output):
    """The office to ask."""

    name: str
    telephone: str | None


class MyGridOut(Output):
    """谁是我的网格员 — ``grids`` to choose from when the place is not known more exactly than its community."""

    area: Named
    area_name: str
    level: str
    posts: list[PublicPost]
    office: PublicOffice | None
    grids: list[Named]


# --- keepers ---------------------------------------------------------------------------------------------------------------


@router.get("/posts")
def listing(
    on: Day | None = None,
    area: Area = None,
    kind: Annotated[str | None, Query(max_length=40)] = None,
    q: Annotated[str | None, Query(max_length=50)] = None,
    after: str | None = None,
    limit: Limit = 50,
    viewer: Viewer = signed_in,
    s: Session = reading,
) -> GridPostPage:
    """岗位列表"""
    under = places.area_by_code(s, area) if area else None
    found = posts.listing(s, viewer, on=on, area=under, kind=kind, q=q, after=after, limit=limit)
    return GridPostPage(rows=[_post(s, one) for one in found.rows], next=found.next)


@router.get("/posts/served")
def served(
    area: Annotated[str, Query(max_length=30)],
    on: Day | None = None,
    viewer: Viewer = signed_in,
    s: Session = reading,
) -> list[GridPostOut]:
    """何人在岗"""
    return [_post(s, one) for one in posts.served(s, viewer, places.area_by_code(s, area), on)]


@router.get("/posts/gaps")
def gaps(
    kind: Kind,
    level: Level,
    days: Days = 0,
    area: Area = None,
    after: str | None = None,
    limit: Limit = 50,
    viewer: Viewer = signed_in,
    s: Session = reading,
) -> GapPage:
    """空岗清单"""
    under = places.area_by_code(s, area) if area else None
    found = posts.gaps(s, viewer, kind=kind, level=level, days=days, under=under, after=after, limit=limit)
    rows = [
        GapOut(area=_named(one.area), area_name=_where(s, one.area.id), opens_on=one.opens_on) for one in found.rows
    ]
    return GapPage(rows=rows, next=found.next)


@router.get("/posts/gaps/counts")
def gap_counts(
    kind: Kind, level: Level, days: Days = 0, area: Area = None, viewer: Viewer = signed_in, s: Session = reading
) -> list[GapCountOut]:
    """空岗统计"""
    under = places.area_by_code(s, area) if area else None
    found = posts.gap_counts(s, viewer, kind=kind, level=level, days=days, under=under)
    return [GapCountOut(area=_named(county), gaps=n, areas=every) for county, n, every in found]


@router.post("/posts", status_code=201)
def fill(body: PostIn, viewer: Viewer = signed_in, s: Session = tx) -> GridPostOut:
    """到岗"""
    area = places.area_by_code(s, body.area)
    posts.need_keeper(s, viewer, area)
    made = posts.fill(
        s,
        viewer,
        kind=body.kind,
        area=area,
        person=body.person.found(s, viewer, body.valid_from),
        valid_from=body.valid_from,
        valid_to=body.valid_to,
        shown=body.shown(),
    )
    return _post(s, posts.wholes(s, [made])[0])


@router.post("/posts/{post_id}/end")
def end(post_id: UUID, body: OnIn, viewer: Viewer = signed_in, s: Session = tx) -> GridPostOut:
    """离岗"""
    post = posts.post_by_id(s, viewer, post_id, lock=True)
    posts.end(s, viewer, post, body.on)
    return _post(s, posts.wholes(s, [post])[0])


@router.post("/posts/{post_id}/hand-over", status_code=201)
def hand_over(post_id: UUID, body: HandOverIn, viewer: Viewer = signed_in, s: Session = tx) -> GridPostOut:
    """交接"""
    post = posts.post_by_id(s, viewer, post_id, lock=True)
    made = actions.hand_over(s, viewer, post, body.person.found(s, viewer, body.on), body.on)
    return _post(s, posts.wholes(s, [made])[0])


@router.post("/posts/{post_id}/stand-in", status_code=201)
def stand_in(post_id: UUID, body: StandInIn, viewer: Viewer = signed_in, s: Session = tx) -> GridPostOut:
    """代班"""
    post = posts.post_by_id(s, viewer, post_id, lock=True)
    person = body.person.found(s, viewer, body.valid_from)
    made = posts.stand_in(s, viewer, post, person, body.valid_from, body.valid_to)
    return _post(s, posts.wholes(s, [made])[0])


@router.post("/posts/{post_id}/show")
def show(post_id: UUID, body: ShownIn, viewer: Viewer = signed_in, s: Session = tx) -> GridPostOut:
    """公示设置"""
    post = posts.post_by_id(s, viewer, post_id, lock=True)
    posts.show(s, viewer, post, body.shown())
    return _post(s, posts.wholes(s, [post])[0])


@router.post("/posts/{post_id}/card")
def renew_card(post_id: UUID, viewer: Viewer = signed_in, s: Session = tx) -> GridPostOut:
    """换证"""
    post = posts.post_by_id(s, viewer, post_id, lock=True)
    posts.renew_card(s, viewer, post)
    return _post(s, posts.wholes(s, [post])[0])


# --- the holder ------------------------------------------------------------------------------------------------------------


@router.get("/field/cards")
def cards(viewer: Viewer = signed_in, s: Session = reading) -> list[CardOut]:
    """我的工作证"""
    return [
        CardOut(
            **{name: getattr(one.post, name) for name in ("id", "no", "valid_from", "valid_to", "card")},
            telephone_public=one.post.telephone_public,
            listed=one.post.listed,
            name=one.person.name,
            kind_label=words.both(f"post.kind.{one.post.kind}"),
            area_name=_where(s, one.area.id),
        )
        for one in posts.of_account(s, viewer.id)
    ]


# --- everybody -------------------------------------------------------------------------------------------------------------


@router.get("/public/cards/{card}", dependencies=[limited(30, 60)])
def check_card(card: str, viewer: Viewer = anyone, s: Session = reading) -> CardCheck:  # noqa: ARG001 - named to say that it needs none
    """验证工作证"""
    found = posts.by_card(s, card)
    if found is None:
        return CardCheck(valid=False)
    label = words.both(f"post.kind.{found.post.kind}")
    where = _where(s, found.area.id)
    return CardCheck(valid=True, no=found.post.no, name=found.person.name, kind_label=label, area_name=where)


@router.get("/public/grid-workers", dependencies=[limited(30, 60)])
def my_grid(
    lon: Annotated[float | None, Query(ge=-180, le=180, allow_inf_nan=False)] = None,
    lat: Annotated[float | None, Query(ge=-90, le=90, allow_inf_nan=False)] = None,
    frame: Frame = Frame.WGS84,
    text: Annotated[str | None, Query(max_length=200)] = None,
    area: Area = None,
    viewer: Viewer = anyone,  # noqa: ARG001 - named to say that it needs none
    s: Session = reading,
) -> MyGridOut:
    """谁是我的网格员 — by position, by address, or by the code of a community or grid. Nothing is kept."""
    at = _located(s, lon, lat, frame, text, area)
    if at.community is None:
        raise Refusal("post.too_coarse", 422, field="text", area=at.name)
    atlas = gazetteer(s)
    known = [node.id for node in at.path if node.level in ("town", "community", "grid", "cell")]
    cells = [node.id for node in atlas.under(at.area_id, "cell")] if at.level == "grid" else []
    below = sorted(atlas.under(at.area_id, "grid"), key=lambda node: node.code) if at.level == "community" else []
    held = posts.shown_at(s, [*known, *cells])
    kinds = {one.post.id: one.post.kind for one in posts.wholes(s, _replaced(s, held))}
    return MyGridOut(
        area=Named(code=at.code, name=at.finest.name),
        area_name=at.name,
        level=at.level,
        posts=[_public(one, kinds) for one in held],
        office=_office(s, at),
        grids=[Named(code=node.code, name=node.name) for node in below[:_MOST_GRIDS]],
    )


def _located(
    s: Session, lon: float | None, lat: float | None, frame: Frame, text: str | None, area: str | None
) -> Lineage:
    atlas = gazetteer(s)
    if area:
        found = atlas.by_code(area)
        if found is None or found.finest.ended is not None:
            raise Refusal("area.not_found", 404, field="area")
        return found
    if lon is not None and lat is not None:
        located, reason, field = atlas.locate_point(*to_wgs84(lon, lat, frame)), "locate.outside", "lon"
    elif text and text.strip():
        located, reason, field = atlas.locate_text(text), "locate.unknown", "text"
    else:
        raise Refusal("locate.nothing", 422, field="text")
    if located is None:
        raise Refusal(reason, 404, field=field)
    return located.lineage


def _replaced(s: Session, held: Sequence[Held]) -> Sequence[posts.GridPost]:
    wanted = {one.post.stands_in_for for one in held if one.post.stands_in_for}
    return s.scalars(select(posts.GridPost).where(posts.GridPost.id.in_(wanted))).all() if wanted else []


def _public(one: Held, kinds: dict[UUID, str]) -> PublicPost:
    stands_in = one.post.stands_in_for
    kind = kinds[stands_in] if stands_in else one.post.kind
    return PublicPost(
        kind=kind,
        kind_label=words.both(f"post.kind.{kind}"),
        name=one.post.public_name,
        area_name=one.area.name,
        telephone=_dialled(one.person.work_telephone) if one.post.telephone_public else None,
        stand_in=stands_in is not None,
    )


def _dialled(number: str | None) -> str | None:
    """A telephone number as one dials it in the country: 0412…, 138…."""
    if number is None or not number.startswith("+86"):
        return number
    rest = number.removeprefix("+86")
    return rest if re.match(r"1[3-9]|[48]00", rest) else f"0{rest}"


def _office(s: Session, at: Lineage) -> PublicOffice | None:
    """The committee of the community, else the office of the subdistrict or township."""
    for node, kind in ((at.community, "community"), (at.town, "street")):
        query = select(Org).where(Org.area_id == (node.id if node else None), Org.kind == kind, orgs.in_force())
        if node and (found := s.scalar(query.limit(1))):
            return PublicOffice(name=found.name, telephone=_dialled(found.telephone))
    return None


def _where(s: Session, area_id: UUID) -> str:
    return gazetteer(s).lineage(area_id).name


def _named(area: Any) -> Named:
    return Named(code=area.code, name=area.name)


def _post(s: Session, held: Held) -> GridPostOut:
    fields = (
        "id",
        "no",
        "kind",
        "stands_in_for",
        "valid_from",
        "valid_to",
        "public_name",
        "telephone_public",
        "listed",
    )
    return GridPostOut(
        **{name: getattr(held.post, name) for name in fields},
        kind_label=words.both(f"post.kind.{held.post.kind}"),
        area=_named(held.area),
        area_name=_where(s, held.area.id),
        person=HolderOut.model_validate(held.person),
    )
