"""表单工作台: published versions of forms, those retired, drafts; a PDF of a draft."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

# What was published is read by everybody who filled it in, and by nobody changed or removed.
PROTECTED = (
    "CREATE FUNCTION applications.refuse_form_change() RETURNS trigger LANGUAGE plpgsql AS $$"
    " BEGIN RAISE EXCEPTION 'published forms are never changed'; END $$",
    "CREATE TRIGGER form_versions_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON applications.form_versions"
    " FOR EACH STATEMENT EXECUTE FUNCTION applications.refuse_form_change()",
)
KINDS = "'revision', 'masked', 'preview', 'commitment', 'letter'"


def _kinds(kinds: str) -> None:
    op.execute("ALTER TABLE applications.documents DROP CONSTRAINT ck_documents_kind")
    op.execute(f"ALTER TABLE applications.documents ADD CONSTRAINT ck_documents_kind CHECK (kind IN ({kinds}))")


def upgrade() -> None:
    op.execute(
        "CREATE TABLE applications.form_versions ("
        " fund_type text NOT NULL, version integer NOT NULL, text text NOT NULL, sha256 text NOT NULL,"
        " proposed_by text NOT NULL, proposed_by_name text NOT NULL,"
        " published_by text NOT NULL, published_by_name text NOT NULL,"
        " published_at timestamptz NOT NULL DEFAULT now(),"
        " CONSTRAINT pk_form_versions PRIMARY KEY (fund_type, version))"
    )
    for statement in PROTECTED:
        op.execute(statement)
    op.execute(
        "CREATE TABLE applications.form_retirements ("
        " fund_type text NOT NULL, version integer NOT NULL, reason text NOT NULL,"
        " retired_by text NOT NULL, retired_by_name text NOT NULL, retired_at timestamptz NOT NULL DEFAULT now(),"
        " CONSTRAINT pk_form_retirements PRIMARY KEY (fund_type, version))"
    )
    op.execute(
        "CREATE TABLE applications.form_drafts ("
        " fund_type text NOT NULL CONSTRAINT pk_form_drafts PRIMARY KEY, text text NOT NULL,"
        " version integer NOT NULL, based_on integer,"
        " changed_by text NOT NULL, changed_by_name text NOT NULL, changed_at timestamptz NOT NULL DEFAULT now(),"
        " proposed_by text, proposed_by_name text, proposed_at timestamptz, note text NOT NULL DEFAULT '')"
    )
    op.execute(
        "CREATE TABLE applications.form_draft_saves ("
        " fund_type text NOT NULL CONSTRAINT fk_form_draft_saves_fund_type_form_drafts"
        " REFERENCES applications.form_drafts (fund_type) ON DELETE CASCADE,"
        " number integer NOT NULL, text text NOT NULL, saved_by_name text NOT NULL,"
        " saved_at timestamptz NOT NULL DEFAULT now(),"
        " CONSTRAINT pk_form_draft_saves PRIMARY KEY (fund_type, number))"
    )
    _kinds(f"{KINDS}, 'form'")


def downgrade() -> None:
    op.execute("DELETE FROM applications.documents WHERE kind = 'form'")
    _kinds(KINDS)
    for table in ("form_draft_saves", "form_drafts", "form_retirements", "form_versions"):
        op.execute(f"DROP TABLE applications.{table}")
    op.execute("DROP FUNCTION applications.refuse_form_change()")
