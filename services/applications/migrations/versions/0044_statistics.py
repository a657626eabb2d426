"""统计: what each case counts for, and the sums over all of them; filled by the relay"""

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE TABLE applications.statistics_cases ("
        " application_id uuid NOT NULL CONSTRAINT pk_statistics_cases PRIMARY KEY"
        " CONSTRAINT fk_statistics_cases_application_id_applications REFERENCES applications.applications (id),"
        " round_id uuid NOT NULL, district text NOT NULL, applied_wan numeric(14, 2) NOT NULL,"
        " approved_wan numeric(14, 2) NOT NULL, cells jsonb NOT NULL)"
    )
    op.execute("CREATE INDEX ix_statistics_cases_round ON applications.statistics_cases (round_id)")
    op.execute(
        "CREATE TABLE applications.statistics_cells ("
        " round_id uuid NOT NULL CONSTRAINT fk_statistics_cells_round_id_rounds REFERENCES applications.rounds (id),"
        " kind text NOT NULL, key text NOT NULL, district text NOT NULL, n bigint NOT NULL,"
        " applied_wan numeric(14, 2) NOT NULL, approved_wan numeric(14, 2) NOT NULL,"
        " CONSTRAINT pk_statistics_cells PRIMARY KEY (round_id, kind, key, district))"
    )
    op.execute(
        "CREATE TABLE applications.statistics_progress ("
        " id integer NOT NULL CONSTRAINT pk_statistics_progress PRIMARY KEY CONSTRAINT ck_statistics_progress_one CHECK (id = 1),"
        " position bigint NOT NULL, filling uuid, at timestamptz NOT NULL DEFAULT now())"
    )


def downgrade() -> None:
    for table in ("statistics_progress", "statistics_cells", "statistics_cases"):
        op.execute(f"DROP TABLE applications.{table}")
