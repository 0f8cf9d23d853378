"""What the wire carries of the knowledge base."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from shiyu.cases.schemas import Named, Speaker, Words
from shiyu.directory.located import Because
from shiyu.kernel import words
from shiyu.kernel.auth import Viewer
from shiyu.kernel.web import Input, Output
from shiyu.law import edition
from shiyu.services import policy, queries
from shiyu.services.compare import Change
from shiyu.services.lifecycle import LIFECYCLE, QUESTION
from shiyu.services.matching import Hit
from shiyu.services.models import AUDIENCES, REMARKS, EntryAct, KnowledgeEntry, Question, Remark, Version
from shiyu.services.queries import EntryWhole

Audience = Literal["public", "staff"]
RemarkKind = Literal["helpful", "wrong", "outdated"]
assert set(AUDIENCES) == set(Audience.__args__)
assert set(REMARKS) == set(RemarkKind.__args__)
Line = Annotated[str, Field(min_length=1, max_length=500)]
Word = Annotated[str, Field(min_length=1, max_length=50)]


class SourceIn(Input):
    """依据来源 — what the answer rests on: a title, and where it is found."""

    title: str = Field(min_length=1, max_length=200)
    reference: str | None = Field(None, max_length=300)


class ContentIn(Input):
    """条目内容."""

    title: str = Field(min_length=4, max_length=120)
    answer: str = Field(min_length=2, max_length=5000)
    steps: list[Line] = Field(default_factory=list, max_length=20)
    keywords: list[Word] = Field(default_factory=list, max_length=30)
    sources: list[SourceIn] = Field(default_factory=list, max_length=20)
    matter: str | None = Field(None, pattern=r"^\d{6}$")
    audience: Audience = "public"
    valid_from: date
    valid_to: date | None = None

    def content(self) -> dict[str, Any]:
        """The same for the verbs."""
        return self.model_dump(include=set(ContentIn.model_fields))


class EntryNewIn(ContentIn):
    """新建条目 — ``org`` the code of the office that owns it, ``question`` the unanswered question it is made of."""

    org: str = Field(min_length=1, max_length=60)
    question: UUID | None = None


class EntryEditIn(ContentIn):
    """修改条目 — with the version of the entry that was seen."""

    version: int = Field(ge=1)


class EntryVerbIn(Input):
    """处理条目 — with the version of the entry that was seen, and words where the verb wants them."""

    version: int = Field(ge=1)
    text: str | None = Field(None, max_length=1000)


class UseIn(Input):
    """引用条目 — the number of the case that was answered with it."""

    case: str = Field(min_length=1, max_length=40)


class RemarkIn(Input):
    """条目反馈."""

    kind: RemarkKind
    text: str | None = Field(None, max_length=1000)


class SettleIn(Input):
    """处理反馈."""

    text: str = Field(min_length=1, max_length=1000)


class AskIn(Input):
    """未答问题 — what was looked for in vain."""

    text: str = Field(min_length=4, max_length=5000)


class ContentOut(Output):
    """条目内容."""

    title: str
    answer: str
    steps: list[str]
    keywords: list[str]
    sources: list[dict[str, str | None]]
    matter: Named | None
    audience: str
    valid_from: date
    valid_to: date | None


class EntryRow(Output):
    """条目一行 — ``title`` as this viewer reads it; ``in_force`` whether readers find it today."""

    no: str
    version: int
    state: str
    title: str
    org: Named | None
    matter: Named | None
    audience: str
    in_force: bool
    review_on: date | None
    changed_at: datetime
    uses: int
    last_use: datetime | None
    remarks: int


class EntryPage(Output):
    """One page of entries."""

    rows: list[EntryRow]
    next: str | None


class DiffPiece(Output):
    """A piece of text: "same", "added" or "removed"."""

    how: str
    text: str


class ChangeOut(Output):
    """变动."""

    field: str
    pieces: list[DiffPiece]


class ActOut(Output):
    """条目记事."""

    version: int
    verb: str
    label: Words
    text: str | None
    by_name: str | None
    at: datetime


class VersionHead(Output):
    """历次版本 — when and by whom it was published."""

    number: int
    title: str
    published_at: datetime
    published_name: str | None


class RemarkOut(Output):
    """条目反馈 — ``by_name`` is empty for a citizen."""

    id: UUID
    kind: str
    number: int
    text: str | None
    by_name: str | None
    at: datetime
    settled_at: datetime | None
    settled_name: str | None
    settled_text: str | None


class EntryOut(EntryRow):
    """知识条目 — ``content`` is what readers read (the draft where nothing is published); the rest only for who works on it."""

    number: int | None
    origin: str
    content: ContentOut
    draft: ContentOut | None
    changes: list[ChangeOut]
    acts: list[ActOut]
    versions: list[VersionHead]
    feedback: list[RemarkOut]
    works: bool
    can: list[str]


class VersionOut(VersionHead):
    """条目版本 — whole, with what it changed in the version before it."""

    content: ContentOut
    changes: list[ChangeOut]


class HitOut(Output):
    """知识推荐 — ``title_marks`` and ``snippet_marks`` are places [begin, end) to mark."""

    no: str
    title: str
    title_marks: list[list[int]]
    snippet: str
    snippet_marks: list[list[int]]
    answer: str
    steps: list[str]
    score: float
    because: list[Words]
    org: Named | None


class SuggestOut(Output):
    """知识推荐 — ``found``: whether the best is good enough to count as an answer."""

    rows: list[HitOut]
    found: bool


class PublicEntry(Output):
    """公开条目 — what a citizen reads."""

    no: str
    title: str
    answer: str
    steps: list[str]
    sources: list[dict[str, str | None]]
    published_at: datetime


class UseOut(Output):
    """引用回执 — ``known``: this case had been told before."""

    known: bool


class RemarkRow(RemarkOut):
    """待处理反馈 — with its entry."""

    no: str
    title: str


class RemarkPage(Output):
    """One page of remarks."""

    rows: list[RemarkRow]
    next: str | None


class QuestionOut(Output):
    """未答问题 — ``sample`` the newest of those that are alike, without what tells of a person."""

    id: UUID
    state: str
    sample: str
    matter: Named | None
    org: Named | None
    times: int
    first_at: datetime
    last_at: datetime
    entry: str | None
    decided_name: str | None
    decided_at: datetime | None
    can: list[str]


class QuestionPage(Output):
    """One page of questions."""

    rows: list[QuestionOut]
    next: str | None


class WaitingOut(Output):
    """待办数."""

    reviewing: int
    due: int
    remarks: int
    questions: int


# --- from rows to the wire -------------------------------------------------------------------------------------------------


def content_out(say: Speaker, row: KnowledgeEntry | Version) -> ContentOut:
    """Words with the names of their codes."""
    return ContentOut(**{**queries.content_of(row), "matter": say.matter(row.matter)})


def _row(say: Speaker, whole: EntryWhole) -> dict[str, Any]:
    entry, read = whole.entry, whole.words()
    held = whole.shown is not None and edition.in_force(read.valid_from, read.valid_to, edition.today())
    return {
        **{name: getattr(entry, name) for name in ("no", "version", "state", "review_on", "changed_at")},
        "title": (entry if whole.works else read).title,
        "org": say.org(entry.org_id),
        "matter": say.matter(read.matter),
        "audience": read.audience,
        "in_force": held,
        "uses": whole.uses,
        "last_use": whole.last_use,
        "remarks": whole.open_remarks if whole.works else 0,
    }


def row_out(say: Speaker, whole: EntryWhole) -> EntryRow:
    """A line of a list."""
    return EntryRow(**_row(say, whole))


def entry_out(say: Speaker, viewer: Viewer, whole: EntryWhole, story: "Story") -> EntryOut:
    """An entry for who may see it."""
    entry = whole.entry
    writing = whole.works and whole.shown is not None and entry.state in ("draft", "reviewing")
    return EntryOut(
        **_row(say, whole),
        number=whole.shown.number if whole.shown else None,
        origin=entry.origin,
        content=content_out(say, whole.words()),
        draft=content_out(say, entry) if writing else None,
        changes=changes_out(queries.draft_changes(whole)) if writing else [],
        acts=[act_out(act) for act in story.acts],
        versions=[VersionHead.model_validate(row) for row in story.versions],
        feedback=[RemarkOut.model_validate(row) for row in story.remarks],
        works=whole.works,
        can=LIFECYCLE.open_to(entry.state, policy.roles(viewer, entry)),
    )


class Story:
    """What happened to an entry; empty for who only reads it."""

    def __init__(
        self, acts: Sequence[EntryAct] = (), versions: Sequence[Version] = (), remarks: Sequence[Remark] = ()
    ) -> None:
        self.acts, self.versions, self.remarks = acts, versions, remarks


def act_out(row: EntryAct) -> ActOut:
    """One act with its word."""
    fields = {name: getattr(row, name) for name in ("version", "verb", "text", "by_name", "at")}
    return ActOut(**fields, label=words.both(f"entry.verb.{row.verb}"))


def changes_out(changes: Sequence[Change]) -> list[ChangeOut]:
    """What changed, field by field."""
    return [
        ChangeOut(field=one.field, pieces=[DiffPiece(how=piece.how, text=piece.text) for piece in one.pieces])
        for one in changes
    ]


def version_out(say: Speaker, row: Version, changes: Sequence[Change]) -> VersionOut:
    """A version, whole."""
    head = VersionHead.model_validate(row).model_dump()
    return VersionOut(**head, content=content_out(say, row), changes=changes_out(changes))


def hit_out(say: Speaker, hit: Hit) -> HitOut:
    """A suggestion with its reasons."""
    item = hit.item
    return HitOut(
        no=item.no,
        title=item.title,
        title_marks=[list(mark) for mark in hit.title_marks],
        snippet=hit.snippet,
        snippet_marks=[list(mark) for mark in hit.snippet_marks],
        answer=item.answer,
        steps=list(item.steps),
        score=hit.score,
        because=[_said(one) for one in hit.because],
        org=say.org(item.org_id),
    )


def _said(one: Because) -> Words:
    return {lang: one.say(lang) for lang in words.LANGUAGES}


def remark_row(row: Remark, entry: KnowledgeEntry) -> RemarkRow:
    """A remark with the entry it is about."""
    return RemarkRow(**RemarkOut.model_validate(row).model_dump(), no=entry.no, title=entry.title)


def question_out(say: Speaker, viewer: Viewer, row: Question, numbers: dict[UUID, str]) -> QuestionOut:
    """A question with the buttons to draw."""
    names = ("id", "state", "sample", "times", "first_at", "last_at", "decided_name", "decided_at")
    return QuestionOut(
        **{name: getattr(row, name) for name in names},
        matter=say.matter(row.matter),
        org=say.org(row.org_id),
        entry=numbers.get(row.entry_id) if row.entry_id else None,
        can=QUESTION.open_to(row.state, policy.question_roles(viewer, row)),
    )
