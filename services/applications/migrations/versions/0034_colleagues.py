"""What colleagues tell each other about a case: notes, files of the desk, questions and answers."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE TABLE applications.case_notes ("
        " id uuid NOT NULL CONSTRAINT pk_case_notes PRIMARY KEY, application_id uuid NOT NULL"
        " CONSTRAINT fk_case_notes_application_id_applications REFERENCES applications.applications (id),"
        " text text NOT NULL, mentions jsonb NOT NULL, author text NOT NULL, author_name text NOT NULL,"
        " written_at timestamptz NOT NULL, withdrawn_at timestamptz)"
    )
    op.execute("CREATE INDEX ix_case_notes_application_id ON applications.case_notes (application_id)")
    op.execute(
        "CREATE TABLE applications.case_files ("
        " id uuid NOT NULL CONSTRAINT pk_case_files PRIMARY KEY, application_id uuid NOT NULL"
        " CONSTRAINT fk_case_files_application_id_applications REFERENCES applications.applications (id),"
        " kind text NOT NULL, limited boolean NOT NULL, name text NOT NULL, size bigint NOT NULL,"
        " media_type text NOT NULL, sha256 text NOT NULL, added_by text NOT NULL, added_by_name text NOT NULL,"
        " added_at timestamptz NOT NULL, removed_at timestamptz, scanned_at timestamptz, infected text,"
        " CONSTRAINT ck_case_files_kind CHECK (kind IN ('site_visit', 'minutes', 'other')))"
    )
    op.execute("CREATE INDEX ix_case_files_application_id ON applications.case_files (application_id)")
    op.execute("CREATE INDEX ix_case_files_sha256 ON applications.case_files (sha256)")
    op.execute(
        "CREATE INDEX ix_case_files_unscanned ON applications.case_files (added_at)"
        " WHERE scanned_at IS NULL AND removed_at IS NULL"
    )
    op.execute(
        "CREATE TABLE applications.inquiries ("
        " id uuid NOT NULL CONSTRAINT pk_inquiries PRIMARY KEY, application_id uuid NOT NULL"
        " CONSTRAINT fk_inquiries_application_id_applications REFERENCES applications.applications (id),"
        " question text NOT NULL, asked_by text NOT NULL, asked_by_name text NOT NULL,"
        " asked_at timestamptz NOT NULL, until timestamptz NOT NULL, closed_at timestamptz, closed_by_name text)"
    )
    op.execute("CREATE INDEX ix_inquiries_application_id ON applications.inquiries (application_id)")
    op.execute(
        "CREATE TABLE applications.inquiry_answers ("
        " inquiry_id uuid NOT NULL CONSTRAINT fk_inquiry_answers_inquiry_id_inquiries"
        " REFERENCES applications.inquiries (id),"
        " account text NOT NULL, name text NOT NULL, answer text, answered_at timestamptz,"
        " CONSTRAINT pk_inquiry_answers PRIMARY KEY (inquiry_id, account),"
        " CONSTRAINT ck_inquiry_answers_answered CHECK ((answer IS NULL) = (answered_at IS NULL)))"
    )
    op.execute(
        "CREATE INDEX ix_inquiry_answers_open ON applications.inquiry_answers (account) WHERE answered_at IS NULL"
    )


def downgrade() -> None:
    for table in ("inquiry_answers", "inquiries", "case_files", "case_notes"):
        op.execute(f"DROP TABLE applications.{table}")
