"""Accounts and sessions"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The audit can be added to and read, by nobody changed or removed.
PROTECT_AUDIT = """
CREATE FUNCTION identity.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit rows are never changed';
END
$$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON identity.audit
    FOR EACH STATEMENT EXECUTE FUNCTION identity.refuse_audit_change();
"""


def _instant(name: str, *, nullable: bool = True, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=default)


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("enterprise", sa.Text()),
        sa.Column("enterprise_name", sa.Text()),
        sa.Column("attributes", postgresql.JSONB(), nullable=False),
        _instant("attributes_at"),
        _instant("created_at", nullable=False, now=True),
        _instant("disabled_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("subject", name=op.f("uq_accounts_subject")),
        schema="identity",
    )
    op.create_table(
        "sessions",
        sa.Column("id_sha256", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("csrf_token", sa.Text(), nullable=False),
        _instant("created_at", nullable=False, now=True),
        _instant("last_seen_at", nullable=False, now=True),
        _instant("expires_at", nullable=False),
        sa.PrimaryKeyConstraint("id_sha256", name=op.f("pk_sessions")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity.accounts.id"], name=op.f("fk_sessions_account_id_accounts")
        ),
        schema="identity",
    )
    op.create_index(op.f("ix_identity_sessions_account_id"), "sessions", ["account_id"], schema="identity")
    op.create_index(op.f("ix_identity_sessions_expires_at"), "sessions", ["expires_at"], schema="identity")
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _instant("at", nullable=False, now=True),
        sa.Column("subject", sa.Text()),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        schema="identity",
    )
    op.execute(PROTECT_AUDIT)
    op.create_table(
        "stub_accounts",
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("attributes", postgresql.JSONB(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        _instant("locked_until"),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_stub_accounts")),
        sa.UniqueConstraint("subject", name=op.f("uq_stub_accounts_subject")),
        schema="identity",
    )
    op.create_table(
        "stub_grants",
        sa.Column("code_sha256", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("code_challenge", sa.Text(), nullable=False),
        _instant("expires_at", nullable=False),
        _instant("used_at"),
        sa.Column("token_sha256", sa.Text()),
        _instant("token_expires_at"),
        sa.PrimaryKeyConstraint("code_sha256", name=op.f("pk_stub_grants")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_stub_grants_token_sha256")),
        sa.ForeignKeyConstraint(
            ["username"], ["identity.stub_accounts.username"], name=op.f("fk_stub_grants_username_stub_accounts")
        ),
        schema="identity",
    )
    op.create_table(
        "stub_registry",
        sa.Column("uscc", sa.Text(), nullable=False),
        sa.Column("attributes", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("uscc", name=op.f("pk_stub_registry")),
        schema="identity",
    )
