"""The verbs of the knowledge base. Each locks its subject, takes the move, changes, tells; none commits."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shiyu.cases import policy as case_policy
from shiyu.cases.models import Case
from shiyu.directory import orgs
from shiyu.directory.gazetteer import gazetteer
from shiyu.directory.orgs import Org
from shiyu.kernel import audit, clock, events, vault
from shiyu.kernel.auth import SYSTEM, Viewer
from shiyu.kernel.db import new_id
from shiyu.kernel.errors import Refusal, not_found
from shiyu.law import edition
from shiyu.law.book import book
from shiyu.services import matching, policy, queries
from shiyu.services.events import EntryMoved, EntryUsed
from shiyu.services.lifecycle import LIFECYCLE, QUESTION, TIMER, Q, S
from shiyu.services.models import CONTENT, EntryAct, KnowledgeEntry, Question, Remark, Shelf, Use, Version, entry_seq

AUDITED = frozenset({"publish", "withdraw"})
_ALIKE_AMONG = 200  # newest open questions of the same matter with which a new one is compared
_SAMPLE = 200  # characters of a question that are kept
_NAMED = re.compile(r"(我叫|名叫|姓名(?:是|为)?[:：]?)\s*[\u3400-\u9fff]{2,4}(?=[，,。；;、\s]|$)")
_LONG_NUMBER = re.compile(r"[0-9０-９]{5,}")

# --- entries ---------------------------------------------------------------------------------------------------------------


def write(
    s: Session,
    viewer: Viewer,
    org: str,
    content: Mapping[str, Any],
    question: UUID | None = None,
    origin: str = "manual",
) -> KnowledgeEntry:
    """新建条目 — a draft of an office (its code), perhaps as the answer to a question that had none.

    Refuses: 403 for an office that is not his, 404 no such office or question, 409 a question decided already, 422 an unknown matter,
    a validity that ends before it begins.
    """
    office = orgs.org_by_code(s, org)
    if office.valid_to is not None and office.valid_to <= edition.today():
        raise Refusal("entry.office_ended", 422, field="org", org=office.name)
    policy.may_write(viewer, office.id)
    _check(s, content)
    now = clock.now()
    number = s.scalar(select(func.nextval(f"{entry_seq.schema}.{entry_seq.name}"))) or 0
    entry = KnowledgeEntry(
        id=new_id(),
        no=f"K-{number:06d}",
        version=1,
        state=S.DRAFT,
        versions=0,
        readable=False,
        org_id=office.id,
        county_id=_county(s, office),
        created_at=now,
        changed_at=now,
        created_by=viewer.id,
        origin=origin,
        **{name: content[name] for name in CONTENT},
    )
    s.add(entry)
    s.flush()
    _note(s, viewer, entry, "write", None)
    events.publish(s, viewer, EntryMoved(entry.id, 1, "write", S.DRAFT, S.DRAFT, entry.org_id, None))
    if question is not None:
        decide(s, viewer, question, "take", entry)
    return entry


def act(
    s: Session,
    viewer: Viewer,
    no: str,
    verb: str,
    version: int | None = None,
    text: str | None = None,
    content: Mapping[str, Any] | None = None,
) -> KnowledgeEntry:
    """One move of one entry by its verb; ``version`` is the one the screen showed. 409 for a stale screen, else as the table refuses."""
    entry = s.scalar(select(KnowledgeEntry).where(KnowledgeEntry.no == no, policy.visible_to(viewer)).with_for_update())
    if entry is None:
        raise not_found("entry")
    if version is not None and version != entry.version:
        raise Refusal("entry.stale", 409, now={"version": entry.version, "state": entry.state}, no=entry.no)
    _move(s, viewer, entry, verb, policy.roles(viewer, entry), text, content)
    return entry


def sweep(s: Session) -> int:
    """复核巡检 — published entries whose day of review has come are marked; how many."""
    found = queries.to_review(s, edition.today())
    for entry in found:
        _move(s, SYSTEM, entry, "fall_due", {TIMER}, None, None)
    return len(found)


def _move(
    s: Session,
    viewer: Viewer,
    entry: KnowledgeEntry,
    verb: str,
    roles: set[str],
    text: str | None,
    content: Mapping[str, Any] | None,
) -> None:
    line = LIFECYCLE.take(entry.state, verb, roles, {"text": text, "content": content})
    if content is not None and verb == "edit":
        _check(s, content)
        for name in CONTENT:
            setattr(entry, name, content[name])
    if verb == "publish":
        _publish(s, viewer, entry)
    if verb == "confirm":
        entry.review_on = _review_on(s, entry)
    if verb == "withdraw":
        entry.readable = False
        _bump(s)
    old, entry.state = entry.state, line.leads_to(entry.state)
    entry.version += 1
    entry.changed_at = clock.now()
    s.flush()
    _note(s, viewer, entry, verb, text)
    number = entry.versions if entry.readable else None
    events.publish(s, viewer, EntryMoved(entry.id, entry.version, verb, old, entry.state, entry.org_id, number))
    if verb in AUDITED:
        audit.record(s, viewer, f"entry.{verb}", subject=f"entry:{entry.id}", no=entry.no, number=entry.versions)


def _publish(s: Session, viewer: Viewer, entry: KnowledgeEntry) -> None:
    if entry.valid_to is not None and entry.valid_to <= edition.today():
        raise Refusal("entry.over", 422, field="valid_to", on=str(entry.valid_to))
    entry.versions += 1
    entry.readable = True
    entry.review_on = _review_on(s, entry)
    s.add(
        Version(
            entry_id=entry.id,
            number=entry.versions,
            published_at=clock.now(),
            published_by=viewer.id,
            published_name=viewer.name or None,
            **queries.content_of(entry),
        )
    )
    _bump(s)


def _review_on(s: Session, entry: KnowledgeEntry) -> Any:
    """When somebody must look again: after the days of the rule, or on the day on which it ceases to hold."""
    days = int(book(s).threshold("knowledge.review_days", clock.now()))
    planned = edition.today() + timedelta(days=days)
    return min(planned, entry.valid_to) if entry.valid_to else planned


def _check(s: Session, content: Mapping[str, Any]) -> None:
    if content["matter"] is not None and book(s).matter(content["matter"]) is None:
        raise Refusal("entry.no_matter", 422, field="matter", given=content["matter"])
    if content["valid_to"] is not None and content["valid_to"] <= content["valid_from"]:
        raise Refusal("entry.validity", 422, field="valid_to")


def _county(s: Session, office: Org) -> UUID | None:
    county = gazetteer(s).lineage(office.area_id).county if office.area_id else None
    return county.id if county else None


def _note(s: Session, viewer: Viewer, entry: KnowledgeEntry, verb: str, words: str | None) -> None:
    row = EntryAct(
        entry_id=entry.id,
        version=entry.version,
        verb=verb,
        text=words,
        by_id=viewer.id,
        by_name=viewer.name or None,
        at=entry.changed_at,
    )
    s.add(row)


def _bump(s: Session) -> None:
    row = {"topic": "knowledge", "token": new_id()}
    s.execute(insert(Shelf).values(row).on_conflict_do_update(index_elements=["topic"], set_=row))


# --- readers ---------------------------------------------------------------------------------------------------------------


def use(s: Session, viewer: Viewer, no: str, case_no: str) -> bool:
    """引用条目 — this case was answered with this entry; whether that was known already (then nothing is written again)."""
    entry = _read(s, viewer, no)
    case_id = s.scalar(select(Case.id).where(Case.no == case_no, case_policy.may_see(viewer)))
    if case_id is None:
        raise not_found("case")
    row = {
        "id": new_id(),
        "entry_id": entry.id,
        "number": entry.versions,
        "case_id": case_id,
        "by_id": viewer.id,
        "at": clock.now(),
    }
    once = (
        insert(Use)
        .values(row)
        .on_conflict_do_nothing(index_elements=["entry_id", "case_id"], index_where=Use.case_id.is_not(None))
    )
    if s.scalar(once.returning(Use.id)) is None:
        return True
    events.publish(s, viewer, EntryUsed(entry.id, entry.version, entry.versions, case_id))
    return False


def answered(s: Session, no: str) -> None:
    """已解决我的问题 — a citizen says so; nothing of him is kept."""
    found = queries.readable(s, no)
    s.add(Use(id=new_id(), entry_id=found.entry_id, number=found.number, at=clock.now()))


def remark(s: Session, viewer: Viewer, no: str, kind: str, words: str | None) -> Remark:
    """条目反馈 — by staff, or by a citizen on what he can read. What is wrong or outdated must be said (422)."""
    if kind != "helpful" and not words:
        raise Refusal("remark.needs", 422, field="text")
    if viewer.id is None:
        shown = queries.readable(s, no)
        entry_id, number = shown.entry_id, shown.number
    else:
        entry = _read(s, viewer, no)
        entry_id, number = entry.id, entry.versions
    row = Remark(
        id=new_id(),
        entry_id=entry_id,
        number=number,
        kind=kind,
        text=vault.mask_text(words) if words else None,
        by_id=viewer.id,
        by_name=viewer.name or None,
        at=clock.now(),
    )
    s.add(row)
    return row


def settle(s: Session, viewer: Viewer, remark_id: UUID, words: str) -> Remark:
    """处理反馈 — who works on the entry says what was done. 404 for others, 409 when it is settled already."""
    query = select(Remark).join(KnowledgeEntry, KnowledgeEntry.id == Remark.entry_id).where(Remark.id == remark_id)
    row = s.scalar(query.where(policy.works_on(viewer)).with_for_update(of=Remark))
    if row is None or row.kind == "helpful":
        raise not_found("remark")
    if row.settled_at is not None:
        raise Refusal("remark.settled", 409)
    row.settled_at, row.settled_name, row.settled_text = clock.now(), viewer.name or None, words
    return row


def _read(s: Session, viewer: Viewer, no: str) -> KnowledgeEntry:
    entry = s.scalar(select(KnowledgeEntry).where(KnowledgeEntry.no == no, policy.visible_to(viewer)))
    if entry is None:
        raise not_found("entry")
    if not entry.readable:
        raise Refusal("entry.not_readable", 409, no=no)
    return entry


# --- questions that found no answer ------------------------------------------------------------------------------------------


def levelled(words: str) -> str:
    """去标识 — a question without what tells of a person: telephones, papers, cards, long numbers, a name that is given as such."""
    known = _NAMED.sub(r"\1**", vault.mask_text(" ".join(words.split())))
    return _LONG_NUMBER.sub("***", unicodedata.normalize("NFC", known))[:_SAMPLE]


def ask(s: Session, words: str, matter: str | None = None, org_id: UUID | None = None) -> Question:
    """记下未答问题 — counted with an open one that is like it, of the same matter and office, or a new one.

    Refuses (422) words in which there is nothing to compare.
    """
    sample = levelled(words)
    own = matching.pairs(sample)
    if not own:
        raise Refusal("question.too_little", 422, field="text")
    s.execute(text("select pg_advisory_xact_lock(hashtext('services.question'))"))  # two alike may come at once
    query = select(Question).where(
        Question.state == Q.OPEN,
        Question.matter.is_(None) if matter is None else Question.matter == matter,
        Question.org_id.is_(None) if org_id is None else Question.org_id == org_id,
    )
    rows = s.scalars(query.order_by(Question.last_at.desc()).limit(_ALIKE_AMONG)).all()
    scored = [(matching.likeness(own, matching.pairs(row.sample)), row) for row in rows]
    best, like = max(scored, key=lambda one: one[0], default=(0.0, None))
    now = clock.now()
    if like is not None and best >= book(s).threshold("knowledge.alike", now):
        like.sample, like.last_at = sample, now
        like.times += 1
        return like
    fresh = Question(
        id=new_id(),
        state=Q.OPEN,
        sample=sample,
        matter=matter,
        org_id=org_id,
        times=1,
        first_at=now,
        last_at=now,
    )
    s.add(fresh)
    s.flush()
    return fresh


def ask_as_staff(s: Session, words: str) -> Question:
    """记下未答问题 — what an agent looked for in vain."""
    guess = book(s).classify(words)
    sure = guess.confidence >= book(s).threshold("direct.confidence", clock.now())
    return ask(s, words, guess.matter_code if sure else None)


def hear_case(s: Session, case: Case) -> Question | None:
    """A consultation was accepted: where no entry in force is good enough for it, the question is kept."""
    hits = queries.suggest(s, case.text, public=False, limit=1, matter=case.matter)
    if hits and hits[0].score >= book(s).threshold("knowledge.good_enough", clock.now()):
        return None
    try:
        return ask(s, case.text, case.matter, case.lead_org_id)
    except Refusal:  # nothing in it to compare: nobody could make an entry of it
        return None


def decide(s: Session, viewer: Viewer, question_id: UUID, verb: str, entry: KnowledgeEntry | None = None) -> Question:
    """处理未答问题 — an entry is made of it (take), it goes to the centre's list (hand_back), or it is let go (dismiss)."""
    row = s.scalar(select(Question).where(Question.id == question_id, policy.questions(viewer)).with_for_update())
    if row is None:
        raise not_found("question")
    roles = policy.question_roles(viewer, row) or ({"editor"} if entry is not None else set())
    line = QUESTION.take(row.state, verb, roles)
    row.state = line.leads_to(row.state)
    if verb == "hand_back":
        row.org_id = None
    else:
        row.decided_name, row.decided_at = viewer.name or None, clock.now()
    if entry is not None:
        row.entry_id = entry.id
    s.flush()
    return row
