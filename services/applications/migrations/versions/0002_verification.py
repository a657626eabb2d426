"""A revision keeps the address that its document's QR code tells."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("revisions", sa.Column("verify_url", sa.Text(), nullable=True), schema="applications")


def downgrade() -> None:
    op.drop_column("revisions", "verify_url", schema="applications")
