"""The one way every verb goes: load and lock, take the move, let the verb write its rows, clocks, words, news.

A verb is a small function registered under its name with ``@verb``; it checks what is particular to it, writes rows of its own and
may return the event to publish. Whatever all verbs have in common stands here once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shiyu.cases import policy
from shiyu.cases.actions.intake import attach, clock_row
from shiyu.cases.events import CaseActed, CaseClosed, CaseMoved
from shiyu.cases.lifecycle import FINAL, FOLLOWS, LIFECYCLE, PUBLIC_TEXTS, STOPS
from shiyu.cases.models import Case, Clock, Dispatch, Entry, Extension
from shiyu.directory import orgs
from shiyu.kernel import clock, events
from shiyu.kernel.auth import Viewer
from shiyu.kernel.errors import Refusal, not_found
from shiyu.kernel.lifecycle import Move
from shiyu.law.book import LawBook, book


@dataclass(slots=True)
class Act:
    """一次经办 — everything a verb may need while it is done."""

    s: Session
    viewer: Viewer
    case: Case
    line: Move
    brought: Mapping[str, Any]
    roles: set[str]
    now: datetime
    law: LawBook
    clocks: list[Clock]
    dispatches: list[Dispatch]
    org_id: UUID | None
    old: str
    text: str | None = None
    target: str | None = None  # a verb may lead elsewhere than its line: a call-back closes or reworks
    clock: str | None = None  # the promise that starts; the line's, unless the verb leads elsewhere
    clock_org: UUID | None = None
    clock_due: datetime | None = None  # a day that somebody chose, instead of the book's limit
    news: list[Any] = field(default_factory=list)

    def get(self, name: str) -> Any:
        """What was brought under a name."""
        return self.brought.get(name)

    def org(self, name: str) -> UUID:
        """The office whose code was brought under a name."""
        return office(self.s, self.brought.get(name), name)

    def start(self, kind: str, org_id: UUID | None = None, due_at: datetime | None = None) -> Clock:
        """A promise starts: due by the most particular rule in force today, or on the day that was chosen."""
        case = self.case
        due = self.law.due(case.matter, kind, self.now, kind=case.kind, level=case.urgency)
        row = Clock(**clock_row(self.law, case.id, kind, due, self.now, org_id))
        if due_at is not None:
            row.due_at, row.amber_at = due_at, min(row.amber_at, due_at)
        self.s.add(row)
        self.clocks.append(row)
        return row

    def stop(self, *kinds: str, org_id: UUID | None = None) -> None:
        """Promises end now, kept or missed."""
        for row in self.clocks:
            if row.kind in kinds and row.stopped_at is None and (org_id is None or row.org_id == org_id):
                row.stopped_at = self.now

    def running(self, *kinds: str) -> Clock | None:
        """The open promise of one of these kinds."""
        return next((row for row in self.clocks if row.kind in kinds and row.stopped_at is None), None)

    def parts(self, part: str | None = None) -> list[Dispatch]:
        """The offices that now have a part in the case."""
        return [row for row in self.dispatches if row.ended_at is None and part in (None, row.part)]

    def end_parts(self, outcome: str, part: str | None = None, ground: str | None = None) -> None:
        """Their part ends."""
        for row in self.parts(part):
            row.ended_at, row.outcome, row.ground = self.now, outcome, ground


Verb = Callable[[Act], Any]
VERBS: dict[str, Verb] = {}
Guard = Callable[[Act], str | None]
GUARDS: dict[str, list[Guard]] = {}


def verb(*names: str) -> Callable[[Verb], Verb]:
    """Register what a verb does beyond what all verbs do."""

    def register(call: Verb) -> Verb:
        for name in names:
            VERBS[name] = call
        return call

    return register


def guard(*names: str) -> Callable[[Guard], Guard]:
    """Register a condition that the table cannot say; it answers with the code of the refusal or ``None``. Buttons obey it too."""

    def register(call: Guard) -> Guard:
        for name in names:
            GUARDS.setdefault(name, []).append(call)
        return call

    return register


def act(s: Session, viewer: Viewer, no: str, name: str, brought: Mapping[str, Any], version: int | None = None) -> Case:
    """One move of one case by its verb. ``version`` is the one the screen showed; a stale screen is refused with 409."""
    case = load(s, viewer, no)
    roles = policy.roles(s, viewer, case)
    if version is not None and version != case.version:
        raise Refusal("case.stale", 409, no=case.no)
    return perform(prepare(s, viewer, case, name, brought, roles))


def act_as_reporter(s: Session, viewer: Viewer, name: str, brought: Mapping[str, Any]) -> Case:
    """A move by the reporter, whose token was proved and stands in ``viewer.reporter_of``."""
    case = s.scalars(select(Case).where(Case.id == viewer.reporter_of).with_for_update()).one()
    return perform(prepare(s, viewer, case, name, brought, policy.roles(s, viewer, case)))


def load(s: Session, viewer: Viewer, no: str) -> Case:
    """The case, visible to the viewer, its row locked. Not there and not to be seen are one answer."""
    query = select(Case).where(Case.no == no, policy.may_see(viewer)).with_for_update(of=Case)
    case = s.scalar(query)
    if case is None:
        raise not_found("case")
    return case


def prepare(s: Session, viewer: Viewer, case: Case, name: str, brought: Mapping[str, Any], roles: set[str]) -> Act:
    """Take the move, or refuse; gather what a verb needs."""
    line = LIFECYCLE.take(case.state, name, roles, brought)
    done = context(s, viewer, case, line, brought, roles)
    for check in GUARDS.get(name, ()):
        if code := check(done):
            raise Refusal(code, 409, no=case.no)
    return done


def context(s: Session, viewer: Viewer, case: Case, line: Move, brought: Mapping[str, Any], roles: set[str]) -> Act:
    """Everything a verb or a guard may ask about."""
    clocks = list(s.scalars(select(Clock).where(Clock.case_id == case.id, Clock.stopped_at.is_(None))))
    dispatches = list(s.scalars(select(Dispatch).where(Dispatch.case_id == case.id).order_by(Dispatch.at)))
    assisting = {row.org_id for row in dispatches if row.part == "assist" and row.ended_at is None}
    org_id = policy.office_of(viewer, case, assisting)
    return Act(
        s, viewer, case, line, brought, roles, clock.now(), book(s), clocks, dispatches, org_id, case.state,
        text=(brought.get("text") or None), clock=line.clock,
    )  # fmt: skip


def perform(done: Act) -> Case:
    """Do it: the verb's own rows, then state, clocks, words, files and news."""
    case, line = done.case, done.line
    case.version += 1
    case.changed_at = done.now
    fact = VERBS[line.verb](done) if line.verb in VERBS else None
    case.state = done.target or line.leads_to(case.state)
    done.stop(*STOPS.get(line.verb, ()))
    if done.clock:
        done.start(done.clock, done.clock_org, done.clock_due)
    if case.state in FINAL:
        done.stop(*{row.kind for row in done.clocks})
        done.end_parts(case.state)
        case.closed_at = done.now
    settle(case, done.clocks)
    _write_words(done)
    done.s.flush()
    events.publish(done.s, done.viewer, fact or _plain_news(done), *done.news, exercise_id=case.exercise_id)
    return case


