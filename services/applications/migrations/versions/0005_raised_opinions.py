"""An opinion that was raised again says which one it repeats"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("opinions", sa.Column("raised_from", sa.Uuid()), schema="applications")


def downgrade() -> None:
    op.drop_column("opinions", "raised_from", schema="applications")
