"""What one person proposed and another has to confirm; the audit's rows that 职责分离报告 is made of."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

CONCURRENTLY = {
    "ix_audit_four_eyes": (
        "CREATE INDEX CONCURRENTLY ix_audit_four_eyes ON applications.audit (at)"
        " WHERE action IN ('publish_round', 'change_round', 'close_round', 'extend_round', 'publish_form',"
        " 'publish_list', 'approve', 'extend', 'resend')"
    )
}


def upgrade() -> None:
    op.execute(
        "CREATE TABLE applications.proposals ("
        " id uuid NOT NULL CONSTRAINT pk_proposals PRIMARY KEY,"
        " kind text NOT NULL, target uuid NOT NULL, subject text NOT NULL DEFAULT '', until timestamptz,"
        " reason text NOT NULL, proposed_by text NOT NULL, proposed_by_name text NOT NULL,"
        " proposed_at timestamptz NOT NULL DEFAULT now(),"
        " settled_by_name text, settled_at timestamptz, outcome text,"
        " CONSTRAINT ck_proposals_kind CHECK (kind IN ('late_acceptance', 'correction', 'resend')),"
        " CONSTRAINT ck_proposals_outcome CHECK (outcome IN ('confirmed', 'refused', 'withdrawn', 'replaced')),"
        " CONSTRAINT ck_proposals_settled CHECK ((settled_at IS NULL) = (outcome IS NULL)))"
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_proposals_open ON applications.proposals (kind, target, subject)"
        " WHERE settled_at IS NULL"
    )


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS applications.ix_audit_four_eyes")
    op.execute("DROP TABLE applications.proposals")
