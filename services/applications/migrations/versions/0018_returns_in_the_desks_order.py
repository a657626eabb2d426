"""退回满三日未查看, and a state within a batch, are read in the queue's own order; open requests without the answered ones"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # By the instant alone, all that match were read and sorted for one page. That index stays: the relay asks by it, and where few
    # of the returns are old enough it is the shorter way.
    op.execute(
        "CREATE INDEX ix_desk_unseen ON applications.applications (submitted_at, id) INCLUDE (returned_at) "
        "WHERE state = 'returned' AND return_seen_at IS NULL AND deleted_at IS NULL AND submitted_at IS NOT NULL"
    )
    # A state that is rare in a large batch was looked for among all of the batch, or of the state.
    op.execute(
        "CREATE INDEX ix_desk_batch_state ON applications.applications (batch_id, state, submitted_at, id) "
        "WHERE deleted_at IS NULL AND submitted_at IS NOT NULL"
    )
    # Counted for every page of the queue; without it, all that were ever asked and answered are read.
    op.execute(
        "CREATE INDEX ix_unlock_requests_open ON applications.unlock_requests (application_id, round_trip) "
        "WHERE status = 'open'"
    )


def downgrade() -> None:
    op.execute("DROP INDEX applications.ix_unlock_requests_open")
    op.execute("DROP INDEX applications.ix_desk_batch_state")
    op.execute("DROP INDEX applications.ix_desk_unseen")
