"""A file says through which telephone link it came"""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attachments", sa.Column("phone_link", sa.Uuid()), schema="applications")


def downgrade() -> None:
    op.drop_column("attachments", "phone_link", schema="applications")
