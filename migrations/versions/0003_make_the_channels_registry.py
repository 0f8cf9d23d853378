"""Channels: registry, keys, counts"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create schema if not exists channels")
    op.create_table(
        "service",
        sa.Column("matter", sa.String(), nullable=False),
        sa.Column("offered", sa.Boolean(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("description_en", sa.String(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("type in ('realtime', 'batch')", name=op.f("ck_service_type")),
        sa.PrimaryKeyConstraint("matter", name=op.f("pk_service")),
        schema="channels",
    )
    op.create_table(
        "service_attribute",
        sa.Column("matter", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("variable", sa.Boolean(), nullable=False),
        sa.Column("datatype", sa.String(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("description_en", sa.String(), nullable=False),
        sa.Column("hint", sa.String(), nullable=True),
        sa.Column("hint_en", sa.String(), nullable=True),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "datatype in ('string', 'number', 'datetime', 'text', 'singlevaluelist', 'multivaluelist')",
            name=op.f("ck_service_attribute_datatype"),
        ),
        sa.ForeignKeyConstraint(["matter"], ["channels.service.matter"], name=op.f("fk_service_attribute_matter")),
        sa.PrimaryKeyConstraint("matter", "code", name=op.f("pk_service_attribute")),
        schema="channels",
    )
    op.create_table(
        "channel",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("org_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("silent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind in ('phone', 'web', 'app', 'wechat', 'email', 'sms', 'letter', 'counter', 'leader_mailbox', 'media', 'police', 'grid', 'partner', 'open311', 'file')",
            name=op.f("ck_channel_kind"),
        ),
        sa.CheckConstraint("state in ('active', 'paused', 'retired')", name=op.f("ck_channel_state")),
        sa.ForeignKeyConstraint(["org_id"], ["directory.org.id"], name=op.f("fk_channel_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
        sa.UniqueConstraint("code", name=op.f("uq_channel_code")),
        schema="channels",
    )
    op.create_index("ix_channel_silent", "channel", ["silent_at", "id"], unique=False, schema="channels")
    op.create_table(
        "channel_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("rate between 1 and 6000", name=op.f("ck_channel_key_rate")),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.channel.id"], name=op.f("fk_channel_key_channel_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_key")),
        sa.UniqueConstraint("digest", name=op.f("uq_channel_key_digest")),
        schema="channels",
    )
    op.create_index("ix_channel_key_channel", "channel_key", ["channel_id"], unique=False, schema="channels")
    op.create_table(
        "day_count",
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.channel.id"], name=op.f("fk_day_count_channel_id")),
        sa.PrimaryKeyConstraint("channel_id", "day", name=op.f("pk_day_count")),
        schema="channels",
    )
    op.create_table(
        "matter_mapping",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("theirs", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("matter", sa.String(), nullable=True),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.channel.id"], name=op.f("fk_matter_mapping_channel_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matter_mapping")),
        schema="channels",
    )
    op.create_index(
        "uq_matter_mapping_theirs", "matter_mapping", ["channel_id", "theirs"], unique=True, schema="channels"
    )
    op.create_table(
        "migration",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("imported", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("old_total", sa.Integer(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_name", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.channel.id"], name=op.f("fk_migration_channel_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migration")),
        schema="channels",
    )
    op.create_index("ix_migration_channel", "migration", ["channel_id", "at", "id"], unique=False, schema="channels")
    op.create_table(
        "channel_error",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.channel.id"], name=op.f("fk_channel_error_channel_id")),
        sa.ForeignKeyConstraint(["key_id"], ["channels.channel_key.id"], name=op.f("fk_channel_error_key_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_error")),
        schema="channels",
    )
    op.create_index(
        "ix_channel_error_channel", "channel_error", ["channel_id", "at", "id"], unique=False, schema="channels"
    )
    op.create_table(
        "open_request",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("email_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("account_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case.id"], name=op.f("fk_open_request_case_id")),
        sa.ForeignKeyConstraint(["key_id"], ["channels.channel_key.id"], name=op.f("fk_open_request_key_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_open_request")),
        sa.UniqueConstraint("token", name=op.f("uq_open_request_token")),
        schema="channels",
    )


def downgrade() -> None:
    op.execute("drop schema channels cascade")
