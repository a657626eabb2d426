"""The SQL of the real service, written down while it answers one 暂存 and one submission."""

import json
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from psycopg.types.json import Json, Jsonb
from sqlalchemy import event

from services.applications.app import create_app
from services.applications.context import SESSIONS
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


class Writer:
    """Runs the service in this process and writes down what it asks of the database."""

    def __init__(self, settings: ApplicationsSettings) -> None:
        self._app = create_app(settings)
        self._said: list[tuple[str, dict[str, Any]]] = []

    async def write(
        self, call: Callable[[TestClient[web.Request, web.Application]], Awaitable[Any]], id: str, known: set[str]
    ) -> dict[str, Any]:
        """The statements of one call about application `id`. `known`: ids that stay what they are."""
        async with TestClient(TestServer(self._app)) as client:
            engine = self._app[SESSIONS].kw["bind"].sync_engine

            def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, many: bool) -> None:
                for one in parameters if many else [parameters]:
                    self._said.append((statement, {k: plain(v) for k, v in dict(one or {}).items()}))

            event.listen(engine, "before_cursor_execute", note)
            answer = await call(client)
        text = json.dumps(self._said, ensure_ascii=False)
        return {
            "application": id,
            "drawn": sorted(set(UUID_TEXT.findall(text)) - known - {id}),
            "number": answer,
            "statements": self._said,
        }
