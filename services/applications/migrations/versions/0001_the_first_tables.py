"""The first tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# The audit can be added to and read, by nobody changed or removed.
PROTECT_AUDIT = """
CREATE FUNCTION applications.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit rows are never changed';
END
$$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON applications.audit
    FOR EACH STATEMENT EXECUTE FUNCTION applications.refuse_audit_change();
"""


def upgrade() -> None:
    op.execute("CREATE SEQUENCE applications.application_number")
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        schema="applications",
    )
    op.create_index(
        op.f("ix_applications_audit_application_id"),
        "audit",
        ["application_id"],
        unique=False,
        schema="applications",
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.Text(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_idempotency_keys")),
        schema="applications",
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("due_key", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=True),
        sa.Column("attempt_worker", sa.Text(), nullable=True),
        sa.Column("attempt_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("due_key", name=op.f("uq_outbox_due_key")),
        schema="applications",
    )
    op.create_index(
        op.f("ix_applications_outbox_application_id"),
        "outbox",
        ["application_id"],
        unique=False,
        schema="applications",
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["topic", "priority", "created_at"],
        unique=False,
        schema="applications",
        postgresql_where="done_at IS NULL AND parked_at IS NULL",
    )
    op.create_table(
        "rounds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fund_type", sa.Text(), nullable=False),
        sa.Column("form_version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("closes_at > opens_at", name=op.f("ck_rounds_window")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rounds")),
        schema="applications",
    )
    op.create_table(
        "applications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("fund_type", sa.Text(), nullable=False),
        sa.Column("form_version", sa.Integer(), nullable=False),
        sa.Column("enterprise", sa.Text(), nullable=False),
        sa.Column("enterprise_name", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("project_name", sa.Text(), nullable=False),
        sa.Column("applied_wan", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("approved_wan", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_from", sa.Text(), nullable=True),
        sa.Column("round_trips", sa.Integer(), nullable=False),
        sa.Column("returned_from", sa.Text(), nullable=True),
        sa.Column("correct_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unlocked", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("return_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("publicity_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_account", sa.Text(), nullable=True),
        sa.Column("lease_name", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "state IN ('draft', 'pending_acceptance', 'returned', 'lapsed', 'form_review', 'expert_review', 'decision', 'publicity', 'approved', 'rejected')",
            name=op.f("ck_applications_state"),
        ),
        sa.ForeignKeyConstraint(["round_id"], ["applications.rounds.id"], name=op.f("fk_applications_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applications")),
        sa.UniqueConstraint("number", name=op.f("uq_applications_number")),
        schema="applications",
    )
    op.create_index(
        op.f("ix_applications_applications_round_id"),
        "applications",
        ["round_id"],
        unique=False,
        schema="applications",
    )
    op.create_index(
        "ix_applications_enterprise_created",
        "applications",
        ["enterprise", "created_at", "id"],
        unique=False,
        schema="applications",
    )
    op.create_index(
        "ix_applications_state_submitted",
        "applications",
        ["state", "submitted_at", "id"],
        unique=False,
        schema="applications",
    )
    op.create_table(
        "extensions",
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("enterprise", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["applications.rounds.id"], name=op.f("fk_extensions_round_id")),
        sa.PrimaryKeyConstraint("round_id", "enterprise", name=op.f("pk_extensions")),
        schema="applications",
    )
    op.create_table(
        "attachments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.applications.id"], name=op.f("fk_attachments_application_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        schema="applications",
    )
    op.create_index(
        op.f("ix_applications_attachments_application_id"),
        "attachments",
        ["application_id"],
        unique=False,
        schema="applications",
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("snapshot", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('revision', 'preview', 'commitment')", name=op.f("ck_documents_kind")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.applications.id"], name=op.f("fk_documents_application_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint(
            "application_id", "kind", "source_sha256", name=op.f("uq_documents_application_id_kind_source_sha256")
        ),
        schema="applications",
    )
    op.create_index(
        "uq_documents_revision",
        "documents",
        ["application_id", "revision"],
        unique=True,
        schema="applications",
        postgresql_where="kind = 'revision'",
    )
    op.create_table(
        "opinions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("round_trip", sa.Integer(), nullable=False),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("row", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("status IN ('open', 'answered', 'accepted')", name=op.f("ck_opinions_status")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.applications.id"], name=op.f("fk_opinions_application_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opinions")),
        schema="applications",
    )
    op.create_index(
        op.f("ix_applications_opinions_application_id"),
        "opinions",
        ["application_id"],
        unique=False,
        schema="applications",
    )
    op.create_table(
        "revisions",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("sm3", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_by", sa.Text(), nullable=False),
        sa.Column("receipt", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.applications.id"], name=op.f("fk_revisions_application_id")
        ),
        sa.PrimaryKeyConstraint("application_id", "number", name=op.f("pk_revisions")),
        schema="applications",
    )
    op.create_table(
        "sections",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("etag", sa.Integer(), nullable=False),
        sa.Column("saved", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("draft", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("draft_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("prefill", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.applications.id"], name=op.f("fk_sections_application_id")
        ),
        sa.PrimaryKeyConstraint("application_id", "key", name=op.f("pk_sections")),
        schema="applications",
    )
    op.execute(PROTECT_AUDIT)


def downgrade() -> None:
    op.execute("DROP TRIGGER audit_is_append_only ON applications.audit")
    op.execute("DROP FUNCTION applications.refuse_audit_change()")
    op.execute("DROP SEQUENCE applications.application_number")
    op.drop_table("sections", schema="applications")
    op.drop_table("revisions", schema="applications")
    op.drop_index(op.f("ix_applications_opinions_application_id"), table_name="opinions", schema="applications")
    op.drop_table("opinions", schema="applications")
    op.drop_index(
        "uq_documents_revision",
        table_name="documents",
        schema="applications",
        postgresql_where="kind = 'revision'",
    )
    op.drop_table("documents", schema="applications")
    op.drop_index(
        op.f("ix_applications_attachments_application_id"), table_name="attachments", schema="applications"
    )
    op.drop_table("attachments", schema="applications")
    op.drop_table("extensions", schema="applications")
    op.drop_index("ix_applications_state_submitted", table_name="applications", schema="applications")
    op.drop_index("ix_applications_enterprise_created", table_name="applications", schema="applications")
    op.drop_index(op.f("ix_applications_applications_round_id"), table_name="applications", schema="applications")
    op.drop_table("applications", schema="applications")
    op.drop_table("rounds", schema="applications")
    op.drop_index(
        "ix_outbox_due",
        table_name="outbox",
        schema="applications",
        postgresql_where="done_at IS NULL AND parked_at IS NULL",
    )
    op.drop_index(op.f("ix_applications_outbox_application_id"), table_name="outbox", schema="applications")
    op.drop_table("outbox", schema="applications")
    op.drop_table("idempotency_keys", schema="applications")
    op.drop_index(op.f("ix_applications_audit_application_id"), table_name="audit", schema="applications")
    op.drop_table("audit", schema="applications")
