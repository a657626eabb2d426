"""The virus scanner's verdict, and attachments found by their content"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attachments", sa.Column("scanned_at", sa.DateTime(timezone=True)), schema="applications")
    op.add_column("attachments", sa.Column("infected", sa.Text()), schema="applications")
    op.create_index(op.f("ix_applications_attachments_sha256"), "attachments", ["sha256"], schema="applications")
    op.create_index(
        "ix_attachments_unscanned",
        "attachments",
        ["created_at"],
        schema="applications",
        postgresql_where="scanned_at IS NULL AND deleted_at IS NULL",
    )


def downgrade() -> None:
    op.drop_index("ix_attachments_unscanned", table_name="attachments", schema="applications")
    op.drop_index(op.f("ix_applications_attachments_sha256"), table_name="attachments", schema="applications")
    op.drop_column("attachments", "infected", schema="applications")
    op.drop_column("attachments", "scanned_at", schema="applications")
