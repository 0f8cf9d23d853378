"""回避 — who has an interest in a case steps back from it; what is said against an office never reaches that office."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shiyu.cases.actions.act import Act, guard, verb
from shiyu.cases.lifecycle import S
from shiyu.cases.models import Bar
from shiyu.kernel import audit
from shiyu.kernel.auth import Account
from shiyu.kernel.errors import Refusal


@verb("recuse")
def recuse(act: Act) -> Any:
    """自行回避 — the viewer himself has an interest: from now on he sees nothing of this case. His office goes on without him."""
    _add(act, "recused", account_id=act.viewer.id)


@verb("bar")
def bar(act: Act) -> Any:
    """责令回避 — a person by his user name, or a whole office, which loses its part; a lead office's case goes back to the dispatcher."""
    if bool(act.get("org")) == bool(act.get("account")):
        raise Refusal("case.bar_whom", 422, field="org")
    if act.get("account"):
        account_id = act.s.scalar(select(Account.id).where(Account.username == act.get("account")))
        if account_id is None:
            raise Refusal("case.no_account", 422, field="account", given=act.get("account"))
        _add(act, "ordered", account_id=account_id)
        return
    org_id = act.org("org")
    _add(act, "accused" if act.get("accused") else "ordered", org_id=org_id)
    _take_away(act, org_id)


@guard("unbar")
def _only_where_somebody_stepped_back(act: Act) -> str | None:
    found = act.s.scalar(select(Bar.id).where(Bar.case_id == act.case.id, Bar.ended_at.is_(None)).limit(1))
    return None if found else "case.nobody_barred"


@verb("unbar")
def unbar(act: Act) -> Any:
    """解除回避 — the interest was denied or ended."""
    row = act.s.get(Bar, act.get("bar"))
    if row is None or row.case_id != act.case.id or row.ended_at is not None:
        raise Refusal("case.no_bar", 422, field="bar")
    row.ended_at, row.ended_by = act.now, act.viewer.id
    audit.record(act.s, act.viewer, "case.unbar", subject=f"case:{act.case.no}")


def barred_offices(s: Session, case_id: UUID) -> set[UUID]:
    """The offices that must not have a part in a case."""
    query = select(Bar.org_id).where(Bar.case_id == case_id, Bar.ended_at.is_(None), Bar.org_id.is_not(None))
    return {org_id for org_id in s.scalars(query) if org_id}


def require_free(act: Act, offices: Iterable[UUID], field: str) -> None:
    """Refuse to give a case to an office that must step back from it."""
    if barred_offices(act.s, act.case.id) & set(offices):
        raise Refusal("case.barred_office", 422, field=field)


def _add(act: Act, why: str, account_id: UUID | None = None, org_id: UUID | None = None) -> None:
    same = Bar.account_id == account_id if account_id else Bar.org_id == org_id
    if act.s.scalar(select(Bar.id).where(Bar.case_id == act.case.id, Bar.ended_at.is_(None), same).limit(1)):
        raise Refusal("case.barred_already", 409, field="account" if account_id else "org")
    row = Bar(case_id=act.case.id, account_id=account_id, org_id=org_id, why=why, at=act.now, by_id=act.viewer.id)
    act.s.add(row)
    audit.record(act.s, act.viewer, f"case.{act.line.verb}", subject=f"case:{act.case.no}")


def _take_away(act: Act, org_id: UUID) -> None:
    for row in act.parts():
        if row.org_id == org_id:
            row.ended_at, row.outcome = act.now, "barred"
    act.stop("assist", org_id=org_id)
    if act.case.lead_org_id != org_id:
        return
    act.case.lead_org_id = None
    if act.case.state in (S.DISPATCHED, S.HANDLING, S.REVIEWING, S.SUSPENDED):
        act.end_parts("barred")
        act.stop("sign", "handle", "rework", "assist", "review")
        act.target, act.clock = S.REGISTERED, "dispatch"
