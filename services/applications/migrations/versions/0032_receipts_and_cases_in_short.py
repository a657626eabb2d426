"""Papers of a revision beside the 申报书: its receipt, and the case in short."""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

BEFORE = "'revision', 'masked', 'preview', 'commitment', 'letter', 'form'"


def upgrade() -> None:
    _kinds(f"{BEFORE}, 'receipt', 'brief'")


def downgrade() -> None:
    # They are made anew from their revisions when somebody asks.
    op.execute("DELETE FROM applications.documents WHERE kind IN ('receipt', 'brief')")
    _kinds(BEFORE)


def _kinds(kinds: str) -> None:
    op.execute("ALTER TABLE applications.documents DROP CONSTRAINT ck_documents_kind")
    op.execute(f"ALTER TABLE applications.documents ADD CONSTRAINT ck_documents_kind CHECK (kind IN ({kinds}))")
