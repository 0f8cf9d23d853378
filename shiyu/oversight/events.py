"""What oversight tells: ids and codes, never personal data."""

from uuid import UUID

from shiyu.kernel.events import event


@event("overdue.noticed")
class OverdueNoticed:
    """超期提示 — a promise (``clock`` its kind) of a case ran out unkept; told once for each promise. ``overdue_id`` is the clock's id."""

    overdue_id: UUID
    version: int
    case_id: UUID
    clock: str
    org_id: UUID | None
    due_at: str
