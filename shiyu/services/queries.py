"""Reads of the knowledge base: lists, one entry with its story, and suggestions out of this process's memory."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, String, cast, func, or_, select
from sqlalchemy.orm import Session

from shiyu.directory import orgs
from shiyu.kernel import db
from shiyu.kernel.auth import Viewer
from shiyu.kernel.db import Page, moment, page
from shiyu.kernel.errors import not_found
from shiyu.law import edition
from shiyu.law.book import book
from shiyu.law.matters import level_of
from shiyu.services import compare, policy
from shiyu.services.compare import Change
from shiyu.services.lifecycle import S
from shiyu.services.matching import Catalogue, Hit, Item
from shiyu.services.models import CONTENT, EntryAct, KnowledgeEntry, Question, Remark, Shelf, Use, Version

# --- suggestions -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Held:
    engine: Engine
    token: UUID | None
    catalogue: Catalogue


_held: _Held | None = None
_building = threading.Lock()


def catalogue(s: Session) -> Catalogue:
    """知识目录 — everything readable, from memory; what changed since is read anew, entry by entry."""
    global _held  # noqa: PLW0603 - one memory a process
    token, held = s.scalar(select(Shelf.token)), _held
    if held and held.engine is db.engine() and held.token == token:
        return held.catalogue
    with _building:
        held = _held
        if held is None or held.engine is not db.engine():
            held = _Held(db.engine(), None, Catalogue())
        if held.token != token:
            _bring_up(s, held.catalogue)
            held.token = token
        _held = held
    return held.catalogue


def _bring_up(s: Session, found: Catalogue) -> None:
    have = found.numbers()
    current = select(KnowledgeEntry.no, KnowledgeEntry.versions).where(KnowledgeEntry.readable)
    wanted: dict[str, int] = dict(s.execute(current).all())  # type: ignore[arg-type]
    new = [no for no, number in wanted.items() if have.get(no) != number]
    query = select(Version, KnowledgeEntry.no, KnowledgeEntry.org_id).join(
        KnowledgeEntry, KnowledgeEntry.id == Version.entry_id
    )
    query = query.where(KnowledgeEntry.readable, KnowledgeEntry.versions == Version.number)
    if have:
        query = query.where(KnowledgeEntry.no.in_(new))
    come = [_item(version, no, org_id) for version, no, org_id in s.execute(query)] if new else []
    found.change(have.keys() - wanted.keys(), come)


def _item(row: Version, no: str, org_id: UUID) -> Item:
    return Item(
        no=no,
        number=row.number,
        title=row.title,
        answer=row.answer,
        steps=tuple(row.steps),
        keywords=tuple(row.keywords),
        prefix=prefix_of(row.matter) if row.matter else "",
        public=row.audience == "public",
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        org_id=org_id,
    )


def prefix_of(matter: str) -> str:
    """The digits of a matter's code that say something: 010000 is 01, 010100 is 0101."""
    return matter[: 2 * level_of(matter)]


def suggest(s: Session, text: str, *, public: bool, limit: int = 5, matter: str | None = None) -> list[Hit]:
    """知识推荐 — the entries in force that fit what is being typed, the best first; ``matter`` where it is known already."""
    found, law = catalogue(s), book(s)
    code, sure = (matter, 1.0) if matter else _guessed(law.classify(text))
    entry = law.matter(code) if code else None
    name = entry.name if entry else ""
    return found.search(text, edition.today(), public=public, guess=code, sure=sure, matter_name=name, limit=limit)


def _guessed(guess: Any) -> tuple[str | None, float]:
    return guess.matter_code, guess.confidence


def readable(s: Session, no: str) -> Version:
    """公开条目 — what a citizen reads: published, for the public, in force today; anything else is 404."""
    row = s.scalar(
        select(Version)
        .join(KnowledgeEntry, KnowledgeEntry.id == Version.entry_id)
        .where(
            KnowledgeEntry.no == no,
            KnowledgeEntry.readable,
            Version.number == KnowledgeEntry.versions,
            Version.audience == "public",
        )
    )
    if row is None or not edition.in_force(row.valid_from, row.valid_to, edition.today()):
        raise not_found("entry")
    return row


