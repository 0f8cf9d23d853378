"""The verbs of the field. Each locks its subject, takes the move, changes, tells; none commits.

A sighting that was put right on the spot (自行处置) still becomes a case: the grid worker has no right to answer one, and a promise
to the city is not closed by who made it. What he did is told by the existing verb ``supplement``, which the reporter of a case has,
and he is its reporter; the desk or the office answers with one look at the photos.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shiyu.cases import actions as cases
from shiyu.cases import lifecycle as case_life
from shiyu.cases import policy as case_policy
from shiyu.cases.actions import Report
from shiyu.cases.actions.act import load as load_case
from shiyu.cases.models import Case
from shiyu.directory import posts
from shiyu.directory.gazetteer import gazetteer
from shiyu.directory.people import Person
from shiyu.directory.posts import GridPost
from shiyu.field import policy
from shiyu.field.events import SightingReported, TaskAssigned, TaskMoved
from shiyu.field.lifecycle import LIFECYCLE, OPEN, TOLD
from shiyu.field.models import Sighting, Task, TaskEntry, TaskFile, task_seq
from shiyu.kernel import clock, events, files, words
from shiyu.kernel.auth import Viewer
from shiyu.kernel.db import new_id
from shiyu.kernel.errors import Refusal, not_found


@dataclass(frozen=True, slots=True)
class Seen:
    """所见 — what the phone sends of a sighting. ``at`` is the phone's clock, positions are WGS-84 degrees, ``accuracy`` metres."""

    client_id: UUID
    at: datetime
    text: str
    matter: str | None = None
    urgency: str | None = None
    address: str | None = None
    lon: float | None = None
    lat: float | None = None
    accuracy: float | None = None
    solved_on_spot: bool = False
    solved_text: str | None = None
    file_ids: tuple[UUID, ...] = ()
    solved_file_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """回执 — what the phone is told. ``known``: this client id had been received before."""

    no: str
    state: str
    known: bool


def sight(s: Session, viewer: Viewer, seen: Seen) -> Told:
    """事件上报 — a case through the door "field"; the same client id of the same account is the same case.

    Refuses as ``cases.accept`` does: 422 outside the city or unknown matter, 404/409 photos that are not his to give.
    """
    account = _worker(viewer)
    accepted = cases.accept(s, viewer, _report(account, seen))
    case = s.get_one(Case, accepted.id)
    if accepted.known:
        return Told(case.no, case.state, known=True)
    row = Sighting(
        id=new_id(),
        client_id=seen.client_id,
        case_id=case.id,
        account_id=account,
        grid_id=case.grid_id,
        solved_on_spot=seen.solved_on_spot,
        seen_at=seen.at,
        received_at=clock.now(),
        lon=seen.lon,
        lat=seen.lat,
        accuracy=seen.accuracy,
        exercise_id=viewer.exercise_id,
    )
    s.add(row)
    s.flush()
    events.publish(s, viewer, SightingReported(row.id, 1, case.id, case.grid_id, seen.solved_on_spot))
    if seen.solved_on_spot:
        _say_solved(s, viewer, case, seen)
    return Told(case.no, case.state, known=False)


def _worker(viewer: Viewer) -> UUID:
    if viewer.id is None or not policy.grids(viewer):
        raise Refusal("field.workers_only", 403)
    return viewer.id


def _report(account: UUID, seen: Seen) -> Report:
    return Report(
        key=f"{account}:{seen.client_id}",
        channel="field",
        text=seen.text,
        matter=seen.matter,
        urgency=seen.urgency,
        address=seen.address or None,
        lon=seen.lon,
        lat=seen.lat,
        file_ids=seen.file_ids,
        account_id=account,
    )


def _say_solved(s: Session, viewer: Viewer, case: Case, seen: Seen) -> None:
    said = words.say("sighting.solved", text=seen.solved_text or words.say("sighting.solved.plain"))
    reporter = replace(viewer, reporter_of=case.id)
    cases.act_as_reporter(s, reporter, "supplement", {"text": said, "files": list(seen.solved_file_ids)})


# --- tasks -----------------------------------------------------------------------------------------------------------------


def assign(
    s: Session, viewer: Viewer, no: str, text: str, area: str | None = None, due_at: datetime | None = None
) -> Task:
    """任务指派 — an office of the case asks its grid, or another one of the same community.

    Refuses: 403 who has no part in the case, 404 a case he may not see, 409 one that has ended, 422 no such grid here, a time past.
    """
    case = load_case(s, viewer, no)
    post = policy.giver(viewer, case_policy.roles(s, viewer, case), case.lead_org_id)
    if post is None:
        raise Refusal("task.not_yours", 403, verb="assign")
    if case.state not in case_life.OPEN:
        raise Refusal("task.case_ended", 409, no=case.no)
    now = clock.now()
    if due_at is not None and due_at <= now:
        raise Refusal("task.due_past", 422, field="due_at")
    number = s.scalar(select(func.nextval(f"{task_seq.schema}.{task_seq.name}"))) or 0
    task = Task(
        id=new_id(),
        no=f"T-{clock.beijing(now).year}-{number:06d}",
        version=1,
        case_id=case.id,
        from_role=post.role,
        from_org_id=post.org_id,
        from_area_id=post.area_id,
        area_id=_grid_for(s, case, area),
        text=text,
        due_at=due_at,
        created_at=now,
        changed_at=now,
        created_by=viewer.id,
        exercise_id=case.exercise_id,
    )
    s.add(task)
    s.flush()
    s.add(_entry(task, viewer, "assign", text))
    told = TaskAssigned(task.id, 1, case.id, task.area_id, task.from_org_id)
    events.publish(s, viewer, told, exercise_id=case.exercise_id)
    return task


