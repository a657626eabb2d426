"""Answers are counted by minute, and who was turned away"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COUNTS = ("answered", "slow", "turned_away", "failed")


def upgrade() -> None:
    op.create_table(
        "answer_minutes",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS),
        sa.PrimaryKeyConstraint("minute", "kind", name=op.f("pk_answer_minutes")),
        schema="identity",
    )
    op.create_table(
        "turned_away",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity.accounts.id"], name=op.f("fk_turned_away_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("minute", "account_id", name=op.f("pk_turned_away")),
        schema="identity",
    )


def downgrade() -> None:
    op.drop_table("turned_away", schema="identity")
    op.drop_table("answer_minutes", schema="identity")