# --- entries ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filters:
    """筛选 — what is left out is not asked. ``matter`` holds all below it; ``text`` in number, title, keywords or answer."""

    state: str | None = None
    org: str | None = None
    matter: str | None = None
    mine: bool = False
    text: str | None = None


@dataclass(frozen=True, slots=True)
class EntryWhole:
    """An entry as one viewer sees it: ``shown`` the version that is read, ``works`` whether he sees the words being worked on."""

    entry: KnowledgeEntry
    shown: Version | None
    works: bool
    uses: int
    last_use: datetime | None
    open_remarks: int

    def words(self) -> KnowledgeEntry | Version:
        """What this viewer reads first: the published words, or the draft where nothing is published."""
        return self.shown or self.entry


def entries(s: Session, viewer: Viewer, asked: Filters, after: str | None, limit: int) -> Page:
    """知识条目列表 — what changed last comes first."""
    query = select(KnowledgeEntry).where(policy.visible_to(viewer))
    if asked.state:
        query = query.where(KnowledgeEntry.state == asked.state)
    if asked.org:
        query = query.where(KnowledgeEntry.org_id == orgs.org_by_code(s, asked.org).id)
    if asked.matter:
        query = query.where(KnowledgeEntry.matter.startswith(_prefix(asked.matter), autoescape=True))
    if asked.mine:
        query = query.where(policy.works_on(viewer))
    if words := (asked.text or "").strip():
        fields = (KnowledgeEntry.no, KnowledgeEntry.title, cast(KnowledgeEntry.keywords, String), KnowledgeEntry.answer)
        query = query.where(or_(*[one.icontains(words, autoescape=True) for one in fields]))
    found = page(s, query, [KnowledgeEntry.changed_at, KnowledgeEntry.id], [moment, UUID], after=after, limit=limit)
    return Page(wholes(s, viewer, found.rows), found.next)


def _prefix(matter: str) -> str:
    return matter[:2] if matter.endswith("0000") else matter[:4] if matter.endswith("00") else matter


def entry(s: Session, viewer: Viewer, no: str) -> EntryWhole:
    """一个条目 — or 404."""
    row = s.scalar(select(KnowledgeEntry).where(KnowledgeEntry.no == no, policy.visible_to(viewer)))
    if row is None:
        raise not_found("entry")
    return wholes(s, viewer, [row])[0]


def wholes(s: Session, viewer: Viewer, rows: Sequence[KnowledgeEntry]) -> list[EntryWhole]:
    """Entries with what hangs on them, three queries however many."""
    ids = [row.id for row in rows]
    if not ids:
        return []
    current = select(Version).join(KnowledgeEntry, KnowledgeEntry.id == Version.entry_id)
    current = current.where(
        KnowledgeEntry.id.in_(ids), KnowledgeEntry.readable, Version.number == KnowledgeEntry.versions
    )
    shown = {version.entry_id: version for version in s.scalars(current)}
    counted = select(Use.entry_id, func.count(), func.max(Use.at)).where(Use.entry_id.in_(ids)).group_by(Use.entry_id)
    uses = {entry_id: (count, last) for entry_id, count, last in s.execute(counted)}
    remarks = select(Remark.entry_id, func.count()).where(
        Remark.entry_id.in_(ids), Remark.settled_at.is_(None), Remark.kind != "helpful"
    )
    waiting: dict[UUID, int] = dict(s.execute(remarks.group_by(Remark.entry_id)).all())  # type: ignore[arg-type]
    return [
        EntryWhole(
            row,
            shown.get(row.id),
            bool(policy.roles(viewer, row)),
            *uses.get(row.id, (0, None)),
            open_remarks=waiting.get(row.id, 0),
        )
        for row in rows
    ]


def acts(s: Session, entry_id: UUID) -> Sequence[EntryAct]:
    """条目经过 — the newest first."""
    return s.scalars(select(EntryAct).where(EntryAct.entry_id == entry_id).order_by(EntryAct.version.desc())).all()


