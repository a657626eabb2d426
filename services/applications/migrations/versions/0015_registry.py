"""When the registry was asked, whether it answered, and what it said last"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

S = "applications"


def upgrade() -> None:
    op.add_column("applications", sa.Column("registry_asked_at", sa.DateTime(timezone=True)), schema=S)
    op.add_column(
        "applications",
        sa.Column("registry_answered", sa.Boolean(), server_default="true", nullable=False),
        schema=S,
    )
    op.add_column(
        "sections", sa.Column("registered", postgresql.JSONB(), server_default="{}", nullable=False), schema=S
    )


def downgrade() -> None:
    op.drop_column("sections", "registered", schema=S)
    op.drop_column("applications", "registry_answered", schema=S)
    op.drop_column("applications", "registry_asked_at", schema=S)
