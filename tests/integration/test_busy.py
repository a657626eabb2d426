"""What is busy, try again, and what is a mistake of ours: told apart by a real database's own errors."""

import io
import json
import logging
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import Engine, bindparam, column, func, insert, select, table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.pool import QueuePool

from shared.database import BUSY, async_engine, engine
from shared.http.app import Route, base_app
from shared.identity import Verifier
from shared.observability import logs
from shared.settings import DatabaseSettings
from tests import factories


@pytest.fixture(scope="module")
def settings(database_url: str) -> DatabaseSettings:
    made = DatabaseSettings(
        database_url=database_url,  # type: ignore[arg-type]
        database_pool_size=2,
        database_pool_timeout=0.2,
        signing_key=factories.private_key("notify"),
        trusted_keys=factories.trusted_keys(),  # type: ignore[arg-type]
    )
    database = engine(made)
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE things (id int PRIMARY KEY, parent int REFERENCES things)"))
        connection.execute(text("INSERT INTO things VALUES (1), (2)"))
    database.dispose()
    return made


@pytest.fixture
def database(settings: DatabaseSettings) -> Iterator[Engine]:
    made = engine(settings)
    yield made
    made.dispose()


MISTAKES = {
    "a second of its kind": "INSERT INTO things VALUES (1)",
    "whose parent is not there": "INSERT INTO things VALUES (3, 99)",
    "nothing": "INSERT INTO things VALUES (NULL)",
    "too large": "SELECT 99999999999::int",
    "not a number": "SELECT 'x'::int",
    "by zero": "SELECT 1 / 0",
    "not SQL": "SELEC 1",
    "no such table": "SELECT * FROM nowhere",
    "no such column": "SELECT nothing FROM things",
}
GOING = {
    "the server ends the session": "SELECT pg_terminate_backend(pg_backend_pid())",
    "the statement takes too long": "SET LOCAL statement_timeout = 20; SELECT pg_sleep(2)",
    "the server became a standby": "SET TRANSACTION READ ONLY; INSERT INTO things VALUES (4)",
    "two transactions met": "DO $$ BEGIN RAISE serialization_failure; END $$",
    "each waits for the other": "DO $$ BEGIN RAISE deadlock_detected; END $$",
    "no connection is left": "DO $$ BEGIN RAISE too_many_connections; END $$",
    "the disk is full": "DO $$ BEGIN RAISE disk_full; END $$",
}


@pytest.mark.parametrize("statement", MISTAKES.values(), ids=MISTAKES)
def test_what_the_database_refuses_for_good_is_not_busy(database: Engine, statement: str) -> None:
    with pytest.raises(DBAPIError) as caught, database.begin() as connection:
        connection.execute(text(statement))
    assert not isinstance(caught.value, BUSY)


@pytest.mark.parametrize("statements", GOING.values(), ids=GOING)
def test_what_passes_is_busy(database: Engine, statements: str) -> None:
    *before, last = [statements] if "$$" in statements else statements.split("; ")
    with database.connect() as connection:
        for statement in before:
            connection.execute(text(statement))
        with pytest.raises(BUSY):
            connection.execute(text(last))


def test_locks_and_a_full_pool_are_busy(database: Engine) -> None:
    with database.begin() as one, database.begin() as other:
        one.execute(text("SELECT * FROM things FOR UPDATE"))
        with pytest.raises(BUSY):
            database.connect()
        other.execute(text("SET LOCAL lock_timeout = 20"))
        with pytest.raises(BUSY):
            other.execute(text("SELECT * FROM things FOR UPDATE"))


