"""Who is what to a task, and who sees it. A worker sees the tasks of his grids; offices see them through their case."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import ColumnElement, false
from sqlalchemy.orm import Session

from shiyu.cases.lifecycle import ASSISTANT, DISPATCHER, HANDLER
from shiyu.directory.gazetteer import gazetteer
from shiyu.field.lifecycle import GRID_WORKER, OFFICE
from shiyu.field.models import Task
from shiyu.kernel.auth import Grant, Viewer

GIVERS = (HANDLER, ASSISTANT, DISPATCHER)
"""Roles on a case that may ask its grid for something."""


def grids(viewer: Viewer) -> list[UUID]:
    """我的网格 — the grids this viewer works in."""
    found = [grant.area_id for grant in viewer.at(GRID_WORKER) if grant.area_level == "grid" and grant.area_id]
    return list(dict.fromkeys(found))


def as_worker(viewer: Viewer) -> Viewer:
    """The viewer with his grids alone: on the phone nobody sees more than a grid worker sees."""
    return replace(viewer, grants=tuple(viewer.at(GRID_WORKER)))


def mine(viewer: Viewer) -> ColumnElement[bool]:
    """可见范围 — the tasks of the viewer's grids; inside a drill only the drill's, and the other way round."""
    wanted = grids(viewer)
    if not wanted:
        return false()
    drill = Task.exercise_id == viewer.exercise_id if viewer.exercise_id else Task.exercise_id.is_(None)
    return Task.area_id.in_(wanted) & drill


def roles(viewer: Viewer, task: Task) -> set[str]:
    """Which of the lifecycle's roles this viewer has for this task."""
    found: set[str] = set()
    if task.area_id in grids(viewer):
        found.add(GRID_WORKER)
    if any(
        (g.role, g.org_id, g.area_id) == (task.from_role, task.from_org_id, task.from_area_id) for g in viewer.grants
    ):
        found.add(OFFICE)
    return found


def giver(viewer: Viewer, roles_of_case: set[str], lead_org_id: UUID | None) -> Grant | None:
    """From which post the viewer gives a task; none: he may not. A handler gives for the lead office before any other of his."""
    if not roles_of_case & set(GIVERS):
        return None
    posts = viewer.at(HANDLER) if roles_of_case & {HANDLER, ASSISTANT} else viewer.at(DISPATCHER)
    return next((post for post in posts if post.org_id == lead_org_id), None) or next(iter(posts), None)


def in_place_of(s: Session, viewer: Viewer, task: Task) -> Viewer:
    """代交办单位 — the worker, also with the eyes of the post that asked him: the result reaches a case that he may not see himself."""
    node = gazetteer(s).lineage(task.from_area_id) if task.from_area_id else None
    post = Grant(task.from_role, task.from_org_id, task.from_area_id, node.level if node else None)
    return replace(viewer, grants=(post, *viewer.grants))
