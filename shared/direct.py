"""The short way to PostgreSQL, for what is asked more often than everything else together.

A statement is built of the models' columns like any other, but compiled once and given to the driver as it is, on a connection of
the engine's pool. A unit of work around one question and one write costs several times what the two do.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from sqlalchemy import Dialect, Executable
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql import ClauseElement

from shared.database import GOING

_DIALECT: Dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
Row = tuple[Any, ...]
Driver = psycopg.AsyncConnection[Row]


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection whose driver's work is committed when the block ends, and undone when it raises. For what SQLAlchemy itself
    is to do on it, `begin` it first."""
    async with engine.connect() as connection:
        yield connection
        await driver(connection).commit()


def driver(connection: AsyncConnection) -> Driver:
    """The driver's own connection, which opens a transaction with the first statement."""
    # Asked here and not through `get_raw_connection`: nothing has to be waited for.
    assert connection.sync_connection is not None
    found: Driver = connection.sync_connection.connection.driver_connection  # type: ignore[assignment]
    return found


class Statement:
    """A statement whose parameters are named by `bindparam`. JSON goes in as `psycopg.types.json.Jsonb`."""

    def __init__(self, built: Executable) -> None:
        assert isinstance(built, ClauseElement)
        compiled = built.compile(dialect=_DIALECT)
        self._text = str(compiled).encode()
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}

    async def run(self, connection: Driver, **values: Any) -> psycopg.AsyncCursor[Row]:
        """Its cursor, once the database has done it."""
        try:
            return await connection.execute(self._text, {**self._constants, **values})
        except GOING:
            # The engine, which sees no error of ours, replaces what it finds closed: the next connection may lead to the
            # right server.
            await connection.close()
            raise

    async def first(self, connection: Driver, **values: Any) -> Row | None:
        """Its first row, if there is one."""
        return await (await self.run(connection, **values)).fetchone()
