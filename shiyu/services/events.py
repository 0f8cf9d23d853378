"""What others hear of the knowledge base: past tense, ids and codes; never what somebody asked."""

from uuid import UUID

from shiyu.kernel.events import event


@event("entry.moved")
class EntryMoved:
    """知识条目变动 — written, sent to review, published, due, withdrawn; ``verb`` tells which, ``number`` is the version readers see."""

    entry_id: UUID
    version: int
    verb: str
    old: str
    new: str
    org_id: UUID
    number: int | None


@event("entry.used")
class EntryUsed:
    """知识条目引用 — a case was answered with version ``number`` of an entry."""

    entry_id: UUID
    version: int
    number: int
    case_id: UUID
