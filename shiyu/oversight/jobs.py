"""What oversight does every so often."""

from sqlalchemy.orm import Session

from shiyu.kernel.jobs import every
from shiyu.oversight import actions


@every(60)
def sweep(s: Session) -> None:
    """超期巡检 — due times need no timers: one indexed query a minute loses nothing over a restart."""
    actions.sweep(s)
