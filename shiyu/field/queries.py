"""Reads of the field: my grids, my tasks, what I reported, what is open around me, and where it is dense."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shiyu.cases import policy as case_policy
from shiyu.cases import queries as cases
from shiyu.cases.models import Case
from shiyu.cases.queries import Filters
from shiyu.directory.gazetteer import gazetteer
from shiyu.directory.located import Lineage, Node
from shiyu.field import policy
from shiyu.field.lifecycle import OPEN
from shiyu.field.models import Sighting, Task, TaskEntry, TaskFile
from shiyu.kernel import clock
from shiyu.kernel.auth import Viewer
from shiyu.kernel.db import Page, page
from shiyu.kernel.errors import Refusal, not_found
from shiyu.kernel.files import File

# A worker's map: of which area, in which pieces.
SCOPES = {"community": "cell", "town": "grid"}


@cache
def quick_matters() -> tuple[str, ...]:
    """常见事项 — codes of what grid workers see most; edited in ``quick.csv``."""
    with (Path(__file__).parent / "quick.csv").open(encoding="utf-8", newline="") as file:
        return tuple(row["matter"] for row in csv.DictReader(file))


def my_grids(s: Session, viewer: Viewer) -> list[Lineage]:
    """我的网格 — with all above each; 403 for who works in none."""
    found = [gazetteer(s).lineage(area) for area in policy.grids(viewer)]
    if not found:
        raise Refusal("field.workers_only", 403)
    return found


def open_tasks(s: Session, viewer: Viewer) -> dict[str, int]:
    """How many tasks wait, by state."""
    query = select(Task.state, func.count()).where(policy.mine(viewer), Task.state.in_(OPEN)).group_by(Task.state)
    found = dict(s.execute(query).all())
    return {str(state): found.get(state, 0) for state in OPEN}


def sighted_today(s: Session, viewer: Viewer) -> int:
    """今日上报 — since midnight in Beijing."""
    midnight = datetime.combine(clock.beijing(clock.now()).date(), time(), clock.BEIJING)
    query = select(func.count()).where(Sighting.account_id == viewer.id, Sighting.received_at >= midnight)
    return s.scalar(query) or 0


# --- tasks -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TaskWhole:
    """A task with its words, its photos, and its case; ``shown`` is whether this viewer may read the case himself."""

    task: Task
    case: Case
    shown: bool
    entries: Sequence[TaskEntry]
    files: Sequence[tuple[TaskFile, File]]


def tasks(s: Session, viewer: Viewer, state: str | None, after: str | None, limit: int) -> Page:
    """我的任务 — of my grids, the newest first; ``state`` may also be "open"."""
    query = select(Task).where(policy.mine(viewer))
    if state == "open":
        query = query.where(Task.state.in_(OPEN))
    elif state:
        query = query.where(Task.state == state)
    found = page(s, query, [Task.created_at, Task.id], [datetime.fromisoformat, UUID], after=after, limit=limit)
    return Page(wholes(s, policy.as_worker(viewer), found.rows), found.next)


def task(s: Session, viewer: Viewer, task_id: UUID) -> TaskWhole:
    """一项任务 — of my grids, or 404."""
    row = s.scalar(select(Task).where(Task.id == task_id, policy.mine(viewer)))
    if row is None:
        raise not_found("task")
    return wholes(s, policy.as_worker(viewer), [row])[0]


def of_case(s: Session, viewer: Viewer, no: str) -> list[TaskWhole]:
    """工单的网格任务 — for who may see the case, the oldest first."""
    case = s.scalar(select(Case).where(Case.no == no, case_policy.may_see(viewer)))
    if case is None:
        raise not_found("case")
    rows = s.scalars(select(Task).where(Task.case_id == case.id).order_by(Task.created_at, Task.id)).all()
    return wholes(s, viewer, rows)


def wholes(s: Session, viewer: Viewer, rows: Sequence[Task]) -> list[TaskWhole]:
    """Tasks with what hangs on them, four queries however many."""
    ids, case_ids = [row.id for row in rows], {row.case_id for row in rows}
    if not ids:
        return []
    known = {case.id: case for case in s.scalars(select(Case).where(Case.id.in_(case_ids)))}
    seen = set(s.scalars(select(Case.id).where(Case.id.in_(case_ids), case_policy.may_see(viewer))))
    entries: dict[UUID, list[TaskEntry]] = {}
    for entry in s.scalars(select(TaskEntry).where(TaskEntry.task_id.in_(ids)).order_by(TaskEntry.version)):
        entries.setdefault(entry.task_id, []).append(entry)
    files: dict[UUID, list[tuple[TaskFile, File]]] = {}
    query = select(TaskFile, File).join(File, File.id == TaskFile.file_id).where(TaskFile.task_id.in_(ids))
    for link, file in s.execute(query.order_by(TaskFile.version, File.id)).all():
        files.setdefault(link.task_id, []).append((link, file))
    return [
        TaskWhole(row, known[row.case_id], row.case_id in seen, entries.get(row.id, []), files.get(row.id, []))
        for row in rows
    ]


def task_file(s: Session, viewer: Viewer, task_id: UUID, file_id: UUID) -> File:
    """任务照片 — for the grid, and for who may see the case."""
    file = s.scalar(
        select(File)
        .join(TaskFile, TaskFile.file_id == File.id)
        .join(Task, Task.id == TaskFile.task_id)
        .join(Case, Case.id == Task.case_id)
        .where(Task.id == task_id, File.id == file_id, policy.mine(viewer) | case_policy.may_see(viewer))
    )
    if file is None:
        raise not_found("file")
    return file


# --- sightings, cases, heat ------------------------------------------------------------------------------------------------


def sightings(s: Session, viewer: Viewer, after: str | None, limit: int) -> Page:
    """我的上报 — the newest first, each with its case as it now is."""
    query = select(Sighting).where(Sighting.account_id == viewer.id)
    keys = [Sighting.received_at, Sighting.id]
    found = page(s, query, keys, [datetime.fromisoformat, UUID], after=after, limit=limit)
    ids = {row.case_id for row in found.rows}
    known = {case.id: case for case in s.scalars(select(Case).where(Case.id.in_(ids)))} if ids else {}
    return Page([(row, known[row.case_id]) for row in found.rows], found.next)


def around(s: Session, viewer: Viewer, after: str | None, limit: int) -> Page:
    """辖区在办工单 — what is open in my grids and not confidential."""
    my_grids(s, viewer)
    return cases.listing(s, policy.as_worker(viewer), Filters(box="mine_all"), after=after, limit=limit)


@dataclass(frozen=True, slots=True)
class Heat:
    """热力 — counts of pieces of an area; ``elsewhere`` are cases of the area that no piece could be told for."""

    scope: Node
    pieces: list[tuple[Node, int, Any]]
    elsewhere: int
    total: int


def heat(s: Session, viewer: Viewer, scope: str, days: int, matter: str | None) -> Heat:
    """热力图 — cases accepted in the last days, by piece. Numbers alone, without confidential cases: so the whole town may be shown."""
    places, level = gazetteer(s), SCOPES[scope]
    node = my_grids(s, viewer)[0].at(scope)
    if node is None:
        raise Refusal("field.workers_only", 403)
    column, inside = case_policy.AREA_COLUMNS[level], case_policy.AREA_COLUMNS[scope] == node.id
    query = select(column, func.count()).where(
        inside,
        Case.accepted_at >= clock.now() - timedelta(days=days),
        Case.confidential.is_(False),
        Case.exercise_id.is_(None),
    )
    if matter:
        query = query.where(Case.matter.startswith(matter.rstrip("0") or matter, autoescape=True))
    counts = dict(s.execute(query.group_by(column)).all())
    pieces = sorted(places.under(node.id, level), key=lambda piece: piece.code)
    told = [(piece, counts.get(piece.id, 0), places.boundary(piece.id)) for piece in pieces]
    total = sum(counts.values())
    return Heat(node, told, total - sum(count for _, count, _ in told), total)
