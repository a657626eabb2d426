"""Who drafted a round, so that somebody else publishes it."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE applications.rounds ADD COLUMN drafted_by text, ADD COLUMN drafted_by_name text")


def downgrade() -> None:
    op.execute("ALTER TABLE applications.rounds DROP COLUMN drafted_by, DROP COLUMN drafted_by_name")
