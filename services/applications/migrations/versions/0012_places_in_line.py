"""A place in line counts from when it was taken: who asks later does not pass those who wait"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

WHERE = sa.text("done_at IS NULL AND parked_at IS NULL")


def upgrade() -> None:
    op.add_column(
        "outbox",
        sa.Column("in_line_since", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        schema="applications",
    )
    op.execute("UPDATE applications.outbox SET in_line_since = created_at")
    op.drop_index("ix_outbox_due", "outbox", schema="applications")
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["topic", "priority", "in_line_since"],
        schema="applications",
        postgresql_where=WHERE,
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_due", "outbox", schema="applications")
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["topic", "priority", "created_at"],
        schema="applications",
        postgresql_where=WHERE,
    )
    op.drop_column("outbox", "in_line_since", schema="applications")