def test_a_session_ended_for_idling_is_busy_and_leaves_the_pool(database: Engine) -> None:
    with database.connect() as connection:
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 20"))
        time.sleep(0.3)
        with pytest.raises(BUSY):
            connection.execute(text("SELECT 1"))
    with database.begin() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_what_is_asked_often_is_prepared_until_a_migration_outlives_it(database: Engine) -> None:
    """Two connections that have prepared the same; what it gives changes under both."""
    prepared, often = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%kinds%'"), 8
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE kinds (id int)"))

    def ask() -> None:
        with database.begin() as connection:
            assert connection.execute(text("SELECT * FROM kinds")).all() == []

    with database.connect() as other:
        for _ in range(often):
            ask()
            other.execute(text("SELECT * FROM kinds"))
        assert other.scalar(prepared) == 1
        other.commit()
        with database.begin() as connection:
            assert connection.scalar(prepared) == 1
            connection.execute(text("ALTER TABLE kinds ADD COLUMN name text"))
        with pytest.raises(BUSY):
            other.execute(text("SELECT * FROM kinds"))
    # Asked on new connections from here on.
    for _ in range(often):
        ask()


async def test_async_connections_leave_a_standby_too(settings: DatabaseSettings) -> None:
    """A server that became a standby answers pings as before: what was refused there must not come back from the pool."""
    database = async_engine(settings)
    write = insert(table("things", column("id"))).values(id=bindparam("id"))
    asked: list[object] = []

    async def add(*before: str) -> None:
        async with database.begin() as connection:
            asked.append(await connection.scalar(select(func.pg_backend_pid())))
            for statement in before:
                await connection.execute(text(statement))
            await connection.execute(write, {"id": 77})

    try:
        with pytest.raises(BUSY):
            await add("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET TRANSACTION READ ONLY")
        await add()
        assert asked[0] != asked[1]
    finally:
        await database.dispose()


async def test_a_session_on_a_connection_shares_its_transaction(settings: DatabaseSettings) -> None:
    """暂存 works on a connection, and opens a session on it where more is asked: both are kept, or neither."""
    database = async_engine(settings)
    write = insert(table("things", column("id"))).values(id=bindparam("id"))
    kept = text("SELECT id FROM things WHERE id BETWEEN 80 AND 89 ORDER BY id")

    async def add(id: int, *, session: bool, fails: bool = False) -> None:
        async with database.begin() as connection:
            await connection.execute(write, {"id": id})
            if session:
                async with AsyncSession(bind=connection) as work:
                    assert id in (await work.scalars(kept)).all()
                    await work.execute(write, {"id": id + 1})
                    await work.flush()
                    assert not fails, "and now?"
            assert not fails, "and now?"

    try:
        await add(80, session=False)
        await add(82, session=True)
        for session in (False, True):
            with pytest.raises(AssertionError, match="and now"):
                await add(86, session=session, fails=True)
        async with database.connect() as connection:
            assert (await connection.scalars(kept)).all() == [80, 82, 83]
        pool = database.sync_engine.pool
        assert isinstance(pool, QueuePool)
        assert pool.checkedout() == 0
    finally:
        await database.dispose()


@pytest.fixture
async def client(settings: DatabaseSettings) -> AsyncIterator[TestClient]:
    database: AsyncEngine = async_engine(settings)

    async def ask(request: web.Request) -> web.Response:
        async with database.begin() as connection:
            await connection.execute(text((MISTAKES | GOING)[request.query["what"]]))
        return web.Response()

    app = base_app("test", Verifier("test", settings.trusted_keys), [Route("GET", "/ask", ask)], busy=BUSY)
    async with TestClient(TestServer(app)) as made:
        yield made
    await database.dispose()


async def test_a_mistake_is_told_as_one_and_found_by_its_reference(client: TestClient) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.JsonLine("test"))
    web_log = logging.getLogger("shared.http")
    web_log.addHandler(handler)
    try:
        answer = await client.get("/ask", params={"what": "a second of its kind"})
    finally:
        web_log.removeHandler(handler)
    told = json.loads(await answer.text())
    # Who tries again gets the same: nothing says that they should.
    assert (answer.status, told["type"], "Retry-After" in answer.headers) == (500, "internal", False)
    assert "things" not in json.dumps(told)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    [line] = [line for line in lines if line["message"] == "unexpected error"]
    assert (line["level"], line["request_id"]) == ("error", told["request_id"])
    assert "UniqueViolation" in line["exception"]


async def test_what_passes_is_told_with_a_time_to_try_again(client: TestClient) -> None:
    answer = await client.get("/ask", params={"what": "the server ends the session"})
    assert (answer.status, (await answer.json())["type"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
