"""还原 — the reporter's name and telephone in the clear, for a reason that is kept."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from shiyu.cases import policy
from shiyu.cases.lifecycle import AGENT, CALLER, DISPATCHER, HANDLER
from shiyu.cases.models import Case, Reporter
from shiyu.kernel import audit, vault
from shiyu.kernel.auth import Viewer
from shiyu.kernel.errors import Refusal, not_found

MAY_REVEAL = {AGENT, DISPATCHER, CALLER, HANDLER}


def reveal(s: Session, viewer: Viewer, no: str, reason: str) -> dict[str, str | None]:
    """还原 — who may act on the case may see whom to call; who looked, when and why is kept for the auditor."""
    case = s.scalar(select(Case).where(Case.no == no, policy.may_see(viewer)))
    if case is None:
        raise not_found("case")
    allowed = policy.MAY_KNOW_CONFIDENTIAL if case.confidential else MAY_REVEAL
    if not policy.roles(s, viewer, case) & allowed:
        raise Refusal("auth.forbidden", 403)
    reporter = s.get_one(Reporter, case.id)
    audit.record_reveal(s, viewer, f"case:{case.no}", reason, ["name", "phone"])
    return {
        name: vault.open_sealed(sealed, f"cases.reporter.{name}:{case.id}") if sealed else None
        for name, sealed in (("name", reporter.name_sealed), ("phone", reporter.phone_sealed))
    }
