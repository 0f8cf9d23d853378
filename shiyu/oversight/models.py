"""What oversight remembers: which missed promises were told."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from shiyu.cases.models import Case, Clock
from shiyu.directory.orgs import Org
from shiyu.kernel.db import Base


class OverdueNotice(Base):
    """超期提示 — one missed promise, noticed once."""

    __tablename__ = "overdue_notice"
    __table_args__ = (
        Index("ix_overdue_notice_case", "case_id"),
        Index("ix_overdue_notice_org", "org_id", "noticed_at"),
    )

    clock_id: Mapped[UUID] = mapped_column(ForeignKey(Clock.id), primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey(Case.id))
    kind: Mapped[str]
    org_id: Mapped[UUID | None] = mapped_column(ForeignKey(Org.id))
    due_at: Mapped[datetime]
    noticed_at: Mapped[datetime]
