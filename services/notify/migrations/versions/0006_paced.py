"""Mails that applicants bring about are counted by the hour"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_notifications_by_hour ON notify.notifications ((coalesce(sent_at, next_at))) "
        "WHERE channel = 'email'"
    )


def downgrade() -> None:
    op.execute("DROP INDEX notify.ix_notifications_by_hour")
