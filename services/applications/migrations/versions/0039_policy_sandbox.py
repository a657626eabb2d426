"""政策沙盘: runs over what was handed in, with what came of them."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE applications.sandbox_runs (
            id uuid NOT NULL,
            fund_type text NOT NULL,
            text text,
            draft integer,
            version integer,
            rounds uuid[] NOT NULL,
            parameters jsonb NOT NULL,
            closes_on text NOT NULL,
            asked_by text NOT NULL,
            asked_by_name text NOT NULL,
            asked_at timestamptz NOT NULL DEFAULT now(),
            state text NOT NULL,
            attempt uuid,
            attempt_until timestamptz,
            done integer NOT NULL,
            total integer NOT NULL,
            forgotten integer NOT NULL,
            result jsonb,
            ended_at timestamptz,
            CONSTRAINT pk_sandbox_runs PRIMARY KEY (id),
            CONSTRAINT ck_sandbox_runs_state
                CHECK (state IN ('waiting', 'running', 'done', 'stopped', 'failed'))
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_sandbox_runs_open ON applications.sandbox_runs (fund_type)"
        " WHERE state IN ('waiting', 'running')"
    )


def downgrade() -> None:
    op.execute("DROP TABLE applications.sandbox_runs")
