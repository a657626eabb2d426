"""What is left over when values are taken over, and the reports that say what became of them"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

S = "applications"


def upgrade() -> None:
    application = sa.ForeignKey(f"{S}.applications.id", name=op.f("fk_left_over_application_id"))
    op.create_table(
        "left_over",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), application, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("section", sa.Text()),
        sa.Column("section_label", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("files", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("dismissed_at", sa.DateTime(timezone=True)),
        sa.Column("dismissed_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_left_over")),
        schema=S,
    )
    op.create_index(op.f("ix_applications_left_over_application_id"), "left_over", ["application_id"], schema=S)
    of = sa.ForeignKey(f"{S}.applications.id", name=op.f("fk_reports_application_id"))
    source = sa.ForeignKey(f"{S}.applications.id", name=op.f("fk_reports_source"))
    op.create_table(
        "reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), of, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("from_version", sa.Integer(), nullable=False),
        sa.Column("to_version", sa.Integer(), nullable=False),
        sa.Column("source", sa.Uuid(), source),
        sa.Column("entries", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("kind IN ('rebase', 'copy')", name=op.f("ck_reports_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        schema=S,
    )
    op.create_index(op.f("ix_applications_reports_application_id"), "reports", ["application_id"], schema=S)


def downgrade() -> None:
    op.drop_table("reports", schema=S)
    op.drop_table("left_over", schema=S)
