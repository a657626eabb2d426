"""申报通知: its versions and files, the one in force, and what applicants answered before they began."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE applications.rounds ADD COLUMN notice integer NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE applications.applications ADD COLUMN eligibility jsonb")
    op.execute(
        """
        CREATE TABLE applications.notices (
            round_id uuid NOT NULL,
            number integer NOT NULL,
            text text NOT NULL,
            questions text NOT NULL,
            files text[] NOT NULL,
            created_by text NOT NULL,
            created_by_name text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk_notices PRIMARY KEY (round_id, number),
            CONSTRAINT fk_notices_round_id_rounds FOREIGN KEY (round_id) REFERENCES applications.rounds (id)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE applications.notice_files (
            id uuid NOT NULL,
            round_id uuid NOT NULL,
            name text NOT NULL,
            size bigint NOT NULL,
            media_type text NOT NULL,
            sha256 text NOT NULL,
            created_by text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            scanned_at timestamptz,
            infected text,
            CONSTRAINT pk_notice_files PRIMARY KEY (id),
            CONSTRAINT fk_notice_files_round_id_rounds FOREIGN KEY (round_id) REFERENCES applications.rounds (id)
        )
        """
    )
    op.execute("CREATE INDEX ix_notice_files_round_id ON applications.notice_files (round_id)")
    op.execute("CREATE INDEX ix_notice_files_sha256 ON applications.notice_files (sha256)")
    op.execute(
        "CREATE INDEX ix_notice_files_unscanned ON applications.notice_files (created_at) WHERE scanned_at IS NULL"
    )


def downgrade() -> None:
    op.execute("DROP TABLE applications.notice_files, applications.notices")
    op.execute("ALTER TABLE applications.applications DROP COLUMN eligibility")
    op.execute("ALTER TABLE applications.rounds DROP COLUMN notice")
