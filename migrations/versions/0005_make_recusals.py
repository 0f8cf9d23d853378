"""Cases: who must step back"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bar",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("org_id", sa.Uuid(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("why in ('recused', 'ordered', 'accused')", name=op.f("ck_bar_why")),
        sa.CheckConstraint("(account_id is null) <> (org_id is null)", name=op.f("ck_bar_one")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case.id"], name=op.f("fk_bar_case_id")),
        sa.ForeignKeyConstraint(["org_id"], ["directory.org.id"], name=op.f("fk_bar_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bar")),
        schema="cases",
    )
    where = sa.text("ended_at is null")
    op.create_index("ix_bar_case", "bar", ["case_id"], schema="cases", postgresql_where=where)
    op.create_index("ix_bar_account", "bar", ["account_id", "case_id"], schema="cases", postgresql_where=where)
    op.create_index("ix_bar_org", "bar", ["org_id", "case_id"], schema="cases", postgresql_where=where)


def downgrade() -> None:
    op.drop_table("bar", schema="cases")
