"""The rows of the knowledge base. What readers read is a ``Version``, whole; ``KnowledgeEntry`` holds the words that are being worked on."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, text
from sqlalchemy import Sequence as DbSequence
from sqlalchemy.orm import Mapped, mapped_column

from shiyu.cases.models import Case
from shiyu.directory.orgs import Org
from shiyu.directory.places import Area
from shiyu.kernel.auth import Account
from shiyu.kernel.db import Base, new_id
from shiyu.services.lifecycle import Q, S

entry_seq = DbSequence("entry_number", schema="services", metadata=Base.metadata)

AUDIENCES = ("public", "staff")
"""可见范围: 公众 仅工作人员."""
REMARKS = ("helpful", "wrong", "outdated")
"""反馈: 有用 有误 过时."""
CONTENT = (
    "title",
    "answer",
    "steps",
    "keywords",
    "sources",
    "matter",
    "audience",
    "valid_from",
    "valid_to",
)
"""What makes the words of an entry, in the order in which they are shown."""


class Content:
    """条目内容 — ``title`` the question as people ask it, ``answer`` plain text, ``steps`` what to do one after the other, ``keywords``
    other ways of asking it, ``sources`` rows of title and reference, ``matter`` a code of any level, in force from ``valid_from``
    until the day before ``valid_to``."""

    title: Mapped[str]
    answer: Mapped[str]
    steps: Mapped[list[str]]
    keywords: Mapped[list[str]]
    sources: Mapped[list[dict[str, Any]]]
    matter: Mapped[str | None]
    audience: Mapped[str]
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)


class KnowledgeEntry(Content, Base):
    """知识条目 — one question with its answer, and the office that answers for it.

    ``versions`` counts what was ever published; readers see the newest of them while ``readable``. ``version`` grows with each act and
    tells a stale screen. ``review_on`` is the day from which somebody must look at it again. ``county_id`` is the county of the owner,
    none for an office of the city. ``origin`` is "manual", "import" or "synthetic".
    """

    __tablename__ = "entry"
    __table_args__ = (
        CheckConstraint(f"state in {tuple(str(s) for s in S)!r}", name="state"),
        CheckConstraint(f"audience in {AUDIENCES!r}", name="audience"),
        CheckConstraint("valid_to is null or valid_to > valid_from", name="validity"),
        CheckConstraint("not readable or versions > 0", name="readable"),
        Index(None, "changed_at", "id"),
        Index(None, "org_id", "changed_at", "id"),
        Index(None, "state", "changed_at", "id"),
        Index("ix_entry_review", "review_on", postgresql_where=text("state = 'published'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    no: Mapped[str] = mapped_column(unique=True)
    version: Mapped[int]
    state: Mapped[str]
    versions: Mapped[int]
    readable: Mapped[bool]
    org_id: Mapped[UUID] = mapped_column(ForeignKey(Org.id))
    county_id: Mapped[UUID | None] = mapped_column(ForeignKey(Area.id))
    review_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey(Account.id))
    origin: Mapped[str]


class Version(Content, Base):
    """条目版本 — the words as they were published, kept as they were."""

    __tablename__ = "version"

    entry_id: Mapped[UUID] = mapped_column(ForeignKey(KnowledgeEntry.id), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    published_at: Mapped[datetime]
    published_by: Mapped[UUID | None]
    published_name: Mapped[str | None]


class EntryAct(Base):
    """条目记事 — one act on an entry with its words."""

    __tablename__ = "entry_act"

    entry_id: Mapped[UUID] = mapped_column(ForeignKey(KnowledgeEntry.id), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    verb: Mapped[str]
    text: Mapped[str | None]
    by_id: Mapped[UUID | None]
    by_name: Mapped[str | None]
    at: Mapped[datetime]


class Use(Base):
    """条目引用 — an answer that helped: to a case (``case_id``), or to a citizen who said so and of whom nothing is kept."""

    __tablename__ = "use"
    __table_args__ = (
        Index("uq_use_case", "entry_id", "case_id", unique=True, postgresql_where=text("case_id is not null")),
        Index("ix_use_case", "case_id", postgresql_where=text("case_id is not null")),
        Index(None, "entry_id", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    entry_id: Mapped[UUID] = mapped_column(ForeignKey(KnowledgeEntry.id))
    number: Mapped[int]
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey(Case.id))
    by_id: Mapped[UUID | None]
    at: Mapped[datetime]


class Remark(Base):
    """条目反馈 — helpful, wrong or outdated, with words; ``by_id`` is nobody where a citizen said it. Telephone numbers and the like
    are hidden before the words are kept. Open until somebody settled it; "helpful" needs no settling."""

    __tablename__ = "remark"
    __table_args__ = (
        CheckConstraint(f"kind in {REMARKS!r}", name="kind"),
        Index(None, "entry_id", "at"),
        Index("ix_remark_open", "at", "id", postgresql_where=text("settled_at is null and kind <> 'helpful'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    entry_id: Mapped[UUID] = mapped_column(ForeignKey(KnowledgeEntry.id))
    number: Mapped[int]
    kind: Mapped[str]
    text: Mapped[str | None]
    by_id: Mapped[UUID | None]
    by_name: Mapped[str | None]
    at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_name: Mapped[str | None]
    settled_text: Mapped[str | None]


class Question(Base):
    """未答问题 — what was asked and found no entry good enough: one row for all that are alike, ``sample`` the newest of them.

    ``org_id`` is the office that could answer; none: the centre finds out whose it is. ``entry_id`` is what was made of it.
    """

    __tablename__ = "question"
    __table_args__ = (
        CheckConstraint(f"state in {tuple(str(q) for q in Q)!r}", name="state"),
        Index(None, "state", "last_at", "id"),
        Index("ix_question_alike", "matter", "last_at", postgresql_where=text("state = 'open'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    state: Mapped[str]
    sample: Mapped[str]
    matter: Mapped[str | None]
    org_id: Mapped[UUID | None] = mapped_column(ForeignKey(Org.id))
    times: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    entry_id: Mapped[UUID | None] = mapped_column(ForeignKey(KnowledgeEntry.id))
    decided_name: Mapped[str | None]
    decided_at: Mapped[datetime | None]


class Shelf(Base):
    """知识版次 — one row: changes whenever what readers read changes, so that every process sees that its memory is old."""

    __tablename__ = "shelf"
    __table_args__ = (CheckConstraint("topic = 'knowledge'", name="single"),)

    topic: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[UUID]
