"""Pass `/api/v1` on: check whose path it is and how large a body may be, and stream both ways."""

from collections.abc import AsyncIterator

from aiohttp import web

from services.gateway.web.context import SERVICES, SETTINGS
from services.gateway.web.relay import CHUNK, relay
from shared.errors import TooLarge
from shared.http.intake import TAKEN


async def forward(request: web.Request) -> web.StreamResponse:
    """One call of the public contract, handed to the service that owns it."""
    # A path that nobody owns is refused before anything of its body is read.
    request.app[SERVICES].owner(request.raw_path.partition("?")[0])
    limit = request.app[SETTINGS].max_upload_mb * 1024 * 1024
    if (request.content_length or 0) > limit:
        raise TooLarge
    body: AsyncIterator[bytes] | bytes | None = None
    if request.body_exists:
        body = request[TAKEN] if TAKEN in request else _counted(request, limit)
    return await relay(request, request.method, request.raw_path.partition("#")[0], body)


async def _counted(request: web.Request, limit: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in request.content.iter_chunked(CHUNK):
        size += len(chunk)
        if size > limit:
            raise TooLarge
        yield chunk
