"""Attributes sealed at rest; consent"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What a provider said is said again at the next sign-in; a migration has no key to seal it with.
    op.drop_column("accounts", "attributes", schema="identity")
    op.add_column("accounts", sa.Column("sealed_attributes", sa.LargeBinary()), schema="identity")
    op.create_table(
        "consents",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("address", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "version", name=op.f("pk_consents")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity.accounts.id"], name=op.f("fk_consents_account_id_accounts")
        ),
        schema="identity",
    )
