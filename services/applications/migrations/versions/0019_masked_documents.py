"""Documents without personal data, for experts and auditors."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _allow("'revision', 'masked', 'preview', 'commitment', 'letter'")


def downgrade() -> None:
    op.execute("DELETE FROM applications.documents WHERE kind = 'masked'")
    _allow("'revision', 'preview', 'commitment', 'letter'")


def _allow(kinds: str) -> None:
    op.execute("ALTER TABLE applications.documents DROP CONSTRAINT ck_documents_kind")
    op.execute(f"ALTER TABLE applications.documents ADD CONSTRAINT ck_documents_kind CHECK (kind IN ({kinds}))")
