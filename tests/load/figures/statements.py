"""The SQL of the real service, written down while it answers one 暂存 and one submission: at the driver, so that nothing is
missed, whichever way it takes there."""

import json
from collections.abc import Awaitable, Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

import psycopg
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from psycopg.types.json import Json, Jsonb
from sqlalchemy import event

from services.applications.app import create_app
from services.applications.core.context import ENGINE
from services.applications.settings import ApplicationsSettings
from tests.load.figures.bare import UUID_TEXT


def plain(value: Any) -> Any:
    """A parameter as JSON has it; PostgreSQL reads it again by the casts that stand in the statement."""
    match value:
        case Json() | Jsonb():
            return json.dumps(value.obj, ensure_ascii=False)
        case UUID() | Decimal():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case bytes() | memoryview():
            return f"\\x{bytes(value).hex()}"
        case list() | tuple():
            return [plain(one) for one in value]
    return value


Said = list[tuple[str, dict[str, Any]]]


def noting(said: Said) -> type[psycopg.AsyncCursor[Any]]:
    """A cursor that writes down what it is given."""

    class Noting(psycopg.AsyncCursor[Any]):
        def _note(self, query: Any, values: Any) -> None:
            text = query.decode() if isinstance(query, bytes) else str(query)
            said.append((text, {name: plain(value) for name, value in dict(values or {}).items()}))

        async def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
            self._note(query, params)
            return await super().execute(query, params, **options)

        async def executemany(self, query: Any, params_seq: Iterable[Any], **options: Any) -> None:
            listed = list(params_seq)
            for one in listed:
                self._note(query, one)
            await super().executemany(query, listed, **options)

    return Noting


class Writer:
    """Runs the service in this process and writes down what it asks of the database."""

    def __init__(self, settings: ApplicationsSettings) -> None:
        self._app = create_app(settings)

    async def write(
        self,
        call: Callable[[TestClient[web.Request, web.Application]], Awaitable[tuple[str, str]]],
        id: str,
        known: set[str],
    ) -> dict[str, Any]:
        """The statements of one call about application `id`, which gives back the number that was drawn and its answer.
        `known`: ids that stay what they are."""
        said: Said = []
        async with TestClient(TestServer(self._app)) as client:
            engine = self._app[ENGINE]

            @event.listens_for(engine.sync_engine, "connect")
            def equip(connection: Any, _: Any) -> None:
                connection.driver_connection.cursor_factory = noting(said)

            # What a connection is asked once, when it is opened, is no part of a request.
            async with engine.connect():
                said.clear()
            number, answer = await call(client)
        text = json.dumps(said, ensure_ascii=False)
        return {
            "application": id,
            "drawn": sorted(set(UUID_TEXT.findall(text)) - known - {id}),
            "number": number,
            "answer": answer,
            "statements": said,
        }
