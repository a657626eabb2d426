"""Where the bureau's people and the experts want mail"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE TABLE identity.staff_mail ("
        " account_id uuid NOT NULL CONSTRAINT pk_staff_mail PRIMARY KEY"
        " CONSTRAINT fk_staff_mail_account_id_accounts REFERENCES identity.accounts (id),"
        " email text, verified_at timestamptz, asked text, asked_at timestamptz, code_sha256 text,"
        " misses integer NOT NULL DEFAULT 0)"
    )


def downgrade() -> None:
    op.execute("DROP TABLE identity.staff_mail")
