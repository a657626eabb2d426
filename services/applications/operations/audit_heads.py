"""Keep the audit's heads in the object store: our own, and for the gateway, which has no store."""

import asyncio

from aiohttp import web
from obstore.exceptions import BaseError
from pydantic import BaseModel, ConfigDict, Field

from services.applications.core.context import STORE
from shared.audit.heads import FOLDER, LINE
from shared.errors import Unavailable
from shared.http.app import answer, body
from shared.store import Store

# Whose audit the gateway may anchor here.
IDENTITY = "identity"


class StoreHeads:
    """Anchors as objects that are named by their line."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(self, schema: str, line: str) -> None:
        """Put an anchor; `OSError` when the store does not take it."""
        try:
            await asyncio.to_thread(self._store.put, f"{FOLDER}{schema}/{line}", line.encode())
        except BaseError as error:
            raise OSError(str(error)) from error

    async def all(self, schema: str) -> list[str]:
        """Return every line that was put; `OSError` when the store does not answer."""
        found: list[str] = []
        try:
            async for page in self._store.list(f"{FOLDER}{schema}/"):
                found += [key.rpartition("/")[2] for key in page]
        except BaseError as error:
            raise OSError(str(error)) from error
        return found


class HeadLine(BaseModel):
    """An anchor of the gateway's audit, made with its own key."""

    model_config = ConfigDict(extra="forbid")

    line: str = Field(pattern=f"^{LINE.pattern}$")


class HeadLines(BaseModel):
    """Every anchor of the gateway's audit."""

    lines: list[str]


async def keep_head(request: web.Request) -> web.Response:
    """Keep an anchor of the gateway's audit; the same twice changes nothing."""
    try:
        await StoreHeads(request.app[STORE]).put(IDENTITY, body(request, HeadLine).line)
    except OSError as error:
        raise Unavailable from error
    return web.Response(status=204)


async def list_heads(request: web.Request) -> web.Response:
    """Return every anchor of the gateway's audit."""
    try:
        return answer(HeadLines(lines=await StoreHeads(request.app[STORE]).all(IDENTITY)))
    except OSError as error:
        raise Unavailable from error
