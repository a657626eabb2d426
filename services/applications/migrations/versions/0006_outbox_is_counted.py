"""What is counted of the outbox is found by an index: parked rows, and the last ones done"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_outbox_parked",
        "outbox",
        ["topic", "parked_at"],
        schema="applications",
        postgresql_where=sa.text("done_at IS NULL AND parked_at IS NOT NULL"),
    )
    op.create_index(
        "ix_outbox_done",
        "outbox",
        ["topic", "done_at"],
        schema="applications",
        postgresql_where=sa.text("done_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_done", "outbox", schema="applications")
    op.drop_index("ix_outbox_parked", "outbox", schema="applications")