def _grid_for(s: Session, case: Case, code: str | None) -> UUID:
    if code is None:
        if case.grid_id is None:
            raise Refusal("task.no_grid", 422, field="area")
        return case.grid_id
    at = gazetteer(s).by_code(code)
    if at is None or at.level != "grid" or at.finest.ended is not None:
        raise Refusal("task.not_a_grid", 422, field="area", given=code)
    if case.community_id is None or at.ids()["community_id"] != case.community_id:
        raise Refusal("task.other_community", 422, field="area", area=at.name)
    return at.area_id


def answer(
    s: Session,
    viewer: Viewer,
    task_id: UUID,
    verb: str,
    client_id: UUID,
    at: datetime,
    text: str | None = None,
    file_ids: Sequence[UUID] = (),
) -> tuple[Task, bool]:
    """接受 完成 退回 — the grid's word on a task, and whether it had been received before (then nothing is done again).

    What was done, or why it is returned, is written on the case's timeline with the photos. A case that ended meanwhile, or that
    went to another office, is left in peace: the result stays with the task.
    """
    task = _load(s, viewer, task_id)
    query = select(TaskEntry.version).where(TaskEntry.by_id == viewer.id, TaskEntry.client_id == client_id)
    if s.scalar(query) is not None:
        return task, True
    _move(s, viewer, task, verb, text, client_id=client_id, acted_at=at)
    if verb == "accept":
        task.account_id = viewer.id
    if verb == "done":
        task.account_id, task.result, task.done_at = viewer.id, text, clock.now()
    if verb in TOLD:
        _tell_case(s, viewer, task, verb, text or "", file_ids)
    s.flush()
    return task, False


def cancel(s: Session, viewer: Viewer, task_id: UUID, text: str | None = None) -> Task:
    """取消任务 — by the post that gave it, while it is open."""
    task = s.scalar(select(Task).where(Task.id == task_id).with_for_update())
    if task is None or not policy.roles(viewer, task):
        raise not_found("task")
    _move(s, viewer, task, "cancel", text)
    s.flush()
    return task


def _load(s: Session, viewer: Viewer, task_id: UUID) -> Task:
    task = s.scalar(select(Task).where(Task.id == task_id, policy.mine(viewer)).with_for_update())
    if task is None:
        raise not_found("task")
    return task


def _move(
    s: Session,
    viewer: Viewer,
    task: Task,
    verb: str,
    text: str | None,
    client_id: UUID | None = None,
    acted_at: datetime | None = None,
) -> None:
    line = LIFECYCLE.take(task.state, verb, policy.roles(viewer, task), {"text": text})
    old, task.state = task.state, line.leads_to(task.state)
    task.version += 1
    task.changed_at = clock.now()
    s.add(_entry(task, viewer, verb, text, client_id, acted_at))
    told = TaskMoved(task.id, task.version, verb, old, task.state, task.case_id, task.area_id)
    events.publish(s, viewer, told, exercise_id=task.exercise_id)


def _entry(
    task: Task,
    viewer: Viewer,
    verb: str,
    text: str | None,
    client_id: UUID | None = None,
    acted_at: datetime | None = None,
) -> TaskEntry:
    return TaskEntry(
        task_id=task.id,
        version=task.version,
        verb=verb,
        text=text,
        by_id=viewer.id,
        by_name=viewer.name or None,
        at=task.changed_at,
        acted_at=acted_at,
        client_id=client_id,
    )


def _tell_case(s: Session, viewer: Viewer, task: Task, verb: str, text: str, file_ids: Sequence[UUID]) -> None:
    case = s.get_one(Case, task.case_id, with_for_update=True)
    giver = policy.in_place_of(s, viewer, task)
    line = case_life.LIFECYCLE.find(case.state, "note")
    said = {"text": words.say(f"task.told.{verb}", no=task.no, text=text), "files": list(file_ids)}
    if line and line.who & case_policy.roles(s, giver, case):
        cases.act(s, giver, case.no, "note", said)
    else:
        files.claim(s, file_ids, viewer)
    s.add_all(TaskFile(task_id=task.id, file_id=file_id, version=task.version) for file_id in dict.fromkeys(file_ids))


# --- posts -----------------------------------------------------------------------------------------------------------------


def hand_over(s: Session, viewer: Viewer, post: GridPost, person: Person, on: date) -> GridPost:
    """岗位交接 — a post changes hands, and with it the open tasks that its holder had accepted: they wait for the new one.

    Refuses as ``posts.change_hands`` does. A task that nobody had accepted belongs to the grid and stays where it is.
    """
    old = s.get_one(Person, post.person_id)
    new = posts.change_hands(s, viewer, post, person, on)
    grid_id = gazetteer(s).lineage(post.area_id).ids()["grid_id"]
    if old.account_id is None or grid_id is None:
        return new
    query = select(Task).where(Task.area_id == grid_id, Task.account_id == old.account_id, Task.state.in_(OPEN))
    for task in s.scalars(query.order_by(Task.id).with_for_update()):
        task.account_id = person.account_id
        task.version += 1
        task.changed_at = clock.now()
        s.add(_entry(task, viewer, "hand_over", words.say("task.told.hand_over", old=old.name, new=person.name)))
        told = TaskMoved(task.id, task.version, "hand_over", task.state, task.state, task.case_id, task.area_id)
        events.publish(s, viewer, told, exercise_id=task.exercise_id)
    s.flush()
    return new
