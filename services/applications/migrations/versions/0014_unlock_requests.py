"""An applicant asks for a material to be opened"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unlock_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("round_trip", sa.Integer(), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text()),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("status IN ('open', 'granted', 'refused')", name=op.f("ck_unlock_requests_status")),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.applications.id"],
            name=op.f("fk_unlock_requests_application_id_applications"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unlock_requests")),
        schema="applications",
    )
    op.create_index(
        op.f("ix_unlock_requests_application_id"), "unlock_requests", ["application_id"], schema="applications"
    )


def downgrade() -> None:
    op.drop_table("unlock_requests", schema="applications")
