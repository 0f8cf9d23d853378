"""诊断 — what must be true of a healthy installation, looked at one by one."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from shiyu.kernel import audit, events, migrate
from shiyu.kernel.db import reading
from shiyu.kernel.words import LANGUAGES, say

# Invariants of the ledger: each query counts the rows that break one.
INVARIANTS = {
    "open_has_promise": """select count(*) from cases."case" c where state in ('registered','dispatched','handling','replied')
        and due_at is null and not exists (select 1 from cases.clock k where k.case_id = c.id and k.stopped_at is null)""",
    "handled_has_owner": """select count(*) from cases."case" where state in ('dispatched','handling','reviewing') and lead_org_id is null""",
    "closed_was_asked": """select count(*) from cases."case" c where state = 'closed' and not historic and part_of_id is null
        and not exists (select 1 from cases.call_back b where b.case_id = c.id)""",
    "closed_runs_no_clock": """select count(*) from cases."case" c join cases.clock k on k.case_id = c.id
        where c.closed_at is not null and c.state in ('closed','declined','transferred','merged','withdrawn') and k.stopped_at is null""",
}


def examine(url: str) -> list[dict[str, Any]]:
    """Everything that was looked at: ``what``, ``ok``, ``said`` (a sentence)."""
    findings = [_finding("migrations", migrate.at_head(url))]
    with reading() as s:
        for look in LOOKS:
            findings += look(s)
    return findings


def _finding(what: str, ok: bool, **facts: Any) -> dict[str, Any]:
    said = [say(f"doctor.{what}.{'ok' if ok else 'bad'}", lang, **facts) for lang in LANGUAGES]
    return {"what": what, "ok": ok, "said": " / ".join(said), **facts}


def _feed(s: Session) -> list[dict[str, Any]]:
    return [
        _finding("feed", one["given_up"] == 0 and one["seconds"] < 60, **one)  # noqa: PLR2004 - a minute behind is ill
        for one in events.backlog(s)
    ]


def _books(s: Session) -> list[dict[str, Any]]:
    matters = s.scalar(text("select count(*) from law.matter")) or 0
    return [_finding("books", matters > 0, matters=matters)]


def _audit(s: Session) -> list[dict[str, Any]]:
    verdict = audit.verify(s)
    return [_finding("audit", verdict.ok, rows=verdict.rows)]


def _invariants(s: Session) -> list[dict[str, Any]]:
    counted = {name: s.scalar(text(query)) or 0 for name, query in INVARIANTS.items()}
    return [_finding(f"invariant.{name}", broken == 0, broken=broken) for name, broken in counted.items()]


LOOKS: tuple[Callable[[Session], list[dict[str, Any]]], ...] = (_feed, _books, _audit, _invariants)
