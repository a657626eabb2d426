"""好差评: what an enterprise says of the office's work on a case that has ended."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None
S = "applications"


def upgrade() -> None:
    op.create_table(
        "ratings",
        sa.Column("application_id", sa.Uuid, sa.ForeignKey(f"{S}.applications.id"), nullable=False),
        sa.Column("score", sa.SmallInteger, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("application_id"),
        sa.CheckConstraint("score BETWEEN 1 AND 5", name=op.f("ck_ratings_score")),
        schema=S,
    )


def downgrade() -> None:
    op.drop_table("ratings", schema=S)
