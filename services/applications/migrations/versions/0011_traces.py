"""What is owed remembers the click that owes it"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("trace", sa.Text(), nullable=True), schema="applications")


def downgrade() -> None:
    op.drop_column("outbox", "trace", schema="applications")
