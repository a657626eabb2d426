"""Mails that cannot be delivered are found by an index"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_notifications_undeliverable",
        "notifications",
        ["accepted_at"],
        schema="notify",
        postgresql_where=sa.text("state = 'undeliverable'"),
    )


def downgrade() -> None:
    op.drop_index("ix_notifications_undeliverable", "notifications", schema="notify")
