"""巡检 — what oversight does by itself."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from shiyu.cases.models import Case, Clock
from shiyu.kernel import clock, events
from shiyu.kernel.auth import SYSTEM
from shiyu.oversight.events import OverdueNoticed
from shiyu.oversight.models import OverdueNotice

_BATCH = 2000  # one sweep stays far below two seconds; what is left waits a minute


def sweep(s: Session) -> int:
    """超期巡检 — notice every open promise that ran out and was not noticed before; how many.

    A promise that stands still (挂账, a pending pause) is not missed while it stands. Safe to run twice at once: the row's key decides
    which of two sweeps tells.
    """
    now = clock.now()
    noticed = select(OverdueNotice.clock_id).where(OverdueNotice.clock_id == Clock.id).exists()
    query = (
        select(Clock.id, Clock.case_id, Clock.kind, Clock.org_id, Clock.due_at, Case.exercise_id)
        .join(Case, Case.id == Clock.case_id)
        .where(Clock.stopped_at.is_(None), Clock.paused_at.is_(None), Clock.due_at < now, ~noticed)
        .order_by(Clock.due_at)
        .limit(_BATCH)
    )
    found = {row.id: row for row in s.execute(query)}
    if not found:
        return 0
    rows = [
        {"clock_id": row.id, "case_id": row.case_id, "kind": row.kind, "org_id": row.org_id}
        | {"due_at": row.due_at, "noticed_at": now}
        for row in found.values()
    ]
    insert = upsert(OverdueNotice).values(rows).on_conflict_do_nothing().returning(OverdueNotice.clock_id)
    mine = [found[ident] for ident in s.scalars(insert)]
    for drill in {row.exercise_id for row in mine}:
        facts = [
            OverdueNoticed(row.id, 1, row.case_id, row.kind, row.org_id, row.due_at.isoformat())
            for row in mine
            if row.exercise_id == drill
        ]
        events.publish(s, SYSTEM, *facts, exercise_id=drill)
    return len(mine)
