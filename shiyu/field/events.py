"""What others hear of the field: past tense, ids and codes, never personal data and never a position."""

from uuid import UUID

from shiyu.kernel.events import event


@event("sighting.reported")
class SightingReported:
    """事件上报 — a grid worker saw something; ``case_id`` is what it became."""

    sighting_id: UUID
    version: int
    case_id: UUID
    area_id: UUID | None
    solved_on_spot: bool


@event("task.assigned")
class TaskAssigned:
    """任务指派 — an office asks a grid for something."""

    task_id: UUID
    version: int
    case_id: UUID
    area_id: UUID
    org_id: UUID | None


@event("task.moved")
class TaskMoved:
    """任务进展 — accepted, done, returned or cancelled; ``verb`` tells which."""

    task_id: UUID
    version: int
    verb: str
    old: str
    new: str
    case_id: UUID
    area_id: UUID


@event("patrol.planned")
class PatrolPlanned:
    """巡查计划 — a grid is to be walked on so many days a week."""

    patrol_id: UUID
    version: int
    area_id: UUID
    days_a_week: int


@event("patrol.ended")
class PatrolEnded:
    """巡查计划终止 — a plan has its last day."""

    patrol_id: UUID
    version: int
    area_id: UUID


@event("patrol.checked_in")
class PatrolCheckedIn:
    """巡查签到 — a worker was on his round; ``counted``: at the place where he should be."""

    patrol_id: UUID
    version: int
    area_id: UUID
    counted: bool
