"""Members of an enterprise have duties, and people are invited"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KNOWN = ("subject", "name", "roles", "enterprise", "enterprise_name", "disabled_at")
NEW = ("duties", "administers", "grants")
# An index on a table that has rows is built beside people's work.
CONCURRENTLY = {
    "ix_identity_accounts_enterprise": (
        "CREATE INDEX CONCURRENTLY ix_identity_accounts_enterprise ON identity.accounts (enterprise)"
    )
}


def _trigger(columns: tuple[str, ...]) -> None:
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    op.execute("DROP TRIGGER account_changes ON identity.accounts")
    op.execute(
        "CREATE TRIGGER account_changes AFTER UPDATE ON identity.accounts FOR EACH ROW"
        f" WHEN (({old}) IS DISTINCT FROM ({new})) EXECUTE FUNCTION identity.note_account_change()"
    )


def upgrade() -> None:
    op.add_column("accounts", sa.Column("duties", postgresql.ARRAY(sa.Text())), schema="identity")
    op.add_column(
        "accounts",
        sa.Column("administers", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="identity",
    )
    op.add_column(
        "accounts",
        sa.Column("grants", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        schema="identity",
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("secret_sha256", sa.Text(), nullable=False),
        sa.Column("enterprise", sa.Text(), nullable=False),
        sa.Column("enterprise_name", sa.Text(), nullable=False),
        sa.Column("application", sa.Uuid()),
        sa.Column("application_name", sa.Text()),
        sa.Column("for_enterprise", sa.Text(), nullable=False),
        sa.Column("duties", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_by", sa.Uuid()),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["made_by"], ["identity.accounts.id"], name=op.f("fk_invitations_made_by_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["used_by"], ["identity.accounts.id"], name=op.f("fk_invitations_used_by_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_invitations_secret_sha256")),
        schema="identity",
    )
    for column in ("enterprise", "used_by"):
        op.create_index(op.f(f"ix_identity_invitations_{column}"), "invitations", [column], schema="identity")
    # Whoever came first administers, as at a first sign-in.
    op.execute(
        "UPDATE identity.accounts SET administers = true WHERE id IN (SELECT DISTINCT ON (enterprise) id FROM"
        " identity.accounts WHERE enterprise IS NOT NULL AND disabled_at IS NULL ORDER BY enterprise, created_at, id)"
    )
    _trigger((*KNOWN, *NEW))


def downgrade() -> None:
    _trigger(KNOWN)
    op.drop_table("invitations", schema="identity")
    op.execute("DROP INDEX IF EXISTS identity.ix_identity_accounts_enterprise")
    for column in NEW:
        op.drop_column("accounts", column, schema="identity")
