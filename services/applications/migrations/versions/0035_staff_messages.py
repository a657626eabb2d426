"""What the bureau's people and the experts are told in the portal, and what they do not want to be told."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE TABLE applications.staff_messages ("
        " id uuid NOT NULL CONSTRAINT pk_staff_messages PRIMARY KEY, account text NOT NULL, kind text NOT NULL,"
        " application_id uuid NOT NULL CONSTRAINT fk_staff_messages_application_id_applications"
        " REFERENCES applications.applications (id),"
        " by_name text NOT NULL, at timestamptz NOT NULL DEFAULT now(), read_at timestamptz,"
        " due_key text CONSTRAINT uq_staff_messages_due_key UNIQUE)"
    )
    op.execute("CREATE INDEX ix_staff_messages_mine ON applications.staff_messages (account, at, id)")
    op.execute(
        "CREATE INDEX ix_staff_messages_unread ON applications.staff_messages (account, application_id)"
        " WHERE read_at IS NULL"
    )
    op.execute("CREATE INDEX ix_staff_messages_at ON applications.staff_messages (at)")
    op.execute(
        "CREATE TABLE applications.message_choices ("
        " account text NOT NULL CONSTRAINT pk_message_choices PRIMARY KEY,"
        " refused text[] NOT NULL, changed_at timestamptz NOT NULL)"
    )


def downgrade() -> None:
    for table in ("message_choices", "staff_messages"):
        op.execute(f"DROP TABLE applications.{table}")
