"""By when an expert scores, what they were reminded of, and sheets that were begun by one who was replaced."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

CONCURRENTLY = {
    "ix_assessments_due": (
        "CREATE INDEX CONCURRENTLY ix_assessments_due ON applications.assessments (due_at, reminded)"
        " WHERE submitted_at IS NULL"
    )
}


def upgrade() -> None:
    op.execute(
        "ALTER TABLE applications.assessments ADD COLUMN due_at timestamptz,"
        " ADD COLUMN reminded smallint NOT NULL DEFAULT 0"
    )
    op.execute(
        "CREATE TABLE applications.kept_sheets ("
        " id uuid NOT NULL CONSTRAINT pk_kept_sheets PRIMARY KEY,"
        " application_id uuid NOT NULL CONSTRAINT fk_kept_sheets_application_id_applications"
        " REFERENCES applications.applications (id),"
        " account text NOT NULL, name text NOT NULL, sheet text NOT NULL, values jsonb NOT NULL,"
        " assigned_at timestamptz NOT NULL, saved_at timestamptz, taken_off_by_name text NOT NULL,"
        " taken_off_at timestamptz NOT NULL)"
    )
    op.execute("CREATE INDEX ix_kept_sheets_application_id ON applications.kept_sheets (application_id)")


def downgrade() -> None:
    op.execute("DROP TABLE applications.kept_sheets")
    op.execute("DROP INDEX IF EXISTS applications.ix_assessments_due")
    op.execute("ALTER TABLE applications.assessments DROP COLUMN due_at, DROP COLUMN reminded")
