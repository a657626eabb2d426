"""A notification remembers the click that it tells of"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notifications", sa.Column("trace", sa.Text(), nullable=True), schema="notify")


def downgrade() -> None:
    op.drop_column("notifications", "trace", schema="notify")
