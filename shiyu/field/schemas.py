"""What the wire carries of the field."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import shapely
from pydantic import AwareDatetime, Field, TypeAdapter

from shiyu.cases.models import Case
from shiyu.cases.schemas import FileIds, FileOut, Named, Point, Position, Speaker, Urgency, Words
from shiyu.directory.located import Lineage
from shiyu.field.actions import Seen
from shiyu.field.lifecycle import LIFECYCLE
from shiyu.field.models import Sighting
from shiyu.field.patrols import MOST_POINTS, Here
from shiyu.field.policy import roles
from shiyu.field.queries import Heat, TaskWhole
from shiyu.kernel import vault, words
from shiyu.kernel.auth import Viewer
from shiyu.kernel.web import FieldProblem, Input, Output

_TOLERANCE = 0.00003  # degrees, about three metres: finer than a phone shows
_DIGITS = 5
BATCH = 50

Day = Annotated[date, Field(ge=date(1949, 10, 1), le=date(2199, 12, 31))]
"""A day of the calendar near enough to be counted on from."""


class ItemIn(Input):
    """One item of a phone's queue. ``at`` is the phone's clock when it was saved."""

    client_id: UUID
    at: AwareDatetime


class SightingIn(ItemIn):
    """事件上报."""

    type: Literal["sighting"]
    text: str = Field(min_length=2, max_length=5000)
    matter: str | None = Field(None, pattern=r"^\d{6}$")
    urgency: Urgency | None = None
    address: str | None = Field(None, max_length=200)
    position: Position | None = None
    solved_on_spot: bool = False
    solved_text: str | None = Field(None, max_length=2000)
    files: FileIds = Field(default_factory=list)
    solved_files: FileIds = Field(default_factory=list)

    def seen(self) -> Seen:
        """The same for the verb."""
        lon, lat = self.position.wgs84() if self.position else (None, None)
        return Seen(
            client_id=self.client_id,
            at=self.at,
            text=self.text,
            matter=self.matter,
            urgency=self.urgency,
            address=self.address,
            lon=lon,
            lat=lat,
            accuracy=self.position.accuracy if self.position else None,
            solved_on_spot=self.solved_on_spot,
            solved_text=self.solved_text,
            file_ids=tuple(self.files),
            solved_file_ids=tuple(self.solved_files),
        )


class TaskAcceptIn(ItemIn):
    """接受任务."""

    type: Literal["task_accept"]
    task: UUID
    text: str | None = Field(None, max_length=2000)
    files: FileIds = Field(default_factory=list, max_length=0)


class TaskWordsIn(ItemIn):
    """完成任务 or 退回任务 — with words, and photos where there are any."""

    type: Literal["task_done", "task_return"]
    task: UUID
    text: str = Field(min_length=1, max_length=2000)
    files: FileIds = Field(default_factory=list)


class CheckInIn(ItemIn):
    """巡查签到 — ``point``: which of the plan's points; none for a plan of the whole grid."""

    type: Literal["check_in"]
    plan: UUID
    point: int | None = Field(None, ge=0, lt=MOST_POINTS)
    position: Position
    files: FileIds = Field(default_factory=list, max_length=0)

    def here(self) -> Here:
        """The same for the verb."""
        lon, lat = self.position.wgs84()
        return Here(self.client_id, self.at, self.plan, lon, lat, self.point, self.position.accuracy)


Item = SightingIn | TaskAcceptIn | TaskWordsIn | CheckInIn
ITEM: TypeAdapter[Item] = TypeAdapter(Annotated[Item, Field(discriminator="type")])


class SyncIn(Input):
    """同步 — items in the order in which they were saved. Each is judged by itself, so they are read one by one."""

    items: list[dict[str, Any]] = Field(min_length=1, max_length=BATCH)


class ItemOut(Output):
    """回执 — done (``no``, ``state``, ``known``: it had been received before), or refused with the sentence to show."""

    client_id: str | None
    ok: bool
    known: bool = False
    no: str | None = None
    state: str | None = None
    status: int = 200
    code: str | None = None
    message: dict[str, str] | None = None
    errors: list[FieldProblem] = Field(default_factory=list)


class SyncOut(Output):
    """One answer an item, in their order."""

    items: list[ItemOut]


class GridOut(Output):
    """我的网格 — boundary and centre in WGS-84 degrees, GeoJSON."""

    code: str
    name: str
    full_name: str
    centre: Point | None
    boundary: dict[str, Any] | None

    @classmethod
    def of(cls, lineage: Lineage, shape: Any) -> "GridOut":
        """A grid with its outline, made small."""
        node = lineage.finest
        centre = Point(lon=node.lon, lat=node.lat) if node.lon is not None and node.lat is not None else None
        return cls(code=node.code, name=node.name, full_name=lineage.name, centre=centre, boundary=outline(shape))


class QuickOut(Output):
    """常见事项."""

    code: str
    name: str
    name_en: str


class FieldMe(Output):
    """What the phone keeps for when there is no net."""

    id: UUID
    name: str
    grids: list[GridOut]
    community: Named | None
    town: Named | None
    tasks: dict[str, int]
    sightings_today: int
    quick: list[QuickOut]


class TaskCase(Output):
    """The case of a task, where the worker may read it himself; never with the reporter."""

    no: str
    state: str
    text: str
    address: str | None
    area_name: str | None
    matter: Named | None
    position: Point | None


