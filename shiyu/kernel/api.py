"""Routes of the kernel: the words of the house, and the audit (audit administrator). Signing in is in ``directory.access``."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from shiyu.kernel import audit, auth, words
from shiyu.kernel.auth import Viewer
from shiyu.kernel.web import Output, anyone, reading, signed_in

router = APIRouter(prefix="/api")


@router.get("/words", tags=["words"])
def all_words(viewer: Viewer = anyone) -> dict[str, dict[str, str]]:
    """词表 — every label and sentence in both languages."""
    return {term.identifier: {"zh": term.zh, "en": term.en} for term in words.terms().values()}


# --- audit: the audit administrator ----------------------------------------------------------------------------------------


class AuditOut(Output):
    """留痕."""

    seq: int
    at: datetime
    username: str | None
    action: str
    subject: str | None
    reason: str | None
    outcome: str
    ip: str | None
    data: dict[str, Any]


class AuditPage(Output):
    """One page of the audit."""

    rows: list[AuditOut]
    next: str | None


@router.get("/audit", tags=["audit"])
def audited(
    action: Annotated[str | None, Query(max_length=60)] = None,
    subject: Annotated[str | None, Query(max_length=100)] = None,
    username: Annotated[str | None, Query(max_length=100)] = None,
    since: Annotated[datetime | None, Query(alias="from")] = None,
    until: Annotated[datetime | None, Query(alias="to")] = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    viewer: Viewer = signed_in,
    s: Session = reading,
) -> AuditPage:
    """留痕查询"""
    filters = audit.Sought(action=action, subject=subject, username=username, since=since, until=until)
    found = audit.entries(s, viewer, filters, after, limit)
    return AuditPage(rows=[AuditOut.model_validate(row) for row in found.rows], next=found.next)


class VerdictOut(Output):
    """留痕校验结果."""

    ok: bool
    rows: int
    said: dict[str, str]


@router.get("/audit/verdict", tags=["audit"])
def verdict(viewer: Viewer = signed_in, s: Session = reading) -> VerdictOut:
    """校验留痕链"""
    viewer.need(auth.AUDIT_ADMIN)
    found = audit.verify(s)
    return VerdictOut(ok=found.ok, rows=found.rows, said={lang: found.say(lang) for lang in words.LANGUAGES})
