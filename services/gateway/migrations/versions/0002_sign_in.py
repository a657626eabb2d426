"""Sign-in: spent states; the stub platform's tables leave for a schema of their own"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Demo data only: `seed` puts it into the stub's own schema.
    for table in ("stub_grants", "stub_accounts", "stub_registry"):
        op.drop_table(table, schema="identity")
    op.create_table(
        "spent_states",
        sa.Column("state_sha256", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state_sha256", name=op.f("pk_spent_states")),
        schema="identity",
    )
    op.create_index(op.f("ix_identity_spent_states_expires_at"), "spent_states", ["expires_at"], schema="identity")
