"""办理 — what the lead and the assisting offices do while a case is theirs."""

from datetime import datetime, time
from typing import Any

from sqlalchemy import select

from shiyu.cases.actions.act import Act, guard, pending, verb
from shiyu.cases.actions.calling_back import send_reply
from shiyu.cases.models import Extension, Reply
from shiyu.cases.policy import BY_OFFICE
from shiyu.kernel.clock import BEIJING
from shiyu.kernel.errors import Refusal
from shiyu.law import grounds


@verb("contact")
def contact(act: Act) -> Any:
    """首次联系 — the office speaks to the reporter; an attempt that failed leaves the limit running."""
    if act.get("reached") is not False:
        act.stop("contact")


@verb("assist")
def assist(act: Act) -> Any:
    """协办反馈 — an assisting office says what it did; its own limit ends."""
    mine = {grant.org_id for grant in act.viewer.at(*BY_OFFICE)}
    for row in act.parts("assist"):
        if row.org_id in mine:
            act.org_id = row.org_id  # who serves the lead office too speaks here for the assisting one
            act.stop("assist", org_id=row.org_id)
            row.outcome = "reported"
            row.signed_at = row.signed_at or act.now


@verb("reply")
def reply(act: Act) -> Any:
    """答复 — the lead office tells the reporter what was done; a reviewer sends the draft, changed or not."""
    text = act.text or _draft(act).text
    act.text = text
    return send_reply(act, text, reviewed="reviewer" in act.roles and act.old == "reviewing")


@verb("draft")
def draft(act: Act) -> Any:
    """送审 — the answer is written, a reviewer of the office must look."""
    act.s.add(
        Reply(
            case_id=act.case.id,
            org_id=act.org_id,
            text=act.text or "",
            by_id=act.viewer.id,
            by_name=act.viewer.name,
            at=act.now,
        )
    )


def _draft(act: Act) -> Reply:
    query = select(Reply).where(Reply.case_id == act.case.id, Reply.sent_at.is_(None)).order_by(Reply.at.desc())
    found = act.s.scalars(query.limit(1)).first()
    if found is None:
        raise Refusal("case.needs", 422, field="text", verb="reply", need="text")
    return found


# --- more time -----------------------------------------------------------------------------------------------------------


@guard("extend")
def _before_expiry_and_once(act: Act) -> str | None:
    running = act.running("handle", "rework")
    if running is None or running.due_at < act.now:
        return "case.extend_late"
    asked = select(Extension.id).where(Extension.case_id == act.case.id, Extension.approved.is_not(False))
    return "case.extend_once" if act.s.scalar(asked.limit(1)) else None


@guard("decide_extension")
def _something_to_decide(act: Act) -> str | None:
    return None if pending(act.s, act.case) else "case.no_extension"


@verb("extend")
def extend(act: Act) -> Any:
    """申请延期 — asked before the limit runs out, once, with a ground; how long is the book's to say."""
    ground = grounds.require(act.s, act.get("ground"), "extend").code
    running = act.running("handle", "rework")
    if running is None or act.case.lead_org_id is None:
        raise Refusal("case.extend_late", 409)
    case = act.case
    longest = act.law.due(case.matter, "extend", running.due_at, kind=case.kind, level=case.urgency)
    act.s.add(
        Extension(
            case_id=case.id,
            org_id=case.lead_org_id,
            ground=ground,
            text=act.text or "",
            asked_at=act.now,
            asked_by=act.viewer.id,
            until=longest.at,
            basis=longest.rule.basis,
        )
    )


@verb("decide_extension")
def decide_extension(act: Act) -> Any:
    """审批延期 — approved, the limit moves; refused, it stays."""
    row = pending(act.s, act.case)
    if row is None or row.id != act.get("extension"):
        raise Refusal("case.no_extension", 409, field="extension")
    row.approved, row.decided_at, row.decided_by = bool(act.get("approve")), act.now, act.viewer.id
    running = act.running("handle", "rework")
    if row.approved and running is not None:
        running.pauses = [
            *running.pauses,
            {"kind": "extension", "from": running.due_at.isoformat(), "ground": row.ground},
        ]
        running.amber_at = max(running.amber_at, running.due_at)
        running.due_at = max(running.due_at, row.until)  # an answer may have begun a longer limit meanwhile


@verb("suspend")
def suspend(act: Act) -> Any:
    """挂账 — cannot be solved now: a plan and a day to look again. The limit for handling stands still."""
    grounds.require(act.s, act.get("ground"), "suspend")
    day = act.get("review_on")
    if day <= act.now.astimezone(BEIJING).date():
        raise Refusal("case.review_past", 422, field="review_on")
    for row in act.clocks:
        if row.kind in ("handle", "rework", "assist") and row.stopped_at is None:
            row.paused_at = act.now
    act.clock_due = datetime.combine(day, time(17), BEIJING)


@verb("resume")
def resume(act: Act) -> Any:
    """恢复办理 — the limit goes on where it stood; the time it stood still is added."""
    for row in act.clocks:
        if row.paused_at is not None and row.stopped_at is None:
            since, row.paused_at = row.paused_at, None
            row.due_at = act.law.shifted(row.due_at, since, act.now, row.rule_id)
            row.amber_at = act.law.shifted(row.amber_at, since, act.now, row.rule_id)
            row.pauses = [*row.pauses, {"kind": "suspended", "from": since.isoformat(), "to": act.now.isoformat()}]
