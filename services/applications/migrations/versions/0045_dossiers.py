"""卷宗: case files that were asked for as a ZIP"""

from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

OPEN = "state IN ('waiting', 'running')"


def upgrade() -> None:
    op.execute(
        "CREATE TABLE applications.dossiers ("
        " id uuid NOT NULL CONSTRAINT pk_dossiers PRIMARY KEY,"
        " application_id uuid CONSTRAINT fk_dossiers_application_id_applications REFERENCES applications.applications (id),"
        " round_id uuid NOT NULL CONSTRAINT fk_dossiers_round_id_rounds REFERENCES applications.rounds (id),"
        " title text NOT NULL, asked_by text NOT NULL, asked_by_name text NOT NULL,"
        " asked_at timestamptz NOT NULL DEFAULT now(), state text NOT NULL, attempt uuid, attempt_until timestamptz,"
        " attempts integer NOT NULL, done integer NOT NULL, total integer NOT NULL, missing integer NOT NULL,"
        " size bigint, sha256 text, fault text, ended_at timestamptz, expires_at timestamptz,"
        " CONSTRAINT ck_dossiers_state"
        " CHECK (state IN ('waiting', 'running', 'done', 'stopped', 'failed', 'expired')))"
    )
    op.execute("CREATE INDEX ix_applications_dossiers_application_id ON applications.dossiers (application_id)")
    op.execute("CREATE INDEX ix_applications_dossiers_round_id ON applications.dossiers (round_id)")
    op.execute(
        "CREATE UNIQUE INDEX uq_dossiers_application ON applications.dossiers (application_id)"
        f" WHERE application_id IS NOT NULL AND {OPEN}"
    )
    op.execute(
        f"CREATE UNIQUE INDEX uq_dossiers_round ON applications.dossiers (round_id) WHERE application_id IS NULL AND {OPEN}"
    )
    op.execute("CREATE INDEX ix_dossiers_asked ON applications.dossiers (asked_at, id)")


def downgrade() -> None:
    op.execute("DROP TABLE applications.dossiers")
