"""补时: a round extended for a class of enterprises by one act; what each enterprise has by it stands beside its late acceptance."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

KINDS = "'late_acceptance', 'correction', 'resend'"


def upgrade() -> None:
    op.execute(
        "CREATE TABLE applications.class_extensions ("
        " id uuid NOT NULL CONSTRAINT pk_class_extensions PRIMARY KEY,"
        " round_id uuid NOT NULL CONSTRAINT fk_class_extensions_round_id REFERENCES applications.rounds (id),"
        " whom text NOT NULL, begun_before timestamptz, until timestamptz NOT NULL, reason text NOT NULL,"
        " enterprises text[] NOT NULL, sha256 text NOT NULL,"
        " confirmed_by text NOT NULL, confirmed_by_name text NOT NULL, confirmed_at timestamptz NOT NULL, told_at timestamptz,"
        " CONSTRAINT ck_class_extensions_whom CHECK (whom IN ('all', 'drafts', 'turned_away', 'listed')),"
        " CONSTRAINT ck_class_extensions_begun CHECK ((whom = 'drafts') = (begun_before IS NOT NULL)))"
    )
    op.execute(
        "CREATE INDEX ix_applications_class_extensions_round_id ON applications.class_extensions (round_id)"
    )
    op.execute(
        "ALTER TABLE applications.extensions ADD COLUMN begun_before timestamptz, ADD COLUMN act uuid"
        " CONSTRAINT fk_extensions_act REFERENCES applications.class_extensions (id)"
    )
    op.execute("ALTER TABLE applications.proposals ADD COLUMN terms jsonb")
    op.execute("ALTER TABLE applications.proposals DROP CONSTRAINT ck_proposals_kind")
    op.execute(
        "ALTER TABLE applications.proposals ADD CONSTRAINT ck_proposals_kind"
        f" CHECK (kind IN ({KINDS}, 'class_extension'))"
    )


def downgrade() -> None:
    # Of what the release before cannot read, the proposals go; who had more time keeps it as late acceptance.
    op.execute("DELETE FROM applications.proposals WHERE kind = 'class_extension'")
    op.execute("ALTER TABLE applications.proposals DROP CONSTRAINT ck_proposals_kind")
    op.execute(f"ALTER TABLE applications.proposals ADD CONSTRAINT ck_proposals_kind CHECK (kind IN ({KINDS}))")
    op.execute("ALTER TABLE applications.proposals DROP COLUMN terms")
    op.execute("ALTER TABLE applications.extensions DROP COLUMN act, DROP COLUMN begun_before")
    op.execute("DROP TABLE applications.class_extensions")
