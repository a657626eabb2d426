"""拟支持, before a list is published."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

STATES = (
    "draft", "pending_acceptance", "returned", "lapsed", "form_review", "expert_review", "decision", "publicity",
    "approved", "rejected",
)  # fmt: skip
# 审定排序 and 公示与批复 look among these. `ix_applications_decided` knows nothing of 拟支持, and serves the release before.
CONCURRENTLY = {
    "ix_applications_scored": (
        "CREATE INDEX CONCURRENTLY ix_applications_scored ON applications.applications"
        " (round_id, score DESC NULLS LAST, id)"
        " WHERE state IN ('decision', 'proposed', 'publicity', 'approved', 'rejected') AND deleted_at IS NULL"
    )
}


def upgrade() -> None:
    _allow((*STATES, "proposed"))


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS applications.ix_applications_scored")
    # Whatever was proposed and not published is to be decided again.
    op.execute(
        "UPDATE applications.applications SET state = 'decision', approved_wan = NULL WHERE state = 'proposed'"
    )
    _allow(STATES)


def _allow(states: tuple[str, ...]) -> None:
    named = ", ".join(repr(state) for state in states)
    op.execute("ALTER TABLE applications.applications DROP CONSTRAINT ck_applications_state")
    op.execute(
        f"ALTER TABLE applications.applications ADD CONSTRAINT ck_applications_state CHECK (state IN ({named}))"
    )
