"""Nothing that changes anything happens on GET: every GET route of the public port, of the services behind it and of the stub
platform is opened by somebody who may, and the whole database is compared."""

from collections.abc import AsyncIterator, Callable, Iterator

import psycopg
import pytest
from aiohttp.test_utils import TestServer
from psycopg import sql

from services.applications.routes import ROUTES as APPLICATIONS
from services.notify.routes import ROUTES as NOTIFY
from shared.identity import Role
from tests.integration.gateway.conftest import Browser, whole_table
from tests.integration.gateway.test_enterprises_apart import Belongings, api, theirs  # noqa: F401  fixtures
from tests.integration.gateway.test_route_by_role import PEOPLE

# Written by the clock and not by whoever looks: when somebody was last there, once a minute, how much was answered
# in a minute, and the chains of the audits.
BY_THE_CLOCK = frozenset(
    {"identity.sessions", "identity.answer_minutes", "identity.audit_chain", "applications.audit_chain"}
)
# What may be written when somebody looks, by route. Nothing of it is what anybody typed or decided.
READ = {"applications.audit": "who has read personal data or taken a list is written down"}
TOLD = {"applications.staff_messages": "what one was told of a case is read by looking at it"}
LOOKED = {"applications.case_looks": "what a member of staff has seen is remembered"} | TOLD
REFUSED = {"identity.audit": "who asked for what is not theirs is written down"}
MADE = {
    "applications.documents": "a copy of what is there already is made, to be looked at",
    "applications.outbox": "that copy is owed, or moves up in line",
}
FILE = "/api/v1/applications/{id}/attachments/{attachment}"
MAY: dict[str, dict[str, str]] = {
    "/api/v1/applications/{id}": {
        "applications.applications": "a return has been seen by whom it was written to",
        "applications.audit": "that it was seen is written down",
    },
    FILE: READ | REFUSED,
    f"{FILE}/thumbnail": READ | REFUSED,
    f"{FILE}/pages": READ | REFUSED,
    f"{FILE}/pages/{{n}}": READ | REFUSED,
    "/api/v1/applications/{id}/commitment.pdf": MADE,
    "/api/v1/applications/{id}/workbook": READ,
    "/api/v1/rounds/{id}/form.pdf": MADE,
    "/projects/form/{id}": MADE,
    "/api/v1/applications/{id}/letters/{letter}": MADE
    | READ
    | {"applications.letters": "签收: when its enterprise first opened it"},
    "/api/v1/applications/{id}/revisions/{n}/pdf": MADE | READ,
    "/api/v1/applications/{id}/revisions/{n}/receipt.pdf": MADE,
    "/api/v1/applications/{id}/revisions/{n}/brief.pdf": MADE | READ,
    "/applications/{id}/revisions/{n}/receipt": MADE,
    "/applications/{id}/revisions/{n}/brief": MADE | READ,
    "/applications/{id}/preview": MADE,
    "/applications/{id}/revisions/{n}/pdf": MADE | READ,
    "/api/v1/review/applications/{id}/files/{file}": READ | REFUSED,
    "/api/v1/expert/applications/{id}/case": TOLD,
    "/expert/{id}": TOLD,
    "/api/v1/review/export": READ,
    "/api/v1/review/statistics/export": READ,
    "/api/v1/review/dossiers/{id}/file": READ,
    "/api/v1/review/statistics/analysis": READ,
    "/api/v1/separation/file": READ,
    "/api/v1/review/applications/{id}/case": READ | LOOKED,
    "/review/{id}": READ | LOOKED,
}
# A stream stays open; the way back from the provider begins a session, guarded by `state` and the browser's own cookie.
NOT_HERE = frozenset({"/api/v1/events", "/login/callback", "/api/v1/{rest:.+}"})


@pytest.fixture
def state(database_url: str) -> Iterator[Callable[[], dict[str, str]]]:
    """Gives a digest of every table as it is now. While PostgreSQL's snapshot is the same, so is all that it shows."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        names = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
            " AND table_schema IN ('identity', 'stub_idp', 'applications', 'notify')"
        ).fetchall()
        parts = [
            sql.SQL(
                "SELECT {name}, md5(coalesce(string_agg(md5(t::text), '' ORDER BY md5(t::text)), '')) FROM {table} t"
            ).format(name=sql.Literal(f"{schema}.{name}"), table=sql.Identifier(schema, name))
            for schema, name in names
        ]
        query = sql.SQL(" UNION ALL ").join(parts)
        seen: dict[str, dict[str, str]] = {}

        def now() -> dict[str, str]:
            # Before the digest: what is committed meanwhile makes the next snapshot another one.
            [snapshot] = connection.execute("SELECT pg_current_snapshot()::text").fetchone() or [""]
            if snapshot not in seen:
                seen[snapshot] = dict(connection.execute(query).fetchall())
            return seen[snapshot]

        yield now


def looks() -> list[tuple[str, Role | None]]:
    """(path, who opens it; None is nobody in particular) of every GET route."""
    pages = {page.path: page.roles for page in whole_table() if page.method == "GET"}
    behind = {r.path: r.roles for r in (*APPLICATIONS, *NOTIFY) if r.method == "GET" and "gateway" in r.callers}
    return [
        (path, role)
        for path, roles in sorted((pages | {p: r for p, r in behind.items() if p.startswith("/api/")}).items())
        if path not in NOT_HERE
        for role in (sorted(roles & PEOPLE.keys()) or [None])
    ]


@pytest.fixture
async def people(gateway: TestServer) -> AsyncIterator[dict[Role | None, Browser]]:
    found: dict[Role | None, Browser] = {None: Browser(gateway)}
    for role, name in PEOPLE.items():
        found[role] = await Browser(gateway).sign_in(name)
    yield found
    for browser in found.values():
        await browser.http.close()


async def test_looking_changes_nothing(
    theirs: Belongings,  # noqa: F811
    people: dict[Role | None, Browser],
    state: Callable[[], dict[str, str]],
) -> None:
    theirs.ids |= dict.fromkeys(("fund_type", "token", "secret", "event", "request", "objection"), "reward") | {
        "version": "1",
        "uscc": "91110105MA00TE5T2T",
    }
    faults: list[str] = []
    before = state()
    opened = 0
    for path, role in looks():
        answer = await people[role].go("GET", theirs.path(path), allow_redirects=False)
        opened += answer.status < 400
        assert answer.status < 500, f"{path} for {role}: {await answer.text()}"
        after = state()
        changed = {table for table in after if after[table] != before[table]} - BY_THE_CLOCK
        faults += [f"{path} for {role} writes {table}" for table in changed - MAY.get(path, {}).keys()]
        before = after
    assert not faults, "\n".join(faults)
    # Most of it was really opened, and not refused or not found.
    assert opened > 100
