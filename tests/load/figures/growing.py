"""Applications by the million, in a minute or two: as few statements as there are tables, with the indexes made afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.load.figures.crowd import columns_of

# One in ten of all waits for its reviewers; every enterprise has a few.
APPLICATION = {
    "id": "gen_random_uuid()",
    "enterprise": "'E' || (n / 5)",
    "enterprise_name": "'企业' || (n / 5)",
    "project_name": "'项目' || n",
    "created_at": "now() - make_interval(secs => n)",
    "number": "'B' || n",
    "revision": "1",
    "submitted_at": "now() - make_interval(secs => n)",
    "state": "CASE WHEN n % 10 = 0 THEN 'pending_acceptance' ELSE 'approved' END",
}
SECTION = {"application_id": "a.id", "saved": "NULL", "prefill": "'{}'"}
# As the triggers would have counted them one by one, drawn together.
COUNTED = """
INSERT INTO applications.desk_counts (state, assignee, n)
SELECT state, '', count(*) FROM applications.applications WHERE enterprise LIKE 'E%' GROUP BY state"""


def grow(url: str, template: str, rows: int) -> None:
    """So many applications more, each with one section, made after `template`."""
    with psycopg.connect(url, autocommit=True) as connection:
        # Each row is known to be sound; what triggers look at would be the same a million times over.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '512MB'")
        with without_indexes(connection, "applications", "sections"):
            connection.execute(
                _copy(connection, "applications", APPLICATION)
                + f" FROM applications.applications t, generate_series(1, {rows}) n WHERE t.id = '{template}'"
            )
            connection.execute(
                _copy(connection, "sections", SECTION)
                + " FROM applications.sections t, applications.applications a"
                f" WHERE t.application_id = '{template}' AND t.key = 'social_benefit' AND a.enterprise LIKE 'E%'"
            )
        connection.execute(COUNTED)
        connection.execute("VACUUM (ANALYZE)")


def _copy(connection: psycopg.Connection[Any], table: str, changes: dict[str, str]) -> str:
    names = columns_of(connection, table)
    listed = ", ".join(f'"{name}"' for name in names)
    return (
        f"INSERT INTO applications.{table} ({listed}) SELECT {', '.join(changes.get(n, f't.{n}') for n in names)}"
    )


@contextmanager
def without_indexes(connection: psycopg.Connection[Any], *tables: str) -> Iterator[None]:
    """Without those that are no constraint's own, until the block ends."""
    found = connection.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i"
        " JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace s ON s.oid = c.relnamespace"
        " WHERE s.nspname = 'applications' AND c.relname = ANY(%s)"
        " AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid)",
        [list(tables)],
    ).fetchall()
    for name, _ in found:
        connection.execute(f"DROP INDEX {name}")
    yield
    for _, made in found:
        connection.execute(made)
