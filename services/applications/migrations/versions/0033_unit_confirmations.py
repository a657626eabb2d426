"""An enterprise's own checkers confirm a draft before it is submitted"""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE TABLE applications.unit_confirmations ("
        " id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_unit_confirmations PRIMARY KEY,"
        " application_id uuid NOT NULL"
        " CONSTRAINT fk_unit_confirmations_application_id_applications REFERENCES applications.applications (id),"
        " outcome text NOT NULL CONSTRAINT ck_unit_confirmations_outcome CHECK (outcome IN ('asked', 'confirmed', 'returned')),"
        " content_sha256 text NOT NULL, account text NOT NULL, name text NOT NULL, at timestamptz NOT NULL,"
        " opinions jsonb NOT NULL)"
    )
    op.execute(
        "CREATE INDEX ix_applications_unit_confirmations_application_id"
        " ON applications.unit_confirmations (application_id)"
    )


def downgrade() -> None:
    op.execute("DROP TABLE applications.unit_confirmations")
