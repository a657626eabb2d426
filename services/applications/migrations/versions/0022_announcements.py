"""公示 and 批复 of lists; letters and documents that are of no application."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE applications.documents ALTER COLUMN application_id DROP NOT NULL")
    op.execute("ALTER TABLE applications.letters ALTER COLUMN application_id DROP NOT NULL")
    op.execute(
        "CREATE TABLE applications.announcements (id uuid NOT NULL, kind text NOT NULL, round_id uuid NOT NULL,"
        " title text NOT NULL, text text NOT NULL, working_days integer, version integer NOT NULL,"
        " drafted_by text NOT NULL, drafted_by_name text NOT NULL, drafted_at timestamptz NOT NULL DEFAULT now(),"
        " published_by text, published_by_name text, published_at timestamptz, publicity_until timestamptz,"
        " letter_id uuid,"
        " CONSTRAINT pk_announcements PRIMARY KEY (id),"
        " CONSTRAINT ck_announcements_kind CHECK (kind IN ('publicity', 'approval')),"
        " CONSTRAINT ck_announcements_published CHECK ((published_at IS NULL) = (letter_id IS NULL)),"
        " CONSTRAINT fk_announcements_round_id_rounds FOREIGN KEY (round_id) REFERENCES applications.rounds (id),"
        " CONSTRAINT fk_announcements_letter_id_letters FOREIGN KEY (letter_id) REFERENCES applications.letters (id))"
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_announcements_draft ON applications.announcements (round_id, kind)"
        " WHERE published_at IS NULL"
    )
    op.execute("CREATE INDEX ix_announcements_published ON applications.announcements (kind, published_at)")
    op.execute(
        "CREATE TABLE applications.announcement_cases (announcement_id uuid NOT NULL, application_id uuid NOT NULL,"
        " kind text NOT NULL, amount_wan numeric(14, 2), taken_off_at timestamptz, taken_off_by text, reason text,"
        " CONSTRAINT pk_announcement_cases PRIMARY KEY (announcement_id, application_id),"
        " CONSTRAINT fk_announcement_cases_announcement_id_announcements FOREIGN KEY (announcement_id)"
        " REFERENCES applications.announcements (id),"
        " CONSTRAINT fk_announcement_cases_application_id_applications FOREIGN KEY (application_id)"
        " REFERENCES applications.applications (id))"
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_announcement_cases_case ON applications.announcement_cases (application_id, kind)"
        " WHERE taken_off_at IS NULL"
    )
    op.execute(
        "ALTER TABLE applications.objections ADD COLUMN announcement_id uuid"
        " CONSTRAINT fk_objections_announcement_id_announcements REFERENCES applications.announcements (id)"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE applications.objections DROP COLUMN announcement_id")
    op.execute("DROP TABLE applications.announcement_cases")
    op.execute("DROP TABLE applications.announcements")
    op.execute(
        "DELETE FROM applications.outbox WHERE payload ->> 'document_id' IN"
        " (SELECT id::text FROM applications.documents WHERE application_id IS NULL)"
    )
    op.execute("DELETE FROM applications.letters WHERE application_id IS NULL")
    op.execute("DELETE FROM applications.documents WHERE application_id IS NULL")
    op.execute("ALTER TABLE applications.letters ALTER COLUMN application_id SET NOT NULL")
    op.execute("ALTER TABLE applications.documents ALTER COLUMN application_id SET NOT NULL")
