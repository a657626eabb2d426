"""An enterprise agrees to short messages"""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("applications", sa.Column("sms_agreed_at", sa.DateTime(timezone=True)), schema="applications")


def downgrade() -> None:
    op.drop_column("applications", "sms_agreed_at", schema="applications")
