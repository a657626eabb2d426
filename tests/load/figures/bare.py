"""The bare pair: an aiohttp process that passes a request on, and one that runs the SQL of a 暂存 or of a submission and
nothing else: no sign-in, no forms, no checks, no digests, no signatures. As many bytes come back as from the real service.

`python -m tests.load.figures.bare front PORT BACK_PORT` · `… back PORT FILE`, where FILE holds the statements
that `tests.load.figures.statements` wrote down of the real service.
"""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from aiohttp import ClientSession, web

UUID_TEXT = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
HTTP = web.AppKey("http", ClientSession)
POOL: web.AppKey["asyncio.Queue[psycopg.AsyncConnection[Any]]"] = web.AppKey("pool", asyncio.Queue)


def front(back: int) -> web.Application:
    app = web.Application()

    async def session(app: web.Application) -> AsyncIterator[None]:
        async with ClientSession(auto_decompress=False) as http:
            app[HTTP] = http
            yield

    async def forward(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        url = f"http://127.0.0.1:{back}{request.path}"
        async with request.app[HTTP].request(request.method, url, data=body) as found:
            return web.Response(status=found.status, body=await found.read(), content_type="application/json")

    app.cleanup_ctx.append(session)
    app.router.add_route("*", "/{path:.*}", forward)
    return app


def back(file: Path) -> web.Application:
    app = web.Application()
    written = json.loads(file.read_text())
    numbers = count(int(written["numbers_from"]))

    async def pool(app: web.Application) -> AsyncIterator[None]:
        app[POOL] = asyncio.Queue()
        for _ in range(10):
            connection = await psycopg.AsyncConnection.connect(written["database_url"], prepare_threshold=None)
            app[POOL].put_nowait(connection)
        yield

    def fill(kind: dict[str, Any], id: str) -> list[tuple[str, dict[str, Any]]]:
        """The statements of one request: its application's id, and what was drawn anew then is drawn anew."""
        new = {old: str(uuid4()) for old in kind["drawn"]} | {kind["application"]: id}
        number = f"X{next(numbers)}"

        def change(value: Any) -> Any:
            if not isinstance(value, str):
                return value
            if kind["number"]:
                value = value.replace(kind["number"], number)
            return UUID_TEXT.sub(lambda found: new.get(found[0], found[0]), value)

        return [(text, {name: change(v) for name, v in values.items()}) for text, values in kind["statements"]]

    async def run(request: web.Request) -> web.Response:
        kind = written["kinds"][request.match_info["kind"]]
        json.loads(await request.read())
        connection = await app[POOL].get()
        try:
            async with connection.transaction():
                cursor = connection.cursor()
                for text, values in fill(kind, request.match_info["id"]):
                    await cursor.execute(text, values)
                    if cursor.description is not None:
                        await cursor.fetchall()
        finally:
            app[POOL].put_nowait(connection)
        return web.Response(text=kind["answer"], content_type="application/json")

    app.cleanup_ctx.append(pool)
    app.router.add_post("/{kind}/{id}", run)
    return app


def main() -> None:
    part, port, *rest = sys.argv[1:]
    app = front(int(rest[0])) if part == "front" else back(Path(rest[0]))
    web.run_app(app, host="127.0.0.1", port=int(port), print=None, access_log=None)


if __name__ == "__main__":
    main()
