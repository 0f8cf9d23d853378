"""Routes of the knowledge base: for staff under ``/api/knowledge``, for citizens under ``/api/public/knowledge``."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from sqlalchemy.orm import Session

from shiyu.cases.schemas import Speaker
from shiyu.kernel import clock
from shiyu.kernel.auth import Viewer
from shiyu.kernel.errors import Refusal
from shiyu.kernel.web import anyone, limited, reading, signed_in, tx
from shiyu.law.book import book
from shiyu.services import actions, policy, queries, schemas
from shiyu.services.lifecycle import Q, S
from shiyu.services.queries import Filters
from shiyu.services.schemas import (
    AskIn,
    EntryEditIn,
    EntryNewIn,
    EntryOut,
    EntryPage,
    EntryVerbIn,
    PublicEntry,
    QuestionOut,
    QuestionPage,
    RemarkIn,
    RemarkOut,
    RemarkPage,
    SettleIn,
    Story,
    SuggestOut,
    UseIn,
    UseOut,
    VersionOut,
    WaitingOut,
)

router = APIRouter(prefix="/api", tags=["knowledge"])
Limit = Annotated[int, Query(ge=1, le=200)]
Few = Annotated[int, Query(ge=1, le=20)]
Asked = Annotated[str, Query(min_length=1, max_length=5000)]
Code = Annotated[str | None, Query(pattern=r"^\d{6}$")]
Verb = Literal["submit", "return", "publish", "revise", "confirm", "withdraw"]


# --- staff -----------------------------------------------------------------------------------------------------------------


@router.get("/knowledge")
def entries(
    state: S | None = None,
    org: Annotated[str | None, Query(max_length=60)] = None,
    matter: Code = None,
    mine: bool = False,
    text: Annotated[str | None, Query(max_length=200)] = None,
    after: str | None = None,
    limit: Limit = 50,
    viewer: Viewer = signed_in,
    s: Session = reading,
) -> EntryPage:
    """知识条目"""
    _staff(viewer)
    found = queries.entries(s, viewer, Filters(state, org, matter, mine, text), after, limit)
    say = Speaker(s)
    return EntryPage(rows=[schemas.row_out(say, whole) for whole in found.rows], next=found.next)


@router.post("/knowledge", status_code=201)
def write(body: EntryNewIn, viewer: Viewer = signed_in, s: Session = tx) -> EntryOut:
    """新建条目"""
    _staff(viewer)
    entry = actions.write(s, viewer, body.org, body.content(), body.question)
    return _entry(s, viewer, entry.no)


@router.get("/knowledge/suggest")
def suggest(text: Asked, limit: Few = 5, viewer: Viewer = signed_in, s: Session = reading) -> SuggestOut:
    """知识推荐"""
    _staff(viewer)
    return _suggested(s, text, limit, public=False)


@router.get("/knowledge/waiting")
def waiting(viewer: Viewer = signed_in, s: Session = reading) -> WaitingOut:
    """知识待办数"""
    _staff(viewer)
    return WaitingOut(**queries.waiting(s, viewer))


@router.get("/knowledge/feedback")
def feedback(
    after: str | None = None, limit: Limit = 50, viewer: Viewer = signed_in, s: Session = reading
) -> RemarkPage:
    """待处理反馈"""
    _staff(viewer)
    found = queries.remarks(s, viewer, after, limit)
    return RemarkPage(rows=[schemas.remark_row(row, entry) for row, entry in found.rows], next=found.next)


@router.post("/knowledge/feedback/{remark_id}/settle")
def settle(remark_id: UUID, body: SettleIn, viewer: Viewer = signed_in, s: Session = tx) -> RemarkOut:
    """处理反馈"""
    _staff(viewer)
    return RemarkOut.model_validate(actions.settle(s, viewer, remark_id, body.text))


@router.get("/knowledge/questions")
def questions(
    state: Q = Q.OPEN, after: str | None = None, limit: Limit = 50, viewer: Viewer = signed_in, s: Session = reading
) -> QuestionPage:
    """未答问题"""
    _staff(viewer)
    found, say = queries.questions(s, viewer, state, after, limit), Speaker(s)
    numbers = queries.numbers_of(s, [row.entry_id for row in found.rows if row.entry_id])
    return QuestionPage(rows=[schemas.question_out(say, viewer, row, numbers) for row in found.rows], next=found.next)


@router.post("/knowledge/questions", status_code=201)
def ask(body: AskIn, viewer: Viewer = signed_in, s: Session = tx) -> QuestionOut:
    """记下未答问题"""
    _staff(viewer)
    return schemas.question_out(Speaker(s), viewer, actions.ask_as_staff(s, body.text), {})


@router.post("/knowledge/questions/{question_id}/{verb}")
def decide(
    question_id: UUID, verb: Literal["hand_back", "dismiss"], viewer: Viewer = signed_in, s: Session = tx
) -> QuestionOut:
    """处理未答问题"""
    _staff(viewer)
    return schemas.question_out(Speaker(s), viewer, actions.decide(s, viewer, question_id, verb), {})


@router.get("/knowledge/{no}")
def entry(no: str, viewer: Viewer = signed_in, s: Session = reading) -> EntryOut:
    """一个条目"""
    _staff(viewer)
    return _entry(s, viewer, no)


@router.get("/knowledge/{no}/versions/{number}")
def version(
    no: str, number: Annotated[int, Path(ge=1, le=2**31 - 1)], viewer: Viewer = signed_in, s: Session = reading
) -> VersionOut:
    """一个版本"""
    _staff(viewer)
    return schemas.version_out(Speaker(s), *queries.version(s, viewer, no, number))


@router.post("/knowledge/{no}/edit")
def edit(no: str, body: EntryEditIn, viewer: Viewer = signed_in, s: Session = tx) -> EntryOut:
    """修改条目"""
    _staff(viewer)
    actions.act(s, viewer, no, "edit", body.version, content=body.content())
    return _entry(s, viewer, no)


@router.post("/knowledge/{no}/use", status_code=201)
def use(no: str, body: UseIn, viewer: Viewer = signed_in, s: Session = tx) -> UseOut:
    """引用条目"""
    _staff(viewer)
    return UseOut(known=actions.use(s, viewer, no, body.case))


@router.post("/knowledge/{no}/feedback", status_code=201)
def remark(no: str, body: RemarkIn, viewer: Viewer = signed_in, s: Session = tx) -> RemarkOut:
    """条目反馈"""
    _staff(viewer)
    return _kept(s, viewer, no, body)


@router.post("/knowledge/{no}/{verb}")
def act(no: str, verb: Verb, body: EntryVerbIn, viewer: Viewer = signed_in, s: Session = tx) -> EntryOut:
    """处理条目"""
    _staff(viewer)
    actions.act(s, viewer, no, verb, body.version, body.text)
    return _entry(s, viewer, no)


def _staff(viewer: Viewer) -> None:
    if not policy.is_staff(viewer):
        raise Refusal("auth.forbidden", 403)


def _entry(s: Session, viewer: Viewer, no: str) -> EntryOut:
    whole = queries.entry(s, viewer, no)
    story = Story()
    if whole.works:
        key = whole.entry.id
        story = Story(queries.acts(s, key), queries.versions(s, key), queries.remarks_of(s, key))
    return schemas.entry_out(Speaker(s), viewer, whole, story)


def _suggested(s: Session, text: str, limit: int, *, public: bool) -> SuggestOut:
    hits, say = queries.suggest(s, text, public=public, limit=limit), Speaker(s)
    enough = book(s).threshold("knowledge.good_enough", clock.now())
    rows = [schemas.hit_out(say, hit) for hit in hits]
    return SuggestOut(rows=rows, found=bool(hits) and hits[0].score >= enough)


def _kept(s: Session, viewer: Viewer, no: str, body: RemarkIn) -> RemarkOut:
    row = actions.remark(s, viewer, no, body.kind, body.text)
    s.flush()
    return RemarkOut.model_validate(row)


# --- citizens --------------------------------------------------------------------------------------------------------------


@router.get("/public/knowledge", dependencies=[limited(300, 60)])
def public_suggest(text: Asked, limit: Few = 3, viewer: Viewer = anyone, s: Session = reading) -> SuggestOut:
    """知识推荐 — what is published for everybody and in force."""
    return _suggested(s, text, limit, public=True)


@router.get("/public/knowledge/{no}", dependencies=[limited(300, 60)])
def public_entry(no: str, viewer: Viewer = anyone, s: Session = reading) -> PublicEntry:
    """公开条目"""
    row = queries.readable(s, no)
    fields = ("title", "answer", "steps", "sources", "published_at")
    return PublicEntry(no=no, **{name: getattr(row, name) for name in fields})


@router.post("/public/knowledge/{no}/answered", status_code=204, dependencies=[limited(10, 600)])
def answered(no: str, viewer: Viewer = anyone, s: Session = tx) -> None:
    """已解决我的问题"""
    actions.answered(s, no)


@router.post("/public/knowledge/{no}/feedback", status_code=201, dependencies=[limited(10, 600)])
def public_remark(no: str, body: RemarkIn, viewer: Viewer = anyone, s: Session = tx) -> RemarkOut:
    """条目反馈"""
    return _kept(s, viewer, no, body)
