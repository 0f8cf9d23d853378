"""Who is what to an entry, and who sees it. Everybody reads what is published for him; offices write their own, the centre publishes."""

from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, or_, true

from shiyu.cases.lifecycle import (
    AGENT,
    CALLER,
    COORDINATOR,
    DISPATCHER,
    GRID_WORKER,
    HANDLER,
    REVIEWER,
    SUPERVISOR,
)
from shiyu.kernel.auth import Viewer
from shiyu.kernel.errors import Refusal
from shiyu.services.lifecycle import EDITOR, PUBLISHER
from shiyu.services.models import KnowledgeEntry, Question, Remark

OFFICE = (HANDLER, REVIEWER)
CENTRE = (AGENT, DISPATCHER, SUPERVISOR)
PUBLISHERS = (DISPATCHER, SUPERVISOR)
STAFF = (*CENTRE, COORDINATOR, *OFFICE, CALLER, GRID_WORKER)
"""Who reads what is for staff only."""


def is_staff(viewer: Viewer) -> bool:
    """Whether the viewer reads what is for staff only."""
    return viewer.has(*STAFF)


def offices(viewer: Viewer) -> list[UUID]:
    """The offices for which the viewer writes."""
    return list(dict.fromkeys(grant.org_id for grant in viewer.at(*OFFICE) if grant.org_id))


def counties(viewer: Viewer) -> list[UUID] | None:
    """The counties whose entries the viewer publishes; ``None``: the whole city's."""
    posts = viewer.at(*PUBLISHERS)
    if any(post.area_id is None or post.area_level == "city" for post in posts):
        return None
    return [post.area_id for post in posts if post.area_level == "county" and post.area_id]


def may_write(viewer: Viewer, org_id: UUID) -> None:
    """Refuse (403) who may begin no entry for this office: its own people may, and the centre for everybody."""
    if not viewer.has(*CENTRE) and org_id not in offices(viewer):
        raise Refusal("entry.not_your_office", 403, field="org")


def roles(viewer: Viewer, entry: KnowledgeEntry) -> set[str]:
    """Which of the lifecycle's roles this viewer has for this entry."""
    return _roles(viewer, entry.org_id, entry.county_id) | (
        {EDITOR} if entry.created_by is not None and entry.created_by == viewer.id and is_staff(viewer) else set()
    )


def _roles(viewer: Viewer, org_id: UUID | None, county_id: UUID | None) -> set[str]:
    found: set[str] = set()
    if org_id in offices(viewer):
        found.add(EDITOR)
    mine = counties(viewer)
    if mine is None or county_id in mine:
        found.add(PUBLISHER)
    return found


def works_on(viewer: Viewer) -> ColumnElement[bool]:
    """The entries of which the viewer is editor or publisher, whatever their state."""
    if not is_staff(viewer):
        return false()
    mine = counties(viewer)
    if mine is None:
        return true()
    return or_(
        KnowledgeEntry.created_by == viewer.id,
        KnowledgeEntry.org_id.in_(offices(viewer)),
        KnowledgeEntry.county_id.in_(mine),
    )


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """可见范围 — for staff: what can be read, and what they work on. Who has no part in the work reads at the public door."""
    if not is_staff(viewer):
        return false()
    return or_(KnowledgeEntry.readable, works_on(viewer))


def open_remarks(viewer: Viewer) -> ColumnElement[bool]:
    """待处理反馈 — that the viewer should settle; used together with ``KnowledgeEntry``."""
    return and_(Remark.settled_at.is_(None), Remark.kind != "helpful", works_on(viewer))


def questions(viewer: Viewer) -> ColumnElement[bool]:
    """未答问题 — the centre sees all, an office those that are its own."""
    return true() if viewer.has(*CENTRE) else Question.org_id.in_(offices(viewer))


def question_roles(viewer: Viewer, question: Question) -> set[str]:
    """Who decides of a question: the office whose it is, and who publishes for the city."""
    found = {EDITOR} if question.org_id in offices(viewer) else set()
    return found | ({PUBLISHER} if viewer.has(*PUBLISHERS) else set())
