"""The analyst listens to everything that happens to a case."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from shiyu.analysis import actions
from shiyu.analysis.models import LISTENER
from shiyu.cases.events import (
    CaseAccepted,
    CaseActed,
    CaseClosed,
    CaseDispatched,
    CaseMoved,
    CaseRecorded,
    CaseReopened,
    CaseReplied,
    CaseSentBack,
)
from shiyu.kernel.events import News, listens


@listens(
    CaseAccepted, CaseActed, CaseClosed, CaseDispatched, CaseMoved, CaseRecorded, CaseReopened, CaseReplied, CaseSentBack,
    name=LISTENER,
)  # fmt: skip
def facts(s: Session, news: Sequence[News]) -> None:
    """工单事实 — facts and figures follow the cases."""
    newest: dict[UUID, int] = {}
    for row in news:
        newest[row.subject_id] = max(row.version, newest.get(row.subject_id, 0))
    actions.apply(s, newest)
