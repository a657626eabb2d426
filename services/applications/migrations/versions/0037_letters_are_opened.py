"""签收: when an enterprise first opened a letter to it."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A constant default: no row is written anew.
    op.execute(
        "ALTER TABLE applications.letters ADD COLUMN unopened boolean NOT NULL DEFAULT false, ADD COLUMN opened_at timestamptz"
    )
    op.execute("CREATE INDEX ix_letters_unopened ON applications.letters (issued_at) WHERE unopened")


def downgrade() -> None:
    op.execute("ALTER TABLE applications.letters DROP COLUMN unopened, DROP COLUMN opened_at")
