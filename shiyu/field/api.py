"""Routes of the field: the phone's, and the offices' that give tasks. ``sync`` is the phone's one way to write."""

from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
import structlog
from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from pydantic import ValidationError
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from shiyu.cases.schemas import Named, Speaker
from shiyu.directory.gazetteer import gazetteer
from shiyu.directory.located import Node
from shiyu.field import actions, patrols, queries, schemas
from shiyu.field.lifecycle import S
from shiyu.field.schemas import (
    ITEM,
    AroundPage,
    CancelIn,
    CheckInIn,
    FieldMe,
    GridOut,
    HeatOut,
    Item,
    ItemOut,
    QuickOut,
    SightingIn,
    SightingPage,
    SyncIn,
    SyncOut,
    TaskIn,
    TaskOut,
    TaskPage,
)
from shiyu.kernel import clock, files, web
from shiyu.kernel.auth import Viewer
from shiyu.kernel.db import transaction
from shiyu.kernel.errors import Refusal
from shiyu.kernel.web import reading, signed_in, tx

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/api", tags=["field"])
Limit = Annotated[int, Query(ge=1, le=200)]


# --- the phone's one way to write ------------------------------------------------------------------------------------------


@router.post("/field/sync")
def sync(body: SyncIn, request: Request, viewer: Viewer = signed_in) -> SyncOut:
    """离线同步 — each item in a transaction of its own, answered only after its commit; one that is refused stops no other.

    The same ``client_id`` may be sent as often as need be. A status of 500 or more means: send this one again later.
    """
    return SyncOut(items=[_one(request, viewer, given) for given in body.items])


def _one(request: Request, viewer: Viewer, given: dict[str, Any]) -> ItemOut:
    client_id = given.get("client_id")
    told: dict[str, Any] = {"client_id": client_id if isinstance(client_id, str) else None}
    try:
        item = ITEM.validate_python(given)
        with transaction() as s:
            done = _take(s, viewer, item)
        return ItemOut(**told, ok=True, known=done.known, no=done.no, state=done.state)
    except Refusal as refusal:
        return _refused(told, web.problem(request, refusal).body)
    except ValidationError as error:
        return _refused(told, web.invalid(request, RequestValidationError(error.errors())).body)
    except DataError:
        return _refused(told, web.problem(request, Refusal("input.not_storable", 422)).body)
    except (OperationalError, PoolTimeout):
        raise  # the database is away: nothing more can be taken now, and what was taken will be known
    except Exception:  # a fault with one item must not hold back the rest of a day's work
        log.exception("sync item failed", client_id=client_id)
        return _refused(told, web.problem(request, Refusal("web.fault", 500)).body)


def _take(s: Session, viewer: Viewer, item: Item) -> actions.Told:
    if isinstance(item, SightingIn):
        return actions.sight(s, viewer, item.seen())
    if isinstance(item, CheckInIn):
        plan, made, known = patrols.check_in(s, viewer, item.here())
        return actions.Told(plan.name, "counted" if made.counted else "outside", known)
    verb = item.type.removeprefix("task_")
    task, known = actions.answer(s, viewer, item.task, verb, item.client_id, item.at, item.text, item.files)
    return actions.Told(task.no, task.state, known)


def _refused(told: dict[str, Any], body: bytes | memoryview) -> ItemOut:
    problem = orjson.loads(body)
    named = {name: problem[name] for name in ("status", "code", "message", "errors")}
    return ItemOut(**told, ok=False, **named)


# --- what the phone reads --------------------------------------------------------------------------------------------------


@router.get("/field/me")
def me(viewer: Viewer = signed_in, s: Session = reading) -> FieldMe:
    """我的网格"""
    found, places, say = queries.my_grids(s, viewer), gazetteer(s), Speaker(s)
    entries = [say.law.matter(code) for code in queries.quick_matters()]
    return FieldMe(
        id=viewer.id,  # type: ignore[arg-type] - who has grids has an account
        name=viewer.name,
        grids=[GridOut.of(lineage, places.boundary(lineage.area_id)) for lineage in found],
        community=_named(found[0].community),
        town=_named(found[0].town),
        tasks=queries.open_tasks(s, viewer),
        sightings_today=queries.sighted_today(s, viewer),
        quick=[QuickOut(code=one.code, name=one.name, name_en=one.name_en) for one in entries if one],
    )


