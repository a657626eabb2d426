"""Indexes by which the list of cases is sorted by its columns; what each member of staff has seen."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

BY = {
    "by_enterprise": "enterprise_name",
    "by_fund_type": "fund_type",
    "by_amount": "coalesce(applied_wan, 0)",
    "by_assignee": "coalesce(assignee_name, '')",
}
CONCURRENTLY = {
    f"ix_desk_{name}": (
        f"CREATE INDEX CONCURRENTLY ix_desk_{name} ON applications.applications"
        f" ({by}, submitted_at, id) INCLUDE (state) WHERE deleted_at IS NULL AND submitted_at IS NOT NULL"
    )
    for name, by in BY.items()
}


def upgrade() -> None:
    op.execute(
        "CREATE TABLE applications.case_looks ("
        " account text NOT NULL, application_id uuid NOT NULL"
        " CONSTRAINT fk_case_looks_application_id_applications REFERENCES applications.applications (id),"
        " version integer NOT NULL, at timestamptz NOT NULL, since timestamptz,"
        " CONSTRAINT pk_case_looks PRIMARY KEY (account, application_id))"
    )


def downgrade() -> None:
    op.execute("DROP TABLE applications.case_looks")
    for name in BY:
        op.execute(f"DROP INDEX IF EXISTS applications.ix_desk_{name}")
