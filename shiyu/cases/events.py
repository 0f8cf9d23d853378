"""What others hear of a case: past tense, ids and codes, never personal data. ``version`` is the case's after the change."""

from uuid import UUID

from shiyu.kernel.events import event


@event("case.accepted")
class CaseAccepted:
    """受理 — a report became a case. ``channel`` is the door it came in by."""

    case_id: UUID
    version: int
    channel: str
    matter: str | None
    area_id: UUID | None
    kind: str
    direct: bool


@event("case.acted")
class CaseActed:
    """经办 — somebody did something that changed no state: contact, urge, note, supplement, assist, extension, new place or class."""

    case_id: UUID
    version: int
    verb: str
    state: str
    org_id: UUID | None = None
    ground: str | None = None


@event("case.dispatched")
class CaseDispatched:
    """派单 — offices were given the case; ``verb`` tells dispatch, designate and pass_down apart."""

    case_id: UUID
    version: int
    verb: str
    lead_org_id: UUID
    assist_org_ids: list[str]
    round: int


@event("case.sent_back")
class CaseSentBack:
    """退单 — the office returned it. ``ground``: code in ``grounds.csv``."""

    case_id: UUID
    version: int
    verb: str
    org_id: UUID
    ground: str


@event("case.moved")
class CaseMoved:
    """状态变更 — any other move: sign, suspend, resume, draft, revise, transfer, merge, split …"""

    case_id: UUID
    version: int
    verb: str
    old: str
    new: str
    org_id: UUID | None = None
    ground: str | None = None


@event("case.replied")
class CaseReplied:
    """答复 — the reporter was told what was done."""

    case_id: UUID
    version: int
    verb: str
    org_id: UUID | None


@event("case.closed")
class CaseClosed:
    """办结 — finished: closed after the call-back, declined, transferred or withdrawn; solved and satisfied are apart."""

    case_id: UUID
    version: int
    verb: str
    state: str
    solved: bool | None
    satisfied: int | None
    ground: str | None = None


@event("case.reopened")
class CaseReopened:
    """重新办理 — the reporter was not content, or a closed case was taken up again."""

    case_id: UUID
    version: int
    verb: str
    org_id: UUID | None


@event("case.recorded")
class CaseRecorded:
    """补录 — a case of the past was taken into the books: it counts and can be found, but starts no clock and is told to nobody."""

    case_id: UUID
    version: int
    channel: str
    matter: str | None
    area_id: UUID | None
    kind: str
