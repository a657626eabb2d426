"""The stages after 形式审查: batches, experts, budget, objections, letters; what falls due knows since when"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

S = "applications"
KINDS = "kind IN ('revision', 'preview', 'commitment'{})"


def _at(name: str, *, now: bool = False) -> "sa.Column[object]":
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()") if now else None, nullable=not now
    )


def _case() -> "sa.Column[object]":
    return sa.Column("application_id", sa.Uuid(), nullable=False)


def _of_case(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_application_id_applications")
    return sa.ForeignKeyConstraint(["application_id"], ["applications.applications.id"], name=name)


def upgrade() -> None:
    op.add_column("rounds", sa.Column("budget_wan", sa.Numeric(14, 2)), schema=S)
    for column in (
        sa.Column("batch_id", sa.Uuid()),
        sa.Column("score", sa.Numeric(5, 2)),
        _at("returned_at"),
        _at("correct_set_at"),
        _at("publicity_from"),
        sa.Column("handler_name", sa.Text()),
        sa.Column("handler_email", sa.Text()),
    ):
        op.add_column("applications", column, schema=S)
    # What stands returned was returned by its latest audit row that said so.
    op.execute(
        "UPDATE applications.applications a SET returned_at = m.at, correct_set_at = m.at FROM ("
        "  SELECT application_id, max(at) AS at FROM applications.audit WHERE action IN ('return', 'extend')"
        "  GROUP BY application_id) AS m WHERE m.application_id = a.id AND a.state IN ('returned', 'lapsed')"
    )
    op.create_table(
        "batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        _at("created_at", now=True),
        _at("closed_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
        sa.ForeignKeyConstraint(["round_id"], ["applications.rounds.id"], name=op.f("fk_batches_round_id_rounds")),
        sa.UniqueConstraint("round_id", "name", name=op.f("uq_batches_round_id")),
        schema=S,
    )
    op.create_foreign_key(
        op.f("fk_applications_batch_id_batches"), "applications", "batches", ["batch_id"], ["id"],
        source_schema=S, referent_schema=S,
    )  # fmt: skip
    op.create_table(
        "recusals",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("enterprise", sa.Text(), nullable=False),
        sa.Column("enterprise_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        _at("declared_at", now=True),
        sa.PrimaryKeyConstraint("account", "enterprise", name=op.f("pk_recusals")),
        schema=S,
    )
    op.create_table(
        "assessments",
        _case(),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sheet", sa.Text(), nullable=False),
        sa.Column("assigned_by", sa.Text(), nullable=False),
        _at("assigned_at", now=True),
        sa.Column("values", postgresql.JSONB(), nullable=False),
        _at("saved_at"),
        _at("submitted_at"),
        sa.Column("total", sa.Numeric(5, 2)),
        sa.PrimaryKeyConstraint("application_id", "account", name=op.f("pk_assessments")),
        _of_case("assessments"),
        sa.CheckConstraint("(submitted_at IS NULL) = (total IS NULL)", name=op.f("ck_assessments_total")),
        schema=S,
    )
    op.create_index("ix_assessments_account", "assessments", ["account", "assigned_at"], schema=S)
    op.create_table(
        "objections",
        sa.Column("id", sa.Uuid(), nullable=False),
        _case(),
        sa.Column("objector", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        _at("recorded_at", now=True),
        sa.Column("upheld", sa.Boolean()),
        sa.Column("outcome", sa.Text()),
        sa.Column("handled_by", sa.Text()),
        _at("handled_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objections")),
        _of_case("objections"),
        schema=S,
    )
    op.create_table(
        "letters",
        sa.Column("id", sa.Uuid(), nullable=False),
        _case(),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("round_trip", sa.Integer(), nullable=False),
        _at("issued_at", now=True),
        _at("recalled_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letters")),
        _of_case("letters"),
        sa.ForeignKeyConstraint(
            ["document_id"], ["applications.documents.id"], name=op.f("fk_letters_document_id_documents")
        ),
        sa.UniqueConstraint("reference", name=op.f("uq_letters_reference")),
        schema=S,
    )
    for table in ("objections", "letters"):
        op.create_index(op.f(f"ix_applications_{table}_application_id"), table, ["application_id"], schema=S)
    op.execute("CREATE SEQUENCE applications.letter_number")
    op.drop_constraint(op.f("ck_documents_kind"), "documents", schema=S)
    op.create_check_constraint(op.f("ck_documents_kind"), "documents", KINDS.format(", 'letter'"), schema=S)
    # What the relay and the desk look for again and again.
    op.execute(
        "CREATE INDEX ix_applications_correct_by ON applications.applications (correct_by) "
        "WHERE state = 'returned' AND deleted_at IS NULL"
    )
    op.execute(
        "CREATE INDEX ix_applications_unseen ON applications.applications (returned_at) "
        "WHERE state = 'returned' AND return_seen_at IS NULL AND deleted_at IS NULL"
    )
    op.execute(
        "CREATE INDEX ix_applications_drafts ON applications.applications (round_id, id) "
        "WHERE state = 'draft' AND deleted_at IS NULL"
    )
    op.execute(
        "CREATE INDEX ix_applications_decided ON applications.applications (round_id, score DESC NULLS LAST, id) "
        "WHERE state IN ('decision', 'publicity', 'approved', 'rejected') AND deleted_at IS NULL"
    )
    op.execute(
        "CREATE INDEX ix_applications_publicity ON applications.applications (publicity_until) "
        "WHERE state = 'publicity' AND deleted_at IS NULL"
    )
    op.execute(
        "CREATE INDEX ix_desk_batch ON applications.applications (batch_id, submitted_at, id) "
        "WHERE deleted_at IS NULL AND submitted_at IS NOT NULL"
    )


def downgrade() -> None:
    for name in ("ix_desk_batch", "ix_applications_publicity", "ix_applications_decided", "ix_applications_drafts", "ix_applications_unseen",
                 "ix_applications_correct_by"):  # fmt: skip
        op.drop_index(name, table_name="applications", schema=S)
    op.execute("DELETE FROM applications.letters")
    for table in ("letters", "objections", "assessments", "recusals"):
        op.drop_table(table, schema=S)
    op.execute("DELETE FROM applications.documents WHERE kind = 'letter'")
    op.drop_constraint(op.f("ck_documents_kind"), "documents", schema=S)
    op.create_check_constraint(op.f("ck_documents_kind"), "documents", KINDS.format(""), schema=S)
    op.execute("DROP SEQUENCE applications.letter_number")
    op.drop_constraint(op.f("fk_applications_batch_id_batches"), "applications", schema=S)
    op.drop_table("batches", schema=S)
    for column in ("handler_email", "handler_name", "publicity_from", "correct_set_at", "returned_at", "score",
                   "batch_id"):  # fmt: skip
        op.drop_column("applications", column, schema=S)
    op.drop_column("rounds", "budget_wan", schema=S)
