"""What leaves over the wire of a case: rows of lists, the whole case for those who work on it, the reporter's view of it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from shiyu.kernel.files import File
from shiyu.kernel.web import Output

Words = dict[str, str]


class Named(Output):
    """A thing by its code, with its name."""

    code: str
    name: str
    name_en: str | None = None


class Point(Output):
    """A position in WGS-84 degrees."""

    lon: float
    lat: float


class Receipt(Output):
    """受理回执 — the number, and by when somebody answers, under which rule. For staff: without the reporter's token."""

    no: str
    known: bool
    state: str
    accepted_at: datetime
    due_at: datetime | None
    due_basis: str | None
    matter: Named | None
    area_name: str | None
    office_name: str | None


class ReportOut(Receipt):
    """受理回执 — for the reporter, whose token opens the case to him."""

    token: str


class ClockOut(Output):
    """时限."""

    id: UUID
    kind: str
    org: Named | None
    started_at: datetime
    due_at: datetime
    stopped_at: datetime | None
    paused_at: datetime | None
    basis: str
    uncertain: str | None
    light: str | None


class FileOut(Output):
    """附件."""

    id: UUID
    kind: str
    media_type: str
    name: str
    size: int
    width: int | None
    height: int | None
    position: Point | None
    taken_at: datetime | None
    url: str
    thumb_url: str | None
    verb: str | None = None
    version: int | None = None

    @classmethod
    def of(cls, file: File, base: str, verb: str | None = None, version: int | None = None) -> "FileOut":
        """The row, with addresses below ``base``."""
        point = Point(lon=file.lon, lat=file.lat) if file.lon is not None and file.lat is not None else None
        return cls(
            id=file.id,
            kind=file.kind,
            media_type=file.media_type,
            name=file.name,
            size=file.size,
            width=file.width,
            height=file.height,
            position=point,
            taken_at=file.taken_at,
            url=f"{base}/{file.id}",
            thumb_url=f"{base}/{file.id}/thumb" if file.kind == "image" else None,
            verb=verb,
            version=version,
        )


class CaseRow(Output):
    """One line of a work list."""

    no: str
    version: int
    state: str
    kind: str
    urgency: str
    text: str
    matter: Named | None
    area_name: str | None
    address: str | None
    lead_org: Named | None
    channel: str
    accepted_at: datetime
    due_at: datetime | None
    light: str | None
    confidential: bool
    duplicates: int
    rounds: int
    reworks: int


class TimelineOut(Output):
    """时间线 — one act: when, what, by whom, in which words."""

    at: datetime
    version: int
    verb: str
    label: Words
    by_name: str | None
    org_name: str | None
    text: str | None
    facts: dict[str, Any]
    files: list[FileOut]


class ReporterOut(Output):
    """诉求人 — masked."""

    name_masked: str | None
    phone_masked: str | None
    anonymous: bool
    confidential: bool


class CaseOut(CaseRow):
    """一张工单 — everything a viewer may know, and ``can``: exactly the verbs he may use now."""

    position: Point | None
    lineage: list[dict[str, str]]
    reporter: ReporterOut
    convener: Named | None
    designated: bool
    solved: bool | None
    satisfied: int | None
    closed_at: datetime | None
    clocks: list[ClockOut]
    dispatches: list[dict[str, Any]]
    replies: list[dict[str, Any]]
    call_backs: list[dict[str, Any]]
    extensions: list[dict[str, Any]]
    transfers: list[dict[str, Any]]
    bars: list[dict[str, Any]]
    files: list[FileOut]
    triage: dict[str, Any]
    merged_into: str | None
    merged: list[str]
    part_of: str | None
    parts: list[str]
    timeline: list[TimelineOut]
    can: list[str]
    needs: dict[str, list[str]]


class CasePage(Output):
    """One page of a work list."""

    rows: list[CaseRow]
    next: str | None


class Count(Output):
    """Exact up to a thousand; ``more`` beyond."""

    n: int
    more: bool


class Counts(Output):
    """How many cases lie in each box, and under each light."""

    boxes: dict[str, Count]
    lights: dict[str, Count]


class PublicCase(Output):
    """What the reporter may read of his case."""

    no: str
    token: str
    state: str
    kind: str
    text: str
    address: str | None
    area_name: str | None
    accepted_at: datetime
    due_at: datetime | None
    due_basis: str | None
    matter: Named | None
    office_name: str | None
    timeline: list[dict[str, Any]]
    reply: dict[str, Any] | None
    call_back: dict[str, Any] | None
    files: list[FileOut]
    can: list[str]


class RevealOut(Output):
    """In the clear."""

    name: str | None
    phone: str | None