class TaskStep(Output):
    """任务进展."""

    at: datetime
    acted_at: datetime | None
    verb: str
    by_name: str | None
    text: str | None


class TaskOut(Output):
    """网格任务 — ``case`` is empty for a confidential case: then the task's own text is all there is to know."""

    id: UUID
    no: str
    version: int
    state: str
    text: str
    area: Named
    from_org: Named | None
    due_at: datetime | None
    overdue: bool
    created_at: datetime
    done_at: datetime | None
    result: str | None
    case: TaskCase | None
    steps: list[TaskStep]
    files: list[FileOut]
    can: list[str]


class TaskPage(Output):
    """One page of tasks."""

    rows: list[TaskOut]
    next: str | None


class TaskIn(Input):
    """任务指派 — ``area``: the code of a grid of the same community; left out, the case's own."""

    text: str = Field(min_length=2, max_length=2000)
    area: str | None = Field(None, max_length=30)
    due_at: AwareDatetime | None = None


class CancelIn(Input):
    """取消任务."""

    text: str | None = Field(None, max_length=2000)


class SightingOut(Output):
    """我的上报 — with its case as it now is."""

    client_id: UUID
    no: str
    state: str
    label: Words
    text: str
    matter: Named | None
    area_name: str | None
    seen_at: datetime
    received_at: datetime
    solved_on_spot: bool
    due_at: datetime | None
    office_name: str | None


class SightingPage(Output):
    """One page of what I reported."""

    rows: list[SightingOut]
    next: str | None


class AroundOut(Output):
    """辖区在办工单 — telephone numbers and the like in the text are hidden."""

    no: str
    state: str
    urgency: str
    text: str
    address: str | None
    matter: Named | None
    accepted_at: datetime
    due_at: datetime | None
    light: str | None


class AroundPage(Output):
    """One page of what is open around me."""

    rows: list[AroundOut]
    next: str | None


class PieceOut(Output):
    """A piece of the map and how many cases lie in it."""

    code: str
    name: str
    n: int
    shape: dict[str, Any] | None


class HeatOut(Output):
    """热力图."""

    area: Named
    days: int
    total: int
    elsewhere: int
    pieces: list[PieceOut]


# --- from rows to the wire -------------------------------------------------------------------------------------------------


def outline(shape: Any) -> dict[str, Any] | None:
    """A boundary as small GeoJSON."""
    if shape is None:
        return None
    return shapely.transform(shape.simplify(_TOLERANCE), lambda xy: xy.round(_DIGITS)).__geo_interface__


def task_out(say: Speaker, viewer: Viewer, whole: TaskWhole, now: datetime) -> TaskOut:
    """A task for who may see it."""
    task, node = whole.task, say.places.lineage(whole.task.area_id).finest
    can = LIFECYCLE.open_to(task.state, roles(viewer, task))
    files = [FileOut.of(file, f"/api/tasks/{task.id}/files", version=link.version) for link, file in whole.files]
    fields = ("id", "no", "version", "state", "text", "due_at", "created_at", "done_at", "result")
    return TaskOut(
        **{name: getattr(task, name) for name in fields},
        area=Named(code=node.code, name=node.name),
        from_org=say.org(task.from_org_id),
        overdue=bool(can) and task.due_at is not None and task.due_at < now,
        case=_case(say, whole.case) if whole.shown else None,
        steps=[TaskStep.model_validate(entry) for entry in whole.entries],
        files=files,
        can=can,
    )


def _case(say: Speaker, case: Case) -> TaskCase:
    return TaskCase(
        no=case.no,
        state=case.state,
        text=vault.mask_text(case.text),
        address=vault.mask_text(case.address) if case.address else None,
        area_name=say.area(case),
        matter=say.matter(case.matter),
        position=Point(lon=case.lon, lat=case.lat) if case.lon is not None and case.lat is not None else None,
    )


def sighting_out(say: Speaker, row: Sighting, case: Case) -> SightingOut:
    """What I reported, and what became of it."""
    office = say.org(case.lead_org_id)
    return SightingOut(
        client_id=row.client_id,
        no=case.no,
        state=case.state,
        label=words.both(f"case.state.{case.state}"),
        text=case.text,
        matter=say.matter(case.matter),
        area_name=say.area(case),
        seen_at=row.seen_at,
        received_at=row.received_at,
        solved_on_spot=row.solved_on_spot,
        due_at=case.due_at,
        office_name=office.name if office else None,
    )


def around_out(say: Speaker, case: Case) -> AroundOut:
    """An open case of my grid."""
    row = say.row(case)
    named = {name: row[name] for name in ("no", "state", "urgency", "matter", "accepted_at", "due_at", "light")}
    address = vault.mask_text(case.address) if case.address else None
    return AroundOut(**named, text=vault.mask_text(row["text"]), address=address)


def heat_out(found: Heat, days: int) -> HeatOut:
    """Counts with the outlines of their pieces."""
    pieces = [
        PieceOut(code=node.code, name=node.name, n=count, shape=outline(shape)) for node, count, shape in found.pieces
    ]
    area = Named(code=found.scope.code, name=found.scope.name)
    return HeatOut(area=area, days=days, total=found.total, elsewhere=found.elsewhere, pieces=pieces)
