"""The review desk: district, assignee, search without an extension, counts that nobody waits for"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ON_THE_DESK = "deleted_at IS NULL AND submitted_at IS NOT NULL"
DESK = {
    "submitted": ["submitted_at", "id"],
    "district": ["district", "state", "submitted_at", "id"],
    "round": ["round_id", "state", "submitted_at", "id"],
    "fund_type": ["fund_type", "state", "submitted_at", "id"],
    "assignee": ["assignee", "state", "submitted_at", "id"],
    "amount": ["state", "applied_wan", "submitted_at", "id"],
}

# As a search compares texts: full-width letters and capitals are the same as plain ones.
PLAIN = """
CREATE FUNCTION applications.plain(said text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT lower(normalize(said, NFKC)) $$
"""

# Every character and every pair of neighbours: what a search for a word of any length can be looked up by.
GRAMS = """
CREATE FUNCTION applications.grams(parts text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(array_agg(DISTINCT gram), '{}')
  FROM (SELECT applications.plain(part) AS said FROM unnest(parts) AS part WHERE part IS NOT NULL) AS texts,
    generate_series(1, length(said)) AS at,
    LATERAL (VALUES (substr(said, at, 1)), (substr(said, at, 2))) AS found(gram)
$$
"""

COUNT = """
CREATE FUNCTION applications.count_on_desk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND OLD.deleted_at IS NULL AND OLD.submitted_at IS NOT NULL THEN
    INSERT INTO applications.desk_counts (state, assignee, n) VALUES (OLD.state, coalesce(OLD.assignee, ''), -1);
  END IF;
  IF TG_OP <> 'DELETE' AND NEW.deleted_at IS NULL AND NEW.submitted_at IS NOT NULL THEN
    INSERT INTO applications.desk_counts (state, assignee, n) VALUES (NEW.state, coalesce(NEW.assignee, ''), 1);
  END IF;
  RETURN NULL;
END $$
"""

BEGIN = """
INSERT INTO applications.desk_counts (state, assignee, n)
SELECT state, '', count(*) FROM applications.applications
WHERE deleted_at IS NULL AND submitted_at IS NOT NULL GROUP BY state
"""

TRIGGERS = (
    "CREATE TRIGGER desk_counts_come_and_go AFTER INSERT OR DELETE ON applications.applications "
    "FOR EACH ROW EXECUTE FUNCTION applications.count_on_desk()",
    # Only what moves it: a lease or a saved section leaves no row.
    "CREATE TRIGGER desk_counts_move AFTER UPDATE ON applications.applications FOR EACH ROW "
    "WHEN ((OLD.state, OLD.assignee, OLD.submitted_at IS NULL, OLD.deleted_at IS NULL) "
    "IS DISTINCT FROM (NEW.state, NEW.assignee, NEW.submitted_at IS NULL, NEW.deleted_at IS NULL)) "
    "EXECUTE FUNCTION applications.count_on_desk()",
)


def upgrade() -> None:
    op.execute(PLAIN)
    op.execute(GRAMS)
    for column in (
        sa.Column("district", sa.Text(), nullable=False, server_default=""),
        sa.Column("assignee", sa.Text()),
        sa.Column("assignee_name", sa.Text()),
        sa.Column(
            "search",
            postgresql.ARRAY(sa.Text()),
            sa.Computed("applications.grams(ARRAY[project_name, enterprise_name])", persisted=True),
            nullable=False,
        ),
    ):
        op.add_column("applications", column, schema="applications")
    op.execute(
        "UPDATE applications.applications a SET district = coalesce(s.saved ->> 'district', '') "
        "FROM applications.sections s WHERE s.application_id = a.id AND s.key = 'company' AND a.revision > 0"
    )
    for name, columns in DESK.items():
        op.create_index(
            f"ix_desk_{name}",
            "applications",
            columns,
            schema="applications",
            postgresql_where=sa.text(ON_THE_DESK),
        )
    op.create_index(
        "ix_desk_search",
        "applications",
        ["search"],
        schema="applications",
        postgresql_using="gin",
        postgresql_where=sa.text(ON_THE_DESK),
    )
    # By its beginning and by its end, whatever the database's collation.
    for name, expression in (("number", "number"), ("number_end", "reverse(number)")):
        op.execute(
            f"CREATE INDEX ix_desk_{name} ON applications.applications ({expression} text_pattern_ops) "
            f"WHERE {ON_THE_DESK}"
        )
    op.create_table(
        "desk_counts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("assignee", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_counts")),
        schema="applications",
    )
    op.execute(BEGIN)
    op.execute(COUNT)
    for trigger in TRIGGERS:
        op.execute(trigger)
    op.create_table(
        "saved_filters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_filters")),
        sa.UniqueConstraint("account", "name", name=op.f("uq_saved_filters_account_name")),
        schema="applications",
    )
    op.create_table(
        "turns",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True)),
        sa.Column("away", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_turns")),
        schema="applications",
    )


def downgrade() -> None:
    for table in ("turns", "saved_filters"):
        op.drop_table(table, schema="applications")
    op.execute("DROP TRIGGER desk_counts_move ON applications.applications")
    op.execute("DROP TRIGGER desk_counts_come_and_go ON applications.applications")
    op.execute("DROP FUNCTION applications.count_on_desk()")
    op.drop_table("desk_counts", schema="applications")
    for name in ("number", "number_end"):
        op.drop_index(f"ix_desk_{name}", table_name="applications", schema="applications")
    op.drop_index("ix_desk_search", table_name="applications", schema="applications")
    for name in DESK:
        op.drop_index(f"ix_desk_{name}", table_name="applications", schema="applications")
    for column in ("search", "assignee_name", "assignee", "district"):
        op.drop_column("applications", column, schema="applications")
    op.execute("DROP FUNCTION applications.grams(text[])")
    op.execute("DROP FUNCTION applications.plain(text)")
