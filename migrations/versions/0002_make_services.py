"""Knowledge: entries, versions, feedback, unanswered questions"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create schema if not exists services")
    op.execute("create sequence services.entry_number")
    op.create_table(
        "shelf",
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("token", sa.Uuid(), nullable=False),
        sa.CheckConstraint("topic = 'knowledge'", name=op.f("ck_shelf_single")),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_shelf")),
        schema="services",
    )
    op.create_table(
        "entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("versions", sa.Integer(), nullable=False),
        sa.Column("readable", sa.Boolean(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("county_id", sa.Uuid(), nullable=True),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("steps", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("keywords", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sources", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("matter", sa.String(), nullable=True),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.CheckConstraint("audience in ('public', 'staff')", name=op.f("ck_entry_audience")),
        sa.CheckConstraint(
            "state in ('draft', 'reviewing', 'published', 'due', 'withdrawn')", name=op.f("ck_entry_state")
        ),
        sa.CheckConstraint("not readable or versions > 0", name=op.f("ck_entry_readable")),
        sa.CheckConstraint("valid_to is null or valid_to > valid_from", name=op.f("ck_entry_validity")),
        sa.ForeignKeyConstraint(["county_id"], ["directory.area.id"], name=op.f("fk_entry_county_id")),
        sa.ForeignKeyConstraint(["created_by"], ["kernel.account.id"], name=op.f("fk_entry_created_by")),
        sa.ForeignKeyConstraint(["org_id"], ["directory.org.id"], name=op.f("fk_entry_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
        sa.UniqueConstraint("no", name=op.f("uq_entry_no")),
        schema="services",
    )
    op.create_index(op.f("ix_entry_changed_at_id"), "entry", ["changed_at", "id"], unique=False, schema="services")
    op.create_index(
        op.f("ix_entry_org_id_changed_at_id"), "entry", ["org_id", "changed_at", "id"], unique=False, schema="services"
    )
    op.create_index(
        "ix_entry_review",
        "entry",
        ["review_on"],
        unique=False,
        schema="services",
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_index(
        op.f("ix_entry_state_changed_at_id"), "entry", ["state", "changed_at", "id"], unique=False, schema="services"
    )
    op.create_table(
        "entry_act",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["services.entry.id"], name=op.f("fk_entry_act_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", "version", name=op.f("pk_entry_act")),
        schema="services",
    )
    op.create_table(
        "question",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sample", sa.String(), nullable=False),
        sa.Column("matter", sa.String(), nullable=True),
        sa.Column("org_id", sa.Uuid(), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("decided_name", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('open', 'taken', 'dismissed')", name=op.f("ck_question_state")),
        sa.ForeignKeyConstraint(["entry_id"], ["services.entry.id"], name=op.f("fk_question_entry_id")),
        sa.ForeignKeyConstraint(["org_id"], ["directory.org.id"], name=op.f("fk_question_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
        schema="services",
    )
    op.create_index(
        "ix_question_alike",
        "question",
        ["matter", "last_at"],
        unique=False,
        schema="services",
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        op.f("ix_question_state_last_at_id"), "question", ["state", "last_at", "id"], unique=False, schema="services"
    )
    op.create_table(
        "remark",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_name", sa.String(), nullable=True),
        sa.Column("settled_text", sa.String(), nullable=True),
        sa.CheckConstraint("kind in ('helpful', 'wrong', 'outdated')", name=op.f("ck_remark_kind")),
        sa.ForeignKeyConstraint(["entry_id"], ["services.entry.id"], name=op.f("fk_remark_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remark")),
        schema="services",
    )
    op.create_index(op.f("ix_remark_entry_id_at"), "remark", ["entry_id", "at"], unique=False, schema="services")
    op.create_index(
        "ix_remark_open",
        "remark",
        ["at", "id"],
        unique=False,
        schema="services",
        postgresql_where=sa.text("settled_at is null and kind <> 'helpful'"),
    )
    op.create_table(
        "use",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case.id"], name=op.f("fk_use_case_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["services.entry.id"], name=op.f("fk_use_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_use")),
        schema="services",
    )
    op.create_index(
        "ix_use_case",
        "use",
        ["case_id"],
        unique=False,
        schema="services",
        postgresql_where=sa.text("case_id is not null"),
    )
    op.create_index(op.f("ix_use_entry_id_at"), "use", ["entry_id", "at"], unique=False, schema="services")
    op.create_index(
        "uq_use_case",
        "use",
        ["entry_id", "case_id"],
        unique=True,
        schema="services",
        postgresql_where=sa.text("case_id is not null"),
    )
    op.create_table(
        "version",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column("published_name", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("steps", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("keywords", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sources", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("matter", sa.String(), nullable=True),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["services.entry.id"], name=op.f("fk_version_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", "number", name=op.f("pk_version")),
        schema="services",
    )


def downgrade() -> None:
    op.execute("drop schema services cascade")
