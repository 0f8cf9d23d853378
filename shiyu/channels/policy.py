"""Who manages channels and who sees them. A channel is the whole city's: there are no channels of an area."""

from sqlalchemy import ColumnElement, false, true

from shiyu.kernel.auth import SYSTEM_ADMIN, Viewer

READERS = (SYSTEM_ADMIN, "dispatcher", "supervisor")
CONFIRMERS = (SYSTEM_ADMIN, "supervisor")
"""Who may confirm the taking over of an old line's cases, except who brought them in."""


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """可见范围 — the registry is seen as a whole or not at all."""
    return true() if viewer.has(*READERS) else false()


def manages(viewer: Viewer) -> bool:
    """Whether the viewer may change channels and see which keys there are."""
    return viewer.has(SYSTEM_ADMIN)


def roles(viewer: Viewer) -> set[str]:
    """Which of the lifecycle's roles this viewer has."""
    return {SYSTEM_ADMIN} if manages(viewer) else set()
