"""Registration, reviews, unbinding, captchas and codes"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMA = "stub_idp"


def _instant(name: str, *, nullable: bool = True, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=default)


def upgrade() -> None:
    for column in (
        sa.Column("uscc", sa.Text()),
        sa.Column("handler_digest", sa.Text()),
        sa.Column("email", sa.Text()),
        sa.Column("status", sa.Text(), nullable=False, server_default="active"),
        sa.Column("is_reviewer", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("accounts", column, schema=SCHEMA)
    op.create_check_constraint("status", "accounts", "status IN ('active', 'pending', 'refused')", schema=SCHEMA)
    op.create_unique_constraint(
        op.f("uq_accounts_uscc_handler_digest"), "accounts", ["uscc", "handler_digest"], schema=SCHEMA
    )
    op.create_table(
        "registrations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("browser_sha256", sa.Text(), nullable=False),
        sa.Column("uscc", sa.Text(), nullable=False),
        sa.Column("org_name", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("legal_name", sa.Text(), nullable=False),
        sa.Column("document_number", sa.Text(), nullable=False),
        sa.Column("scan", sa.LargeBinary()),
        sa.Column("scan_type", sa.Text()),
        _instant("expires_at", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
        schema=SCHEMA,
    )
    op.create_table(
        "reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("uscc", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("scan", sa.LargeBinary()),
        sa.Column("scan_type", sa.Text()),
        _instant("created_at", nullable=False, now=True),
        _instant("due_at", nullable=False),
        _instant("decided_at"),
        sa.Column("decided_by", sa.Text()),
        sa.Column("approved", sa.Boolean()),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.ForeignKeyConstraint(
            ["username"], [f"{SCHEMA}.accounts.username"], name=op.f("fk_reviews_username_accounts")
        ),
        sa.CheckConstraint("kind IN ('document', 'unbinding')", name=op.f("ck_reviews_kind")),
        schema=SCHEMA,
    )
    # One open request of a kind and account.
    op.create_index(
        "uq_reviews_open",
        "reviews",
        ["kind", "username"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.create_table(
        "bindings",
        sa.Column("uscc", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("uscc", name=op.f("pk_bindings")),
        schema=SCHEMA,
    )
    op.create_table(
        "challenges",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("browser_sha256", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        _instant("expires_at", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_challenges")),
        schema=SCHEMA,
    )
    op.create_table(
        "reset_codes",
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("code_sha256", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        _instant("sent_at", nullable=False),
        _instant("expires_at", nullable=False),
        sa.PrimaryKeyConstraint("username", name=op.f("pk_reset_codes")),
        schema=SCHEMA,
    )
    op.create_table(
        "mails",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _instant("next_at", nullable=False, now=True),
        _instant("sent_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        schema=SCHEMA,
    )
    op.create_table(
        "failures",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        _instant("locked_until"),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_failures")),
        schema=SCHEMA,
    )
    op.create_table(
        "sessions",
        sa.Column("id_sha256", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("csrf_token", sa.Text(), nullable=False),
        _instant("expires_at", nullable=False),
        sa.PrimaryKeyConstraint("id_sha256", name=op.f("pk_sessions")),
        schema=SCHEMA,
    )
