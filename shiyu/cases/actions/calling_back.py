"""回访 — the answer reaches the reporter, who is asked two questions: is it solved, are you satisfied."""

from typing import Any

from sqlalchemy import func, select

from shiyu.cases.actions.act import Act, verb
from shiyu.cases.events import CaseClosed, CaseReopened, CaseReplied
from shiyu.cases.lifecycle import LIFECYCLE, S
from shiyu.cases.models import CallBack, Reply
from shiyu.kernel.errors import Refusal


def send_reply(act: Act, text: str, *, reviewed: bool = False) -> Any:
    """The words leave the house."""
    act.case.replied_at = act.now
    act.s.add(
        Reply(
            case_id=act.case.id,
            org_id=act.org_id,
            text=text,
            by_id=act.viewer.id,
            by_name=act.viewer.name,
            at=act.now,
            sent_at=act.now,
            reviewed_by=act.viewer.id if reviewed else None,
        )
    )
    return CaseReplied(act.case.id, act.case.version, act.line.verb, act.org_id)


@verb("answer")
def answer(act: Act) -> Any:
    """直接答复 — the desk knows the answer and gives it."""
    return send_reply(act, act.text or "")


@verb("call_back")
def call_back(act: Act) -> Any:
    """回访 — content: closed. Not solved or not satisfied: handled again. Not reached: tried again, until the attempts are spent."""
    case, result = act.case, act.get("result")
    solved, satisfied = act.get("solved"), act.get("satisfied")
    if result == "reached" and (solved is None or satisfied is None):
        raise Refusal("case.two_questions", 422, field="solved" if solved is None else "satisfied")
    act.s.add(
        CallBack(
            case_id=case.id,
            round=case.reworks,
            at=act.now,
            by_id=act.viewer.id,
            by_name=act.viewer.name or None,
            channel="reporter" if act.viewer.reporter_of == case.id else "staff",
            result=result,
            solved=solved if result == "reached" else None,
            satisfied=satisfied if result == "reached" else None,
            text=act.text,
        )
    )
    if result != "reached":
        return _not_reached(act)
    case.solved, case.satisfied = solved, satisfied
    content = solved and satisfied >= act.law.threshold("satisfied.at_least", act.now)
    return _close(act, None) if content else _rework(act)


def _not_reached(act: Act) -> Any:
    query = select(func.count()).where(CallBack.case_id == act.case.id, CallBack.round == act.case.reworks)
    if (act.s.scalar(query) or 0) >= act.law.count("call_backs", act.now):
        return _close(act, "attempts_spent")
    return None


def _close(act: Act, ground: str | None) -> Any:
    case = act.case
    line = LIFECYCLE.take(case.state, "close", act.roles, {"call_back": True})
    act.target = line.target
    return CaseClosed(case.id, case.version, "close", S.CLOSED, case.solved, case.satisfied, ground)


def _rework(act: Act) -> Any:
    case = act.case
    line = LIFECYCLE.take(case.state, "rework", act.roles, {"call_back": True})
    act.target = line.target
    if case.lead_org_id is None:  # the desk had answered itself: a dispatcher must find an office now
        act.target = S.REGISTERED
    return _again(act, "rework")


@verb("reopen")
def reopen(act: Act) -> Any:
    """再次办理 — a closed case is taken up again."""
    act.case.closed_at = None
    if act.case.lead_org_id is None:
        act.target = S.REGISTERED
    return _again(act, "reopen")


def _again(act: Act, name: str) -> Any:
    case = act.case
    case.reworks += 1
    act.stop("call_back")
    act.clock = "dispatch" if act.target == S.REGISTERED else "rework"
    act.clock_org = case.lead_org_id
    for row in act.dispatches:
        if row.round == case.rounds and row.ended_at is not None and row.outcome == S.CLOSED:
            row.ended_at = row.outcome = None
    return CaseReopened(case.id, case.version, name, case.lead_org_id)
