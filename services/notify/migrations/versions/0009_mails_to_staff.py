"""Mails to the bureau's people are about no one application"""

from alembic import op

revision = "0009"
down_revision = "0006"
branch_labels = None
depends_on = None

# An index on a table that has rows is built beside people's work.
CONCURRENTLY = {
    "ix_notifications_staff": (
        "CREATE INDEX CONCURRENTLY ix_notifications_staff ON notify.notifications (accepted_at)"
        " WHERE application_id IS NULL"
    )
}


def upgrade() -> None:
    op.execute("ALTER TABLE notify.notifications ALTER application_id DROP NOT NULL")


def downgrade() -> None:
    op.execute("DROP INDEX notify.ix_notifications_staff")
    op.execute("DELETE FROM notify.notifications WHERE application_id IS NULL")
    op.execute("ALTER TABLE notify.notifications ALTER application_id SET NOT NULL")
