"""Examples beside a form: applications that must pass it, or be refused by it."""

from alembic import op

revision = "0030"
down_revision = "0028"
branch_labels = None
depends_on = None

TABLES = ("form_drafts", "form_versions")


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE applications.{table} ADD COLUMN examples text NOT NULL DEFAULT '[]'")


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"ALTER TABLE applications.{table} DROP COLUMN examples")