def settle(case: Case, clocks: list[Clock]) -> None:
    """Keep the least of the open promises with the case, for lists and lights."""
    running = [row for row in clocks if row.stopped_at is None and row.paused_at is None]
    first = min(running, key=lambda row: row.due_at, default=None)
    case.started_at = first.started_at if first else None
    case.amber_at = first.amber_at if first else None
    case.due_at = first.due_at if first else None


def buttons(s: Session, viewer: Viewer, case: Case) -> list[str]:
    """``can`` — exactly the verbs this viewer may use on this case now."""
    if not s.scalar(select(Case.id).where(Case.id == case.id, policy.may_see(viewer))):
        return []  # his own act may have led it out of his sight: another area, another confidence
    roles = policy.roles(s, viewer, case)
    found = []
    for name in LIFECYCLE.open_to(case.state, roles):
        if name in FOLLOWS or name in found:
            continue
        line = LIFECYCLE.find(case.state, name)
        if line and any(check(context(s, viewer, case, line, {}, roles)) for check in GUARDS.get(name, ())):
            continue
        found.append(name)
    return found


def office(s: Session, code: Any, name: str) -> UUID:
    """The office of a code in force today."""
    found = orgs.ids(s).get(str(code))
    if found is None:
        raise Refusal("case.no_office", 422, field=name, given=code)
    return found


def pending(s: Session, case: Case) -> Extension | None:
    """The extension that waits for a decision."""
    return s.scalar(select(Extension).where(Extension.case_id == case.id, Extension.decided_at.is_(None)).limit(1))


def _plain_news(done: Act) -> Any:
    case, name, ground = done.case, done.line.verb, done.get("ground")
    if case.state in FINAL and case.state != done.old:
        return CaseClosed(case.id, case.version, name, case.state, case.solved, case.satisfied, ground)
    if case.state != done.old:
        return CaseMoved(case.id, case.version, name, done.old, case.state, done.org_id, ground)
    return CaseActed(case.id, case.version, name, case.state, done.org_id, ground)


def _write_words(done: Act) -> None:
    case, name = done.case, done.line.verb
    if done.text:
        done.s.add(
            Entry(
                case_id=case.id,
                version=case.version,
                verb=name,
                text=done.text,
                by_id=done.viewer.id,
                by_name=done.viewer.name or None,
                org_id=done.org_id,
                at=done.now,
            )
        )
    if done.get("files"):
        public = name in PUBLIC_TEXTS
        attach(done.s, done.viewer, case.id, done.get("files"), version=case.version, verb=name, public=public)
