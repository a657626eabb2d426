"""The audit says from where and with what result, and is sealed into a chain"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

PROTECT = """
CREATE TRIGGER audit_chain_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON applications.audit_chain
    FOR EACH STATEMENT EXECUTE FUNCTION applications.refuse_audit_change();
"""


def upgrade() -> None:
    op.add_column(
        "audit", sa.Column("address", sa.Text(), nullable=False, server_default="-"), schema="applications"
    )
    op.add_column(
        "audit", sa.Column("result", sa.Text(), nullable=False, server_default="ok"), schema="applications"
    )
    op.create_index(op.f("ix_applications_audit_actor"), "audit", ["actor", "id"], schema="applications")
    op.create_table(
        "audit_chain",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("audit_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_chain")),
        sa.UniqueConstraint("audit_id", name=op.f("uq_audit_chain_audit_id")),
        schema="applications",
    )
    op.execute(PROTECT)
