"""An address that is not on record waits for a second person"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notifications", sa.Column("proposal", postgresql.JSONB(), nullable=True), schema="notify")


def downgrade() -> None:
    op.drop_column("notifications", "proposal", schema="notify")
