"""What the bureau's people are told is mailed by choice, and need not be about a case"""

from alembic import op

revision = "0043"
down_revision = "0040"
branch_labels = None
depends_on = None

# An index on a table that has rows is built beside people's work.
CONCURRENTLY = {
    "ix_staff_messages_mail": (
        "CREATE INDEX CONCURRENTLY ix_staff_messages_mail ON applications.staff_messages (mail, account)"
        " WHERE mail > 0 AND read_at IS NULL"
    )
}


def upgrade() -> None:
    op.execute(
        "ALTER TABLE applications.staff_messages ALTER application_id DROP NOT NULL, ADD about text,"
        " ADD mail smallint NOT NULL DEFAULT 0"
    )
    op.execute(
        "ALTER TABLE applications.message_choices ADD at_once text[] NOT NULL DEFAULT '{}',"
        " ADD portal_only text[] NOT NULL DEFAULT '{}', ADD digest_hour smallint NOT NULL DEFAULT 9,"
        " ADD digest_on date"
    )


def downgrade() -> None:
    op.execute("DROP INDEX applications.ix_staff_messages_mail")
    op.execute("DELETE FROM applications.staff_messages WHERE application_id IS NULL")
    op.execute("ALTER TABLE applications.staff_messages ALTER application_id SET NOT NULL, DROP about, DROP mail")
    op.execute(
        "ALTER TABLE applications.message_choices DROP at_once, DROP portal_only, DROP digest_hour, DROP digest_on"
    )
