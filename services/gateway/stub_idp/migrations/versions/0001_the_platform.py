"""Accounts, grants and the registry of the stub platform"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "stub_idp"


def _instant(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("attributes", postgresql.JSONB(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        _instant("locked_until"),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_accounts")),
        sa.UniqueConstraint("subject", name=op.f("uq_accounts_subject")),
        schema=SCHEMA,
    )
    op.create_table(
        "grants",
        sa.Column("code_sha256", sa.Text(), nullable=False),
        sa.Column("attributes", postgresql.JSONB(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("code_challenge", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        _instant("expires_at", nullable=False),
        _instant("used_at"),
        sa.Column("token_sha256", sa.Text()),
        _instant("token_expires_at"),
        sa.PrimaryKeyConstraint("code_sha256", name=op.f("pk_grants")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_grants_token_sha256")),
        schema=SCHEMA,
    )
    op.create_table(
        "registry",
        sa.Column("uscc", sa.Text(), nullable=False),
        sa.Column("attributes", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("uscc", name=op.f("pk_registry")),
        schema=SCHEMA,
    )
