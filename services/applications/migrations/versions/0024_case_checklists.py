"""What a reviewer ticked of a case in 形式审查."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE TABLE applications.case_checklists ("
        " application_id uuid NOT NULL CONSTRAINT pk_case_checklists PRIMARY KEY"
        " CONSTRAINT fk_case_checklists_application_id_applications REFERENCES applications.applications (id),"
        " version integer NOT NULL, revision integer NOT NULL, ticks jsonb NOT NULL,"
        " saved_by text NOT NULL, saved_by_name text NOT NULL, saved_at timestamptz NOT NULL)"
    )


def downgrade() -> None:
    op.execute("DROP TABLE applications.case_checklists")
