"""A round is prepared, then published; whoever changes it says which version they saw"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rounds", sa.Column("published_at", sa.DateTime(timezone=True)), schema="applications")
    op.add_column(
        "rounds", sa.Column("version", sa.Integer(), server_default="1", nullable=False), schema="applications"
    )
    # What stood was public the moment it was made.
    op.execute("UPDATE applications.rounds SET published_at = created_at")
    # The history of a round, among the audit of everything.
    op.execute(
        "CREATE INDEX ix_audit_round ON applications.audit ((details ->> 'round'), id) WHERE application_id IS NULL"
    )


def downgrade() -> None:
    op.execute("DROP INDEX applications.ix_audit_round")
    op.drop_column("rounds", "version", schema="applications")
    op.drop_column("rounds", "published_at", schema="applications")
