"""What the knowledge base does every so often."""

from sqlalchemy.orm import Session

from shiyu.kernel.jobs import every
from shiyu.services import actions


@every(3600)
def review(s: Session) -> None:
    """复核巡检 — by the hour, so that what falls due on a day is marked early on that day whenever the worker was started."""
    actions.sweep(s)
