"""Make the house: kernel, directory, law, cases"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shiyu.kernel.jobs import schema_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for room in ["kernel", "directory", "law", "cases", "field", "analysis", "oversight"]:
        op.execute(f"create schema if not exists {room}")
    for sequence in ["cases.case_number", "field.task_number", "kernel.audit_seq", "kernel.event_seq"]:
        op.execute(f"create sequence {sequence}")
    op.get_bind().connection.cursor().execute(schema_sql())  # the queue's own tables, in the version that is locked
    op.create_table(
        "fact",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("urgency", sa.String(), nullable=False),
        sa.Column("matter", sa.String(), nullable=True),
        sa.Column("county_id", sa.Uuid(), nullable=True),
        sa.Column("town_id", sa.Uuid(), nullable=True),
        sa.Column("community_id", sa.Uuid(), nullable=True),
        sa.Column("grid_id", sa.Uuid(), nullable=True),
        sa.Column("lead_org_id", sa.Uuid(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("amber_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("solved", sa.Boolean(), nullable=True),
        sa.Column("satisfied", sa.SmallInteger(), nullable=True),
        sa.Column("confidential", sa.Boolean(), nullable=False),
        sa.Column("part", sa.Boolean(), nullable=False),
        sa.Column("historic", sa.Boolean(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("exercise_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_fact")),
        schema="analysis",
    )
    op.create_index(
        "ix_fact_accepted",
        "fact",
        ["accepted_at", "county_id"],
        unique=False,
        schema="analysis",
        postgresql_where=sa.text("exercise_id is null and not part"),
    )
    op.create_index(
        "ix_fact_ended",
        "fact",
        ["ended_at", "county_id"],
        unique=False,
        schema="analysis",
        postgresql_where=sa.text("ended_at is not null and exercise_id is null and not part"),
    )
    op.create_index(
        "ix_fact_standing",
        "fact",
        ["county_id", "due_at"],
        unique=False,
        schema="analysis",
        postgresql_include=["amber_at", "lead_org_id", "part"],
        postgresql_where=sa.text("ended_at is null and exercise_id is null"),
    )
    op.create_index(
        "ix_fact_standing_lead",
        "fact",
        ["lead_org_id", "due_at"],
        unique=False,
        schema="analysis",
        postgresql_where=sa.text("ended_at is null and exercise_id is null"),
    )
    op.create_table(
        "tally",
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("area_id", sa.Uuid(), nullable=False),
        sa.Column("matter", sa.String(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("closed", sa.Integer(), nullable=False),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("solved", sa.Integer(), nullable=False),
        sa.Column("rated", sa.Integer(), nullable=False),
        sa.Column("satisfied", sa.Integer(), nullable=False),
        sa.CheckConstraint("level in ('city', 'county', 'town', 'community', 'grid')", name=op.f("ck_tally_level")),
        sa.PrimaryKeyConstraint("level", "day", "area_id", "matter", name=op.f("pk_tally")),
        schema="analysis",
        postgresql_with={"fillfactor": "70"},
    )
    op.create_table(
        "area",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("county_id", sa.Uuid(), nullable=True),
        sa.Column("town_id", sa.Uuid(), nullable=True),
        sa.Column("community_id", sa.Uuid(), nullable=True),
        sa.Column("grid_id", sa.Uuid(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("boundary", sa.LargeBinary(), nullable=True),
        sa.Column("population", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("sort_key", sa.String(), nullable=False),
        sa.Column("initials", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.CheckConstraint("kind in ('base', 'exclusive', 'functional')", name=op.f("ck_area_kind")),
        sa.CheckConstraint(
            "level in ('city', 'county', 'town', 'community', 'grid', 'cell')", name=op.f("ck_area_level")
        ),
        sa.CheckConstraint("valid_to is null or valid_to > valid_from", name=op.f("ck_area_validity")),
        sa.ForeignKeyConstraint(["community_id"], ["directory.area.id"], name=op.f("fk_area_community_id")),
        sa.ForeignKeyConstraint(["county_id"], ["directory.area.id"], name=op.f("fk_area_county_id")),
        sa.ForeignKeyConstraint(["grid_id"], ["directory.area.id"], name=op.f("fk_area_grid_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["directory.area.id"], name=op.f("fk_area_parent_id")),
        sa.ForeignKeyConstraint(["town_id"], ["directory.area.id"], name=op.f("fk_area_town_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area")),
        sa.UniqueConstraint("code", name=op.f("uq_area_code")),
        schema="directory",
    )
    op.create_index(op.f("ix_area_community_id"), "area", ["community_id"], unique=False, schema="directory")
    op.create_index(op.f("ix_area_county_id_level"), "area", ["county_id", "level"], unique=False, schema="directory")
    op.create_index(op.f("ix_area_grid_id"), "area", ["grid_id"], unique=False, schema="directory")
    op.create_index(
        op.f("ix_area_level_sort_key_id"), "area", ["level", "sort_key", "id"], unique=False, schema="directory"
    )
    op.create_index(
        op.f("ix_area_parent_id_sort_key_id"), "area", ["parent_id", "sort_key", "id"], unique=False, schema="directory"
    )
    op.create_index(op.f("ix_area_town_id_level"), "area", ["town_id", "level"], unique=False, schema="directory")
    op.create_table(
        "edition",
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("token", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_edition")),
        schema="directory",
    )
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("totp_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("totp_step", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("password_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('active', 'disabled')", name=op.f("ck_account_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("username", name=op.f("uq_account_username")),
        schema="kernel",
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), server_default=sa.text("nextval('kernel.audit_seq')"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("ip", sa.String(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column(
            "xid", sa.BigInteger(), server_default=sa.text("(pg_current_xact_id()::text::bigint)"), nullable=False
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
        schema="kernel",
    )
    op.create_index(op.f("ix_audit_account_id_seq"), "audit", ["account_id", "seq"], unique=False, schema="kernel")
    op.create_index(op.f("ix_audit_action_seq"), "audit", ["action", "seq"], unique=False, schema="kernel")
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False, schema="kernel")
    op.create_index(op.f("ix_audit_subject_seq"), "audit", ["subject", "seq"], unique=False, schema="kernel")
    op.create_index(op.f("ix_audit_xid_seq"), "audit", ["xid", "seq"], unique=False, schema="kernel")
    op.create_table(
        "audit_seal",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("audit_seq", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("audit_seq", name=op.f("uq_audit_seal_audit_seq")),
        schema="kernel",
    )
    op.create_table(
        "cursor",
        sa.Column("listener", sa.String(), nullable=False),
        sa.Column("epoch", sa.SmallInteger(), nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("listener", name=op.f("pk_cursor")),
        schema="kernel",
    )
    op.create_table(
        "data_key",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("cipher", sa.String(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("cipher in ('sm4', 'aes')", name=op.f("ck_data_key_cipher")),
        sa.CheckConstraint("purpose in ('seal', 'blind', 'chain')", name=op.f("ck_data_key_purpose")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_key")),
        schema="kernel",
    )
    op.create_table(
        "epoch",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("epoch", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_epoch")),
        schema="kernel",
    )
    op.create_table(
        "event",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default=sa.text("nextval('kernel.event_seq')"), nullable=False),
        sa.Column("epoch", sa.SmallInteger(), nullable=False),
        sa.Column(
            "xid", sa.BigInteger(), server_default=sa.text("(pg_current_xact_id()::text::bigint)"), nullable=False
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("exercise_id", sa.Uuid(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("at", "seq", name=op.f("pk_event")),
        schema="kernel",
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index(op.f("ix_event_epoch_xid_seq"), "event", ["epoch", "xid", "seq"], unique=False, schema="kernel")
    op.create_index(op.f("ix_event_subject_id_seq"), "event", ["subject_id", "seq"], unique=False, schema="kernel")
    op.create_table(
        "file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("exercise_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("kind in ('image', 'audio', 'video', 'document')", name=op.f("ck_file_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file")),
        schema="kernel",
    )
    op.create_index(
        op.f("ix_file_created_at"),
        "file",
        ["created_at"],
        unique=False,
        schema="kernel",
        postgresql_where=sa.text("claimed_at is null"),
    )
    op.create_index(op.f("ix_file_sha256"), "file", ["sha256"], unique=False, schema="kernel")
    op.create_table(
        "parked",
        sa.Column("listener", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("listener", "seq", name=op.f("pk_parked")),
        schema="kernel",
    )
    op.create_index(
        op.f("ix_parked_listener_subject_id_seq"),
        "parked",
        ["listener", "subject_id", "seq"],
        unique=False,
        schema="kernel",
    )
    op.create_index(op.f("ix_parked_next_at"), "parked", ["next_at"], unique=False, schema="kernel")
    op.create_table(
        "tick",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tick")),
        schema="kernel",
    )
    op.create_table(
        "book_edition",
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("token", sa.Uuid(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("topic = 'law'", name=op.f("ck_book_edition_single")),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_book_edition")),
        schema="law",
    )
    op.create_table(
        "calendar_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.CheckConstraint("kind in ('holiday', 'makeup')", name=op.f("ck_calendar_day_kind")),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_calendar_day")),
        schema="law",
    )
    op.create_table(
        "duty",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("matter", sa.String(), nullable=False),
        sa.Column("area", sa.String(), nullable=False),
        sa.Column("lead", sa.String(), nullable=False),
        sa.Column("assist", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("convener", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("basis", sa.String(), nullable=False),
        sa.CheckConstraint("convener in ('city', 'county', 'town')", name=op.f("ck_duty_convener")),
        sa.CheckConstraint("valid_to is null or valid_to > valid_from", name=op.f("ck_duty_validity")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty")),
        sa.UniqueConstraint("matter", "area", "valid_from", name=op.f("uq_duty_matter_area_valid_from")),
        schema="law",
    )
    op.create_table(
        "ground",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("zh", sa.String(), nullable=False),
        sa.Column("en", sa.String(), nullable=False),
        sa.Column("verbs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("basis", sa.String(), nullable=False),
        sa.CheckConstraint("valid_to is null or valid_to > valid_from", name=op.f("ck_ground_validity")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_ground")),
        schema="law",
    )
    op.create_table(
        "matter",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("parent_code", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("urgency", sa.String(), nullable=True),
        sa.Column("synonyms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sort_key", sa.String(), nullable=False),
        sa.Column("initials", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("basis", sa.String(), nullable=False),
        sa.CheckConstraint("level between 1 and 3", name=op.f("ck_matter_level")),
        sa.CheckConstraint("valid_to is null or valid_to > valid_from", name=op.f("ck_matter_validity")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_matter")),
        schema="law",
    )
    op.create_index(
        op.f("ix_matter_parent_code_sort_key"), "matter", ["parent_code", "sort_key"], unique=False, schema="law"
    )
    op.create_table(
        "threshold",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.CheckConstraint("valid_to is null or valid_to > valid_from", name=op.f("ck_threshold_validity")),
        sa.PrimaryKeyConstraint("name", "valid_from", name=op.f("pk_threshold")),
        schema="law",
    )
    op.create_table(
        "time_limit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("matter", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("clock", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("day_one", sa.String(), nullable=False),
        sa.Column("stops_on", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("basis", sa.String(), nullable=False),
        sa.CheckConstraint(
            "clock in ('contact', 'respond', 'dispatch', 'transfer', 'sign', 'handle', 'assist', 'review', 'call_back', 'send_back', 'coordinate', 'extend', 'rework', 'suspend', 'verify', 'inspect', 'supervise', 'appeal', 'dispatches', 'extensions', 'suspensions', 'call_backs')",
            name=op.f("ck_time_limit_clock"),
        ),
        sa.CheckConstraint("day_one in ('next', 'same')", name=op.f("ck_time_limit_day_one")),
        sa.CheckConstraint(
            "kind in ('*', 'consult', 'inquiry', 'suggest', 'opinion', 'help', 'complaint', 'report', 'praise')",
            name=op.f("ck_time_limit_kind"),
        ),
        sa.CheckConstraint("level in ('*', 'normal', 'urgent', 'danger')", name=op.f("ck_time_limit_level")),
        sa.CheckConstraint(
            "unit in ('work_day', 'work_hour', 'day', 'hour', 'minute', 'time')", name=op.f("ck_time_limit_unit")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_time_limit_amount")),
        sa.CheckConstraint("valid_to is null or valid_to > valid_from", name=op.f("ck_time_limit_validity")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_time_limit")),
        sa.UniqueConstraint(
            "matter",
            "kind",
            "clock",
            "level",
            "valid_from",
            name=op.f("uq_time_limit_matter_kind_clock_level_valid_from"),
        ),
        schema="law",
    )
    op.create_table(
        "work_period",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("begins", sa.Time(), nullable=False),
        sa.Column("ends", sa.Time(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("basis", sa.String(), nullable=False),
        sa.CheckConstraint("ends > begins", name=op.f("ck_work_period_order")),
        sa.CheckConstraint("valid_to is null or valid_to > valid_from", name=op.f("ck_work_period_validity")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_period")),
        sa.UniqueConstraint("begins", "valid_from", name=op.f("uq_work_period_begins_valid_from")),
        schema="law",
    )
    op.create_table(
        "area_alias",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area_id", sa.Uuid(), nullable=False),
        sa.Column("scheme", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["directory.area.id"], name=op.f("fk_area_alias_area_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area_alias")),
        sa.UniqueConstraint("scheme", "code", "area_id", name=op.f("uq_area_alias_scheme_code_area_id")),
        schema="directory",
    )
    op.create_index(op.f("ix_area_alias_area_id"), "area_alias", ["area_id"], unique=False, schema="directory")
    op.create_table(
        "area_successor",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("old_id", sa.Uuid(), nullable=False),
        sa.Column("new_id", sa.Uuid(), nullable=False),
        sa.Column("changed_on", sa.Date(), nullable=False),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("basis", sa.String(), nullable=True),
        sa.CheckConstraint("share > 0 and share <= 1", name=op.f("ck_area_successor_share")),
        sa.ForeignKeyConstraint(["new_id"], ["directory.area.id"], name=op.f("fk_area_successor_new_id")),
        sa.ForeignKeyConstraint(["old_id"], ["directory.area.id"], name=op.f("fk_area_successor_old_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area_successor")),
        sa.UniqueConstraint("old_id", "new_id", name=op.f("uq_area_successor_old_id_new_id")),
        schema="directory",
    )
    op.create_index(op.f("ix_area_successor_new_id"), "area_successor", ["new_id"], unique=False, schema="directory")
    op.create_table(
        "org",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("area_id", sa.Uuid(), nullable=True),
        sa.Column("telephone", sa.String(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("sort_key", sa.String(), nullable=False),
        sa.Column("initials", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.CheckConstraint(
            "kind in ('party', 'government', 'street', 'community', 'social', 'enterprise', 'centre', 'public_service')",
            name=op.f("ck_org_kind"),
        ),
        sa.CheckConstraint("level in ('city', 'county', 'town', 'community')", name=op.f("ck_org_level")),
        sa.CheckConstraint("valid_to is null or valid_to > valid_from", name=op.f("ck_org_validity")),
        sa.ForeignKeyConstraint(["area_id"], ["directory.area.id"], name=op.f("fk_org_area_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["directory.org.id"], name=op.f("fk_org_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_org")),
        sa.UniqueConstraint("code", name=op.f("uq_org_code")),
        schema="directory",
    )
    op.create_index(op.f("ix_org_area_id_kind"), "org", ["area_id", "kind"], unique=False, schema="directory")
    op.create_index(op.f("ix_org_kind_level"), "org", ["kind", "level"], unique=False, schema="directory")
    op.create_index(
        op.f("ix_org_parent_id_sort_key_id"), "org", ["parent_id", "sort_key", "id"], unique=False, schema="directory"
    )
    op.create_index(op.f("ix_org_sort_key_id"), "org", ["sort_key", "id"], unique=False, schema="directory")
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("work_telephone", sa.String(), nullable=True),
        sa.Column("telephone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("telephone_blind", sa.LargeBinary(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("sort_key", sa.String(), nullable=False),
        sa.Column("initials", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["kernel.account.id"], name=op.f("fk_person_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("account_id", name=op.f("uq_person_account_id")),
        schema="directory",
    )
    op.create_index(op.f("ix_person_sort_key_id"), "person", ["sort_key", "id"], unique=False, schema="directory")
    op.create_index(op.f("ix_person_telephone_blind"), "person", ["telephone_blind"], unique=False, schema="directory")
    op.create_table(
        "place",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("aliases", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("area_id", sa.Uuid(), nullable=True),
        sa.Column("sort_key", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.CheckConstraint(
            "kind in ('landmark', 'estate', 'road', 'building', 'facility')", name=op.f("ck_place_kind")
        ),
        sa.ForeignKeyConstraint(["area_id"], ["directory.area.id"], name=op.f("fk_place_area_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place")),
        schema="directory",
    )
    op.create_index(op.f("ix_place_area_id"), "place", ["area_id"], unique=False, schema="directory")
    op.create_index(op.f("ix_place_sort_key_id"), "place", ["sort_key", "id"], unique=False, schema="directory")
    op.create_table(
        "readiness",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("area_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("order_no", sa.String(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("to_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("level in ('daily', 'emergency')", name=op.f("ck_readiness_level")),
        sa.CheckConstraint("to_at is null or to_at > from_at", name=op.f("ck_readiness_validity")),
        sa.ForeignKeyConstraint(["area_id"], ["directory.area.id"], name=op.f("fk_readiness_area_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_readiness")),
        schema="directory",
    )
    op.create_index(
        op.f("ix_readiness_area_id_from_at"), "readiness", ["area_id", "from_at"], unique=False, schema="directory"
    )
    op.create_table(
        "login",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("csrf", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ip", sa.String(), nullable=True),
        sa.Column("agent", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["kernel.account.id"], name=op.f("fk_login_account_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_login")),
        schema="kernel",
    )
    op.create_index(op.f("ix_login_account_id"), "login", ["account_id"], unique=False, schema="kernel")
    op.create_index(op.f("ix_login_expires_at"), "login", ["expires_at"], unique=False, schema="kernel")
    op.create_table(
        "role_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=True),
        sa.Column("area_id", sa.Uuid(), nullable=True),
        sa.Column("area_level", sa.String(), nullable=True),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("to_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("granted_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["kernel.account.id"], name=op.f("fk_role_grant_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grant")),
        schema="kernel",
    )
    op.create_index(op.f("ix_role_grant_account_id"), "role_grant", ["account_id"], unique=False, schema="kernel")
    op.create_table(
        "case",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("urgency", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("matter", sa.String(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("county_id", sa.Uuid(), nullable=True),
        sa.Column("town_id", sa.Uuid(), nullable=True),
        sa.Column("community_id", sa.Uuid(), nullable=True),
        sa.Column("grid_id", sa.Uuid(), nullable=True),
        sa.Column("cell_id", sa.Uuid(), nullable=True),
        sa.Column("lead_org_id", sa.Uuid(), nullable=True),
        sa.Column("convener_org_id", sa.Uuid(), nullable=True),
        sa.Column("confidential", sa.Boolean(), nullable=False),
        sa.Column("triage", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rounds", sa.SmallInteger(), nullable=False),
        sa.Column("designated", sa.Boolean(), nullable=False),
        sa.Column("reworks", sa.SmallInteger(), nullable=False),
        sa.Column("duplicates", sa.SmallInteger(), nullable=False),
        sa.Column("solved", sa.Boolean(), nullable=True),
        sa.Column("satisfied", sa.SmallInteger(), nullable=True),
        sa.Column("historic", sa.Boolean(), nullable=False),
        sa.Column("merged_into_id", sa.Uuid(), nullable=True),
        sa.Column("part_of_id", sa.Uuid(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("amber_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("exercise_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state in ('registered', 'transferring', 'transferred', 'dispatched', 'handling', 'reviewing', 'suspended', 'replied', 'closed', 'declined', 'merged', 'split', 'withdrawn')",
            name=op.f("ck_case_state"),
        ),
        sa.ForeignKeyConstraint(["cell_id"], ["directory.area.id"], name=op.f("fk_case_cell_id")),
        sa.ForeignKeyConstraint(["community_id"], ["directory.area.id"], name=op.f("fk_case_community_id")),
        sa.ForeignKeyConstraint(["convener_org_id"], ["directory.org.id"], name=op.f("fk_case_convener_org_id")),
        sa.ForeignKeyConstraint(["county_id"], ["directory.area.id"], name=op.f("fk_case_county_id")),
        sa.ForeignKeyConstraint(["grid_id"], ["directory.area.id"], name=op.f("fk_case_grid_id")),
        sa.ForeignKeyConstraint(["lead_org_id"], ["directory.org.id"], name=op.f("fk_case_lead_org_id")),
        sa.ForeignKeyConstraint(["merged_into_id"], ["cases.case.id"], name=op.f("fk_case_merged_into_id")),
        sa.ForeignKeyConstraint(["part_of_id"], ["cases.case.id"], name=op.f("fk_case_part_of_id")),
        sa.ForeignKeyConstraint(["town_id"], ["directory.area.id"], name=op.f("fk_case_town_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case")),
        sa.UniqueConstraint("no", name=op.f("uq_case_no")),
        schema="cases",
    )
    op.create_index("ix_case_cell", "case", ["cell_id", "accepted_at", "id"], unique=False, schema="cases")
    op.create_index("ix_case_community", "case", ["community_id", "accepted_at", "id"], unique=False, schema="cases")
    op.create_index("ix_case_county", "case", ["county_id", "accepted_at", "id"], unique=False, schema="cases")
    op.create_index("ix_case_grid", "case", ["grid_id", "accepted_at", "id"], unique=False, schema="cases")
    op.create_index("ix_case_lead", "case", ["lead_org_id", "accepted_at", "id"], unique=False, schema="cases")
    op.create_index(
        "ix_case_merged",
        "case",
        ["merged_into_id"],
        unique=False,
        schema="cases",
        postgresql_where=sa.text("merged_into_id is not null"),
    )
    op.create_index("ix_case_near", "case", ["community_id", "matter", "accepted_at"], unique=False, schema="cases")
    op.create_index("ix_case_new", "case", ["accepted_at", "id"], unique=False, schema="cases")
    op.create_index(
        "ix_case_open_county",
        "case",
        ["county_id", "due_at", "id"],
        unique=False,
        schema="cases",
        postgresql_where=sa.text(
            "state in ('registered', 'transferring', 'dispatched', 'handling', 'reviewing', 'suspended', 'replied')"
        ),
        postgresql_include=["state"],
    )
    op.create_index(
        "ix_case_open_due",
        "case",
        ["due_at", "id"],
        unique=False,
        schema="cases",
        postgresql_where=sa.text(
            "state in ('registered', 'transferring', 'dispatched', 'handling', 'reviewing', 'suspended', 'replied')"
        ),
        postgresql_include=["state"],
    )
    op.create_index(
        "ix_case_open_grid",
        "case",
        ["grid_id", "due_at", "id"],
        unique=False,
        schema="cases",
        postgresql_where=sa.text(
            "state in ('registered', 'transferring', 'dispatched', 'handling', 'reviewing', 'suspended', 'replied')"
        ),
        postgresql_include=["state"],
    )
    op.create_index(
        "ix_case_open_lead",
        "case",
        ["lead_org_id", "due_at", "id"],
        unique=False,
        schema="cases",
        postgresql_where=sa.text(
            "state in ('registered', 'transferring', 'dispatched', 'handling', 'reviewing', 'suspended', 'replied')"
        ),
        postgresql_include=["state"],
    )
    op.create_index(
        "ix_case_open_state",
        "case",
        ["state", "due_at", "id"],
        unique=False,
        schema="cases",
        postgresql_where=sa.text(
            "state in ('registered', 'transferring', 'dispatched', 'handling', 'reviewing', 'suspended', 'replied')"
        ),
        postgresql_include=[],
    )
    op.create_index(
        "ix_case_open_town",
        "case",
        ["town_id", "due_at", "id"],
        unique=False,
        schema="cases",
        postgresql_where=sa.text(
            "state in ('registered', 'transferring', 'dispatched', 'handling', 'reviewing', 'suspended', 'replied')"
        ),
        postgresql_include=["state"],
    )
    op.create_index(
        "ix_case_part",
        "case",
        ["part_of_id"],
        unique=False,
        schema="cases",
        postgresql_where=sa.text("part_of_id is not null"),
    )
    op.create_index("ix_case_state", "case", ["state", "accepted_at", "id"], unique=False, schema="cases")
    op.create_index("ix_case_town", "case", ["town_id", "accepted_at", "id"], unique=False, schema="cases")
    op.create_index("uq_case_key", "case", ["channel", "key"], unique=True, schema="cases")
    op.create_table(
        "post",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("area_id", sa.Uuid(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.CheckConstraint("valid_to is null or valid_to > valid_from", name=op.f("ck_post_validity")),
        sa.ForeignKeyConstraint(["account_id"], ["kernel.account.id"], name=op.f("fk_post_account_id")),
        sa.ForeignKeyConstraint(["area_id"], ["directory.area.id"], name=op.f("fk_post_area_id")),
        sa.ForeignKeyConstraint(["org_id"], ["directory.org.id"], name=op.f("fk_post_org_id")),
        sa.ForeignKeyConstraint(["person_id"], ["directory.person.id"], name=op.f("fk_post_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post")),
        schema="directory",
    )
    op.create_index(op.f("ix_post_account_id"), "post", ["account_id"], unique=False, schema="directory")
    op.create_index(op.f("ix_post_area_id"), "post", ["area_id"], unique=False, schema="directory")
    op.create_index(op.f("ix_post_org_id"), "post", ["org_id"], unique=False, schema="directory")
    op.create_index(op.f("ix_post_person_id"), "post", ["person_id"], unique=False, schema="directory")
    op.create_table(
        "roster",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("shift", sa.String(), nullable=False),
        sa.Column("leader_id", sa.Uuid(), nullable=False),
        sa.Column("officer_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("shift in ('day', 'night', 'whole')", name=op.f("ck_roster_shift")),
        sa.ForeignKeyConstraint(["leader_id"], ["directory.person.id"], name=op.f("fk_roster_leader_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["directory.person.id"], name=op.f("fk_roster_officer_id")),
        sa.ForeignKeyConstraint(["org_id"], ["directory.org.id"], name=op.f("fk_roster_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster")),
        sa.UniqueConstraint("org_id", "day", "shift", name=op.f("uq_roster_org_id_day_shift")),
        schema="directory",
    )
    op.create_index(op.f("ix_roster_day"), "roster", ["day"], unique=False, schema="directory")
    op.create_table(
        "call_back",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("solved", sa.Boolean(), nullable=True),
        sa.Column("satisfied", sa.SmallInteger(), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
        sa.CheckConstraint("result in ('reached', 'unreachable', 'refused')", name=op.f("ck_call_back_result")),
        sa.CheckConstraint("satisfied between 1 and 5", name=op.f("ck_call_back_satisfied")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case.id"], name=op.f("fk_call_back_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_back")),
        schema="cases",
    )
    op.create_index("ix_call_back_case", "call_back", ["case_id"], unique=False, schema="cases")
    op.create_table(
        "case_file",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case.id"], name=op.f("fk_case_file_case_id")),
        sa.ForeignKeyConstraint(["file_id"], ["kernel.file.id"], name=op.f("fk_case_file_file_id")),
        sa.PrimaryKeyConstraint("case_id", "file_id", name=op.f("pk_case_file")),
        schema="cases",
    )
    op.create_index("ix_case_file_file", "case_file", ["file_id"], unique=False, schema="cases")
    op.create_table(
        "clock",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amber_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pauses", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("uncertain", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case.id"], name=op.f("fk_clock_case_id")),
        sa.ForeignKeyConstraint(["org_id"], ["directory.org.id"], name=op.f("fk_clock_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock")),
        schema="cases",
    )
    op.create_index("ix_clock_case", "clock", ["case_id"], unique=False, schema="cases")
    op.create_index(
        "ix_clock_open",
        "clock",
        ["due_at"],
        unique=False,
        schema="cases",
        postgresql_where=sa.text("stopped_at is null"),
    )
    op.create_table(
        "dispatch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("designated", sa.Boolean(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("ground", sa.String(), nullable=True),
        sa.CheckConstraint("part in ('lead', 'assist')", name=op.f("ck_dispatch_part")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case.id"], name=op.f("fk_dispatch_case_id")),
        sa.ForeignKeyConstraint(["org_id"], ["directory.org.id"], name=op.f("fk_dispatch_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispatch")),
        schema="cases",
    )
    op.create_index("ix_dispatch_case", "dispatch", ["case_id"], unique=False, schema="cases")
    op.create_index(
        "ix_dispatch_open",
        "dispatch",
        ["org_id", "part", "case_id"],
        unique=False,
        schema="cases",
        postgresql_where=sa.text("ended_at is null"),
    )
    op.create_index("ix_dispatch_org", "dispatch", ["org_id", "accepted_at", "case_id"], unique=False, schema="cases")
    op.create_table(
        "entry",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(), nullable=True),
        sa.Column("org_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case.id"], name=op.f("fk_entry_case_id")),
        sa.ForeignKeyConstraint(["org_id"], ["directory.org.id"], name=op.f("fk_entry_org_id")),
        sa.PrimaryKeyConstraint("case_id", "version", name=op.f("pk_entry")),
        schema="cases",
    )
    op.create_table(
        "extension",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=False),
        sa.Column("ground", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case.id"], name=op.f("fk_extension_case_id")),
        sa.ForeignKeyConstraint(["org_id"], ["directory.org.id"], name=op.f("fk_extension_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extension")),
        schema="cases",
    )
    op.create_index("ix_extension_case", "extension", ["case_id"], unique=False, schema="cases")
    op.create_table(
        "reply",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case.id"], name=op.f("fk_reply_case_id")),
        sa.ForeignKeyConstraint(["org_id"], ["directory.org.id"], name=op.f("fk_reply_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply")),
        schema="cases",
    )
    op.create_index("ix_reply_case", "reply", ["case_id"], unique=False, schema="cases")
    op.create_table(
        "reporter",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("anonymous", sa.Boolean(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_blind", sa.LargeBinary(), nullable=True),
        sa.Column("last4_blind", sa.LargeBinary(), nullable=True),
        sa.Column("name_masked", sa.String(), nullable=True),
        sa.Column("phone_masked", sa.String(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case.id"], name=op.f("fk_reporter_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_reporter")),
        schema="cases",
    )
    op.create_index("ix_reporter_phone", "reporter", ["phone_blind"], unique=False, schema="cases")
    op.create_table(
        "transfer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("to", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("receipt", sa.String(), nullable=True),
        sa.Column("ground", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case.id"], name=op.f("fk_transfer_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer")),
        schema="cases",
    )
    op.create_index("ix_transfer_case", "transfer", ["case_id"], unique=False, schema="cases")
    op.create_table(
        "sighting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("grid_id", sa.Uuid(), nullable=True),
        sa.Column("solved_on_spot", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("accuracy", sa.Double(), nullable=True),
        sa.Column("exercise_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["kernel.account.id"], name=op.f("fk_sighting_account_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case.id"], name=op.f("fk_sighting_case_id")),
        sa.ForeignKeyConstraint(["grid_id"], ["directory.area.id"], name=op.f("fk_sighting_grid_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sighting")),
        schema="field",
    )
    op.create_index("ix_sighting_case", "sighting", ["case_id"], unique=False, schema="field")
    op.create_index("ix_sighting_mine", "sighting", ["account_id", "received_at", "id"], unique=False, schema="field")
    op.create_index("uq_sighting_client", "sighting", ["account_id", "client_id"], unique=True, schema="field")
    op.create_table(
        "task",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("from_role", sa.String(), nullable=False),
        sa.Column("from_org_id", sa.Uuid(), nullable=True),
        sa.Column("from_area_id", sa.Uuid(), nullable=True),
        sa.Column("area_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.String(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("exercise_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state in ('assigned', 'accepted', 'done', 'returned', 'cancelled')", name=op.f("ck_task_state")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["kernel.account.id"], name=op.f("fk_task_account_id")),
        sa.ForeignKeyConstraint(["area_id"], ["directory.area.id"], name=op.f("fk_task_area_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case.id"], name=op.f("fk_task_case_id")),
        sa.ForeignKeyConstraint(["from_area_id"], ["directory.area.id"], name=op.f("fk_task_from_area_id")),
        sa.ForeignKeyConstraint(["from_org_id"], ["directory.org.id"], name=op.f("fk_task_from_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("no", name=op.f("uq_task_no")),
        schema="field",
    )
    op.create_index("ix_task_area", "task", ["area_id", "created_at", "id"], unique=False, schema="field")
    op.create_index("ix_task_case", "task", ["case_id"], unique=False, schema="field")
    op.create_index(
        "ix_task_open",
        "task",
        ["area_id", "created_at", "id"],
        unique=False,
        schema="field",
        postgresql_where=sa.text("state in ('assigned', 'accepted')"),
    )
    op.create_table(
        "task_entry",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["task_id"], ["field.task.id"], name=op.f("fk_task_entry_task_id")),
        sa.PrimaryKeyConstraint("task_id", "version", name=op.f("pk_task_entry")),
        schema="field",
    )
    op.create_index(
        "uq_task_entry_client",
        "task_entry",
        ["by_id", "client_id"],
        unique=True,
        schema="field",
        postgresql_where=sa.text("client_id is not null"),
    )
    op.create_table(
        "task_file",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["kernel.file.id"], name=op.f("fk_task_file_file_id")),
        sa.ForeignKeyConstraint(["task_id"], ["field.task.id"], name=op.f("fk_task_file_task_id")),
        sa.PrimaryKeyConstraint("task_id", "file_id", name=op.f("pk_task_file")),
        schema="field",
    )
    op.create_index("ix_task_file_file", "task_file", ["file_id"], unique=False, schema="field")
    op.create_table(
        "overdue_notice",
        sa.Column("clock_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("org_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case.id"], name=op.f("fk_overdue_notice_case_id")),
        sa.ForeignKeyConstraint(["clock_id"], ["cases.clock.id"], name=op.f("fk_overdue_notice_clock_id")),
        sa.ForeignKeyConstraint(["org_id"], ["directory.org.id"], name=op.f("fk_overdue_notice_org_id")),
        sa.PrimaryKeyConstraint("clock_id", name=op.f("pk_overdue_notice")),
        schema="oversight",
    )
    op.create_index("ix_overdue_notice_case", "overdue_notice", ["case_id"], unique=False, schema="oversight")
    op.create_index(
        "ix_overdue_notice_org", "overdue_notice", ["org_id", "noticed_at"], unique=False, schema="oversight"
    )
    # Months that were never made ahead (replayed stories, a clock put back) fall in here.
    op.execute("create table kernel.event_other partition of kernel.event default")
