"""The knowledge base listens to what people ask: a consultation without a good entry becomes an unanswered question."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from shiyu.cases.events import CaseAccepted
from shiyu.cases.models import Case
from shiyu.kernel.events import News, listens
from shiyu.services import actions

ASKING = ("consult", "inquiry")
"""Kinds of demand that want to know something: 咨询 查询."""


@listens(CaseAccepted)
def unanswered(s: Session, news: Sequence[News]) -> None:
    """未答问题 — neither confidential cases nor drills are listened to."""
    ids = [row.subject_id for row in news if row.data["kind"] in ASKING and row.exercise_id is None]
    if not ids:
        return
    for case in s.scalars(select(Case).where(Case.id.in_(ids), Case.confidential.is_(False)).order_by(Case.id)):
        actions.hear_case(s, case)