def _named(node: Node | None) -> Named | None:
    return Named(code=node.code, name=node.name) if node else None


@router.get("/field/tasks")
def tasks(
    state: Literal["open", S.ASSIGNED, S.ACCEPTED, S.DONE, S.RETURNED, S.CANCELLED] | None = None,
    after: str | None = None,
    limit: Limit = 50,
    viewer: Viewer = signed_in,
    s: Session = reading,
) -> TaskPage:
    """我的任务"""
    found, say, now = queries.tasks(s, viewer, state, after, limit), Speaker(s), clock.now()
    return TaskPage(rows=[schemas.task_out(say, viewer, whole, now) for whole in found.rows], next=found.next)


@router.get("/field/tasks/{task_id}")
def task(task_id: UUID, viewer: Viewer = signed_in, s: Session = reading) -> TaskOut:
    """一项任务"""
    return schemas.task_out(Speaker(s), viewer, queries.task(s, viewer, task_id), clock.now())


@router.get("/field/sightings")
def sightings(
    after: str | None = None, limit: Limit = 50, viewer: Viewer = signed_in, s: Session = reading
) -> SightingPage:
    """我的上报"""
    found, say = queries.sightings(s, viewer, after, limit), Speaker(s)
    return SightingPage(rows=[schemas.sighting_out(say, row, case) for row, case in found.rows], next=found.next)


@router.get("/field/cases")
def around(after: str | None = None, limit: Limit = 50, viewer: Viewer = signed_in, s: Session = reading) -> AroundPage:
    """辖区在办工单"""
    found, say = queries.around(s, viewer, after, limit), Speaker(s)
    return AroundPage(rows=[schemas.around_out(say, case) for case in found.rows], next=found.next)


@router.get("/field/heat")
def heat(
    scope: Literal["community", "town"] = "community",
    days: Annotated[int, Query(ge=1, le=366)] = 30,
    matter: Annotated[str | None, Query(pattern=r"^\d{2,6}$")] = None,
    viewer: Viewer = signed_in,
    s: Session = reading,
) -> HeatOut:
    """热力图"""
    return schemas.heat_out(queries.heat(s, viewer, scope, days, matter), days)


# --- the offices -----------------------------------------------------------------------------------------------------------


@router.post("/cases/{no}/tasks", status_code=201)
def assign(no: str, body: TaskIn, viewer: Viewer = signed_in, s: Session = tx) -> TaskOut:
    """任务指派"""
    given = actions.assign(s, viewer, no, body.text, body.area, body.due_at)
    return schemas.task_out(Speaker(s), viewer, queries.wholes(s, viewer, [given])[0], clock.now())


@router.get("/cases/{no}/tasks")
def tasks_of_case(no: str, viewer: Viewer = signed_in, s: Session = reading) -> list[TaskOut]:
    """工单的网格任务"""
    say, now = Speaker(s), clock.now()
    return [schemas.task_out(say, viewer, whole, now) for whole in queries.of_case(s, viewer, no)]


@router.post("/tasks/{task_id}/cancel")
def cancel(task_id: UUID, body: CancelIn, viewer: Viewer = signed_in, s: Session = tx) -> TaskOut:
    """取消任务"""
    ended = actions.cancel(s, viewer, task_id, body.text)
    return schemas.task_out(Speaker(s), viewer, queries.wholes(s, viewer, [ended])[0], clock.now())


@router.get("/tasks/{task_id}/files/{file_id}")
@router.get("/tasks/{task_id}/files/{file_id}/{size}")
def photo(
    task_id: UUID,
    file_id: UUID,
    size: Literal["thumb"] | None = None,
    viewer: Viewer = signed_in,
    s: Session = reading,
) -> FileResponse:
    """任务照片"""
    file = queries.task_file(s, viewer, task_id, file_id)
    small = size == "thumb" and file.kind == "image"
    path = files.thumb_of(file) if small else files.path_of(file)
    headers = {"Cache-Control": "private, max-age=86400"}
    return FileResponse(
        path, media_type="image/jpeg" if small else file.media_type, filename=file.name, headers=headers
    )
