"""Who is what to a case, and who sees it. Doing is the lifecycle's table over these roles; seeing is these branches."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true
from sqlalchemy.orm import Session

from shiyu.cases.lifecycle import (
    AGENT,
    ASSISTANT,
    CALLER,
    COORDINATOR,
    DISPATCHER,
    GRID_WORKER,
    HANDLER,
    RECEIVER,
    REPORTER,
    REVIEWER,
    SUPERVISOR,
)
from shiyu.cases.models import Bar, Case, Dispatch
from shiyu.kernel import vault
from shiyu.kernel.auth import Grant, Viewer

# A token can be read out over the telephone: no letters that look or sound alike, 49 bits, behind a limit of tries.
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 10

BY_AREA = (AGENT, DISPATCHER, COORDINATOR, CALLER, SUPERVISOR, GRID_WORKER)
BY_OFFICE = (HANDLER, REVIEWER)
# Of a confidential case (GB/T 33358-2016: the work order itself is confidential) the offices do not learn who spoke.
MAY_KNOW_CONFIDENTIAL = {AGENT, DISPATCHER, CALLER}
AREA_COLUMNS = {
    "county": Case.county_id,
    "town": Case.town_id,
    "community": Case.community_id,
    "grid": Case.grid_id,
    "cell": Case.cell_id,
}


@dataclass(frozen=True, slots=True)
class Branch:
    """One way of seeing cases. ``where`` is an equality with an index of its own; ``org_id`` reads through the dispatches of a part."""

    where: ColumnElement[bool]
    org_id: UUID | None = None
    part: str | None = None

    def condition(self) -> ColumnElement[bool]:
        """The branch as a condition on ``Case``, for single rows."""
        if self.org_id is None:
            return self.where
        mine = exists().where(Dispatch.case_id == Case.id, Dispatch.org_id == self.org_id, Dispatch.part == self.part)
        return and_(self.where, mine)


def token_of(case_id: UUID) -> str:
    """查询码 — the word with which a reporter without an account reads this case; derived, never stored."""
    number = int.from_bytes(vault.blind("case.token", case_id.hex))
    return "".join(CODE_LETTERS[number // len(CODE_LETTERS) ** n % len(CODE_LETTERS)] for n in range(CODE_LENGTH))


def said_token(text: str) -> str:
    """A token as it was typed or read out over the telephone: blanks and dashes and small letters do not matter."""
    return "".join(text.split()).replace("-", "").upper()


def everywhere(grant: Grant) -> bool:
    """Whether a grant holds for the whole city."""
    return grant.area_id is None or grant.area_level == "city"


def covers(grant: Grant, case: Case) -> bool:
    """Whether a grant's area holds the case."""
    return everywhere(grant) or getattr(case, f"{grant.area_level}_id", None) == grant.area_id


def visible_to(viewer: Viewer) -> list[Branch]:
    """可见范围 — the branches of cases this viewer may see; none: nothing.

    A confidential case (保密工单) is seen by the city's own desk, by its offices and by its reporter, not by everybody of its area.
    Cases of a drill are seen only inside the drill, and the other way round. Who must step back (回避) sees nothing of that case.
    """
    drill = Case.exercise_id == viewer.exercise_id if viewer.exercise_id else Case.exercise_id.is_(None)
    branches: list[Branch] = []
    if viewer.reporter_of is not None:
        branches.append(Branch(Case.id == viewer.reporter_of))
    if viewer.grants:
        drill = and_(drill, _free(viewer))
    seen: set[tuple[str, UUID | None]] = set()
    for grant in viewer.at(*BY_AREA):
        if everywhere(grant):
            return [Branch(and_(true(), drill))]
        if grant.area_level in AREA_COLUMNS and (grant.area_level, grant.area_id) not in seen:
            seen.add((grant.area_level, grant.area_id))
            column = AREA_COLUMNS[grant.area_level]
            branches.append(Branch(and_(column == grant.area_id, Case.confidential.is_(False), drill)))
    for grant in viewer.at(*BY_OFFICE):
        if grant.org_id is not None and ("org", grant.org_id) not in seen:
            seen.add(("org", grant.org_id))
            branches.append(Branch(and_(Case.lead_org_id == grant.org_id, drill)))
            branches += [Branch(drill, grant.org_id, part) for part in ("lead", "assist")]
    return branches


def _free(viewer: Viewer) -> ColumnElement[bool]:
    """Not a case from which he or his office must step back. These are few and found once a statement, not for every row."""
    offices = {grant.org_id for grant in viewer.grants if grant.org_id}
    himself = or_(Bar.account_id == viewer.id, Bar.org_id.in_(offices)) if offices else Bar.account_id == viewer.id
    barred = select(Bar.case_id).where(Bar.ended_at.is_(None), himself)
    return Case.id != func.all(func.array(barred.scalar_subquery()))


def may_see(viewer: Viewer) -> ColumnElement[bool]:
    """The branches as one condition, for a single case; lists unite the branches instead."""
    branches = visible_to(viewer)
    return or_(*[branch.condition() for branch in branches]) if branches else ~true()


def roles(s: Session, viewer: Viewer, case: Case) -> set[str]:
    """Which of the lifecycle's roles this viewer has for this case."""
    found: set[str] = set()
    if viewer.reporter_of == case.id:
        found.add(REPORTER)
    for grant in viewer.at(*BY_AREA):
        if covers(grant, case) and (grant.role != COORDINATOR or case.convener_org_id == grant.org_id):
            found.add(grant.role)
    offices = {grant.org_id for grant in viewer.at(*BY_OFFICE)}
    for grant in viewer.at(*BY_OFFICE):
        if grant.org_id is not None and grant.org_id == case.lead_org_id:
            found.add(grant.role)
    if viewer.has(HANDLER) and _assists(s, case, offices):
        found.add(ASSISTANT)
    if viewer.has(RECEIVER):
        found.add(RECEIVER)
    return found


def office_of(viewer: Viewer, case: Case, assisting: Collection[UUID]) -> UUID | None:
    """For which office the viewer speaks on this case: the lead if his, else an assisting one, else the centre of his grant."""
    offices = [grant.org_id for grant in viewer.at(*BY_OFFICE) if grant.org_id]
    if case.lead_org_id in offices:
        return case.lead_org_id
    return next((org for org in offices if org in assisting), None) or next(
        (grant.org_id for grant in viewer.grants if grant.org_id), None
    )


def _assists(s: Session, case: Case, offices: Iterable[UUID | None]) -> bool:
    query = select(Dispatch.id).where(
        Dispatch.case_id == case.id,
        Dispatch.part == "assist",
        Dispatch.ended_at.is_(None),
        Dispatch.org_id.in_([org for org in offices if org]),
    )
    return s.scalar(query.limit(1)) is not None
