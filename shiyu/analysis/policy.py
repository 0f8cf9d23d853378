"""Who reads figures, and of which part of the city. Figures name nobody, yet a small number in a small place may point at one."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from shiyu.analysis.metrics import CITY
from shiyu.directory.gazetteer import gazetteer
from shiyu.kernel.auth import Viewer
from shiyu.kernel.errors import Refusal, not_found

SEE_CASES = ("agent", "dispatcher", "supervisor", "coordinator", "caller")
READERS = (*SEE_CASES, "display")
FEW = 3  # fewer than this in one small place are not shown to somebody who may not see the cases themselves
DEPTH = {"city": 0, "county": 1, "town": 2, "community": 3, "grid": 4, "cell": 5}


@dataclass(frozen=True, slots=True)
class Scope:
    """可看范围 — the areas whose figures a viewer reads, none inside another; the whole city is one area with the nil id."""

    areas: tuple[tuple[str, UUID], ...]
    sees_cases: bool

    @property
    def everywhere(self) -> bool:
        """Whether it is the whole city."""
        return self.areas == (("city", CITY),)


def scope(s: Session, viewer: Viewer, area: str | None = None) -> Scope:
    """The areas a viewer reads, narrowed to the area with code ``area``. 403 for who reads no figures, 404 for an area outside."""
    viewer.need(*READERS)
    sees = viewer.has(*SEE_CASES)
    held = _outermost(s, viewer)
    if area is None:
        return Scope(held, sees)
    lineage = gazetteer(s).by_code(area)
    if lineage is None or lineage.level not in DEPTH:
        raise not_found("area")
    above = {node.id for node in lineage.path}
    if held != (("city", CITY),) and not above & {ident for _, ident in held}:
        raise not_found("area")
    if lineage.level == "city":
        return Scope(held, sees)
    if lineage.level == "cell":  # figures end at the grid
        raise Refusal("analysis.too_fine", 422, field="area")
    return Scope(((lineage.level, lineage.area_id),), sees)


def _outermost(s: Session, viewer: Viewer) -> tuple[tuple[str, UUID], ...]:
    held: dict[UUID, str] = {}
    for grant in viewer.at(*READERS):
        if grant.area_id is None or grant.area_level in (None, "city"):
            return (("city", CITY),)
        if grant.area_level in DEPTH and grant.area_level != "cell":
            held[grant.area_id] = grant.area_level
    atlas = gazetteer(s)
    inside = {
        ident for ident in held if any(node.id in held and node.id != ident for node in atlas.lineage(ident).path)
    }
    return tuple((level, ident) for ident, level in held.items() if ident not in inside)
