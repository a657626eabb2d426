"""公示期满 is read in the queue's own order as well"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # By the instant alone, all that match were read and sorted for one page.
    op.execute(
        "CREATE INDEX ix_desk_over ON applications.applications (submitted_at, id) INCLUDE (publicity_until) "
        "WHERE state = 'publicity' AND deleted_at IS NULL AND submitted_at IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("DROP INDEX applications.ix_desk_over")
