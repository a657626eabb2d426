"""What operators set while the system runs"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "switches",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("autosave_seconds", sa.Integer(), nullable=False),
        sa.Column("previews", sa.Boolean(), nullable=False),
        sa.Column("exports", sa.Boolean(), nullable=False),
        sa.Column("announcement", sa.Text(), nullable=False),
        sa.Column("announcement_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_switches_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_switches")),
        schema="applications",
    )


def downgrade() -> None:
    op.drop_table("switches", schema="applications")
