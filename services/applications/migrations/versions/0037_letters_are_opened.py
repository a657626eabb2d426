"""签收: when an enterprise first opened a letter to it."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

CONCURRENTLY = {
    "ix_letters_unopened": (
        "CREATE INDEX CONCURRENTLY ix_letters_unopened ON applications.letters (issued_at) WHERE unopened"
    )
}


def upgrade() -> None:
    # A constant default: no row is written anew.
    op.execute(
        "ALTER TABLE applications.letters ADD COLUMN unopened boolean NOT NULL DEFAULT false, ADD COLUMN opened_at timestamptz"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE applications.letters DROP COLUMN unopened, DROP COLUMN opened_at")
