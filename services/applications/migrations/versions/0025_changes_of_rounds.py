"""A change of a published round that waits for a second person."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE applications.rounds ADD COLUMN proposal jsonb")


def downgrade() -> None:
    op.execute("ALTER TABLE applications.rounds DROP COLUMN proposal")
