"""The audit says from where and with what result, and is sealed into a chain"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

PROTECT = """
CREATE TRIGGER audit_chain_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON identity.audit_chain
    FOR EACH STATEMENT EXECUTE FUNCTION identity.refuse_audit_change();
"""


def upgrade() -> None:
    op.add_column("audit", sa.Column("result", sa.Text(), nullable=False, server_default="ok"), schema="identity")
    op.create_index(op.f("ix_identity_audit_subject"), "audit", ["subject", "id"], schema="identity")
    op.create_table(
        "audit_chain",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("audit_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_chain")),
        sa.UniqueConstraint("audit_id", name=op.f("uq_audit_chain_audit_id")),
        schema="identity",
    )
    op.execute(PROTECT)