def remarks_of(s: Session, entry_id: UUID, limit: int = 50) -> Sequence[Remark]:
    """条目反馈 — the newest first."""
    query = select(Remark).where(Remark.entry_id == entry_id).order_by(Remark.at.desc(), Remark.id.desc())
    return s.scalars(query.limit(limit)).all()


def versions(s: Session, entry_id: UUID) -> Sequence[Version]:
    """历次版本 — the newest first."""
    return s.scalars(select(Version).where(Version.entry_id == entry_id).order_by(Version.number.desc())).all()


def version(s: Session, viewer: Viewer, no: str, number: int) -> tuple[Version, list[Change]]:
    """一个版本 — whole, and what it changed; 404 for who does not work on the entry, unless it is the one that is read."""
    whole = entry(s, viewer, no)
    row = s.get(Version, (whole.entry.id, number))
    is_read = whole.shown is not None and whole.shown.number == number
    if row is None or not (whole.works or is_read):
        raise not_found("entry")
    before = s.get(Version, (whole.entry.id, number - 1)) if whole.works else None
    return row, compare.between(content_of(before), content_of(row)) if before else []


def draft_changes(whole: EntryWhole) -> list[Change]:
    """What the words being worked on would change."""
    return compare.between(content_of(whole.shown), content_of(whole.entry)) if whole.shown else []


def content_of(row: KnowledgeEntry | Version) -> Mapping[str, Any]:
    """The words of an entry or a version by field."""
    return {name: getattr(row, name) for name in CONTENT}


# --- lists of what waits -----------------------------------------------------------------------------------------------------


def remarks(s: Session, viewer: Viewer, after: str | None, limit: int) -> Page:
    """待处理反馈 — on the viewer's entries, the newest first, each with its entry."""
    query = select(Remark).join(KnowledgeEntry, KnowledgeEntry.id == Remark.entry_id).where(policy.open_remarks(viewer))
    found = page(s, query, [Remark.at, Remark.id], [moment, UUID], after=after, limit=limit)
    ids = {row.entry_id for row in found.rows}
    known = {row.id: row for row in s.scalars(select(KnowledgeEntry).where(KnowledgeEntry.id.in_(ids)))} if ids else {}
    return Page([(row, known[row.entry_id]) for row in found.rows], found.next)


def questions(s: Session, viewer: Viewer, state: str, after: str | None, limit: int) -> Page:
    """未答问题 — those asked last come first."""
    query = select(Question).where(policy.questions(viewer), Question.state == state)
    return page(s, query, [Question.last_at, Question.id], [moment, UUID], after=after, limit=limit)


def numbers_of(s: Session, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The numbers of entries by their ids."""
    return (
        dict(s.execute(select(KnowledgeEntry.id, KnowledgeEntry.no).where(KnowledgeEntry.id.in_(ids))).all())
        if ids
        else {}
    )  # type: ignore[arg-type]


def waiting(s: Session, viewer: Viewer) -> dict[str, int]:
    """待办数 — what waits for this viewer: to review, to look at again, remarks, questions."""
    by_state = select(KnowledgeEntry.state, func.count()).where(policy.works_on(viewer)).group_by(KnowledgeEntry.state)
    states: dict[str, int] = dict(s.execute(by_state).all())  # type: ignore[arg-type]
    open_ones = select(func.count()).select_from(Remark).join(KnowledgeEntry, KnowledgeEntry.id == Remark.entry_id)
    unanswered = select(func.count()).where(policy.questions(viewer), Question.state == "open")
    return {
        "reviewing": states.get(S.REVIEWING, 0),
        "due": states.get(S.DUE, 0),
        "remarks": s.scalar(open_ones.where(policy.open_remarks(viewer))) or 0,
        "questions": s.scalar(unanswered) or 0,
    }


def to_review(s: Session, day: date) -> Sequence[KnowledgeEntry]:
    """Published entries whose day of review has come; locked, those that somebody works on are passed by."""
    query = (
        select(KnowledgeEntry)
        .where(KnowledgeEntry.state == S.PUBLISHED, KnowledgeEntry.review_on <= day)
        .order_by(KnowledgeEntry.id)
    )
    return s.scalars(query.with_for_update(skip_locked=True).limit(500)).all()
