"""Failures of a password, counted by name as by address"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCHEMA = "stub_idp"


def upgrade() -> None:
    op.add_column(
        "failures",
        sa.Column("counted_from", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        schema=SCHEMA,
    )
    op.drop_column("accounts", "failures", schema=SCHEMA)
    op.drop_column("accounts", "locked_until", schema=SCHEMA)
