"""Field: posts, patrol plans, check-ins"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create sequence directory.grid_post_number")
    op.create_table(
        "grid_post",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("area_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("stands_in_for", sa.Uuid(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("public_name", sa.String(), nullable=False),
        sa.Column("telephone_public", sa.Boolean(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("card", sa.String(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(kind = 'stand_in') = (stands_in_for is not null)", name=op.f("ck_grid_post_stand_in")),
        sa.CheckConstraint(
            "kind in ('third_level', 'designated', 'police', 'judge', 'enforcement', 'community_worker', 'party_branch', 'stand_in')",
            name=op.f("ck_grid_post_kind"),
        ),
        sa.CheckConstraint("valid_to is null or valid_to > valid_from", name=op.f("ck_grid_post_validity")),
        sa.ForeignKeyConstraint(["area_id"], ["directory.area.id"], name=op.f("fk_grid_post_area_id")),
        sa.ForeignKeyConstraint(["grant_id"], ["kernel.role_grant.id"], name=op.f("fk_grid_post_grant_id")),
        sa.ForeignKeyConstraint(["person_id"], ["directory.person.id"], name=op.f("fk_grid_post_person_id")),
        sa.ForeignKeyConstraint(["stands_in_for"], ["directory.grid_post.id"], name=op.f("fk_grid_post_stands_in_for")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grid_post")),
        sa.UniqueConstraint("card", name=op.f("uq_grid_post_card")),
        sa.UniqueConstraint("no", name=op.f("uq_grid_post_no")),
        schema="directory",
    )
    op.create_index(
        op.f("ix_grid_post_area_id_kind_valid_from"),
        "grid_post",
        ["area_id", "kind", "valid_from"],
        unique=False,
        schema="directory",
    )
    op.create_index(op.f("ix_grid_post_grant_id"), "grid_post", ["grant_id"], unique=False, schema="directory")
    op.create_index(op.f("ix_grid_post_person_id"), "grid_post", ["person_id"], unique=False, schema="directory")
    op.create_index(
        op.f("ix_grid_post_stands_in_for"), "grid_post", ["stands_in_for"], unique=False, schema="directory"
    )
    op.create_table(
        "patrol_plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Uuid(), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("points", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("days_a_week", sa.SmallInteger(), nullable=False),
        sa.Column("reach", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("exercise_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("days_a_week between 1 and 7", name=op.f("ck_patrol_plan_days_a_week")),
        sa.CheckConstraint("reach > 0", name=op.f("ck_patrol_plan_reach")),
        sa.CheckConstraint("valid_to is null or valid_to > valid_from", name=op.f("ck_patrol_plan_validity")),
        sa.ForeignKeyConstraint(["area_id"], ["directory.area.id"], name=op.f("fk_patrol_plan_area_id")),
        sa.ForeignKeyConstraint(["post_id"], ["directory.grid_post.id"], name=op.f("fk_patrol_plan_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patrol_plan")),
        schema="field",
    )
    op.create_index(
        op.f("ix_patrol_plan_area_id_valid_from"),
        "patrol_plan",
        ["area_id", "valid_from"],
        unique=False,
        schema="field",
    )
    op.create_index(op.f("ix_patrol_plan_post_id"), "patrol_plan", ["post_id"], unique=False, schema="field")
    op.create_table(
        "check_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("point", sa.SmallInteger(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("accuracy", sa.Double(), nullable=True),
        sa.Column("off", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["kernel.account.id"], name=op.f("fk_check_in_account_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["field.patrol_plan.id"], name=op.f("fk_check_in_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_in")),
        schema="field",
    )
    op.create_index(op.f("ix_check_in_plan_id_day"), "check_in", ["plan_id", "day"], unique=False, schema="field")
    op.create_index("uq_check_in_client", "check_in", ["account_id", "client_id"], unique=True, schema="field")


def downgrade() -> None:
    op.drop_index("uq_check_in_client", table_name="check_in", schema="field")
    op.drop_index(op.f("ix_check_in_plan_id_day"), table_name="check_in", schema="field")
    op.drop_table("check_in", schema="field")
    op.drop_index(op.f("ix_patrol_plan_post_id"), table_name="patrol_plan", schema="field")
    op.drop_index(op.f("ix_patrol_plan_area_id_valid_from"), table_name="patrol_plan", schema="field")
    op.drop_table("patrol_plan", schema="field")
    op.drop_index(op.f("ix_grid_post_stands_in_for"), table_name="grid_post", schema="directory")
    op.drop_index(op.f("ix_grid_post_person_id"), table_name="grid_post", schema="directory")
    op.drop_index(op.f("ix_grid_post_grant_id"), table_name="grid_post", schema="directory")
    op.drop_index(op.f("ix_grid_post_area_id_kind_valid_from"), table_name="grid_post", schema="directory")
    op.drop_table("grid_post", schema="directory")
    op.execute("drop sequence directory.grid_post_number")
