"""Relay a service's answer to a browser: pass on what the contract names and nothing else, as fast as it is read."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import ClientResponse, web

from services.gateway.accounts.accounts import refused
from services.gateway.web.access import actor
from services.gateway.web.addresses import client_address
from services.gateway.web.backend import UPLOAD, streaming
from services.gateway.web.context import DATABASE, SERVICES, SESSION
from services.gateway.web.resubmission import own_ticket
from services.gateway.web.slow_readers import SLOW_READERS
from shared import tickets
from shared.http.app import REQUEST_ID
from shared.http.framing import ANNOUNCED, abort
from shared.overload.priority import Priority, priority_of

# Named, not filtered: a header that is not here cannot be smuggled in, least of all somebody's Authorization.
TO_SERVICE = ("Accept", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "Range")
TO_CLIENT = (
    "Accept-Ranges", "Content-Disposition", "Content-Range", "Content-Type", "ETag", "Location", "Retry-After",
)  # fmt: skip
# Answers that end with their headers, whatever these say.
BODILESS = frozenset({204, 304})
# Whoever does not take a chunk in this many seconds does not read any more.
SLOWEST_READER = 60
CHUNK = 128 * 1024
# What fits into one read is passed on in one piece: each piece more is a system call here and a wake-up there.
SMALL = 64 * 1024
# Below this a compressed answer arrives no sooner: it leaves in one go either way.
WORTH_COMPRESSING = 4096


async def relay(
    request: web.Request, method: str, target: str, body: AsyncIterator[bytes] | bytes | None = None
) -> web.StreamResponse:
    """The service's own answer to `target`; what is large is streamed to whoever made the request."""
    services = request.app[SERVICES]
    path = target.partition("?")[0]
    headers = {name: request.headers[name] for name in TO_SERVICE if name in request.headers}
    if ticket := own_ticket(request):
        headers[tickets.HEADER] = ticket
    if body is not None and not isinstance(body, bytes):
        # What is to come, for a service that refuses before it reads. It frames nothing.
        headers[ANNOUNCED] = str(request.content_length or 0)
    async with services.reach(
        services.owner(path),
        method,
        target,
        actor=actor(request, path),
        request_id=request[REQUEST_ID],
        headers=headers,
        body=body,
        limits=UPLOAD if priority_of(method, path) is Priority.TRANSFER else streaming(),
    ) as found:
        if found.status == 403:
            who = request[SESSION].subject
            await refused(request.app[DATABASE], who, client_address(request), request.method, request.path)
        named = {name: found.headers[name] for name in TO_CLIENT if name in found.headers}
        length = found.content_length
        compressed = "json" in found.content_type and (length or 0) > WORTH_COMPRESSING and method != "HEAD"
        if method != "HEAD" and (found.status in BODILESS or (length is not None and length <= SMALL)):
            answer: web.StreamResponse = web.Response(status=found.status, headers=named, body=await found.read())
        else:
            answer = web.StreamResponse(status=found.status, headers=named)
            if not compressed:
                # An answer that breaks off short of it ends the connection.
                answer.content_length = length
        if compressed:
            answer.headers["Vary"] = "Accept-Encoding"
            answer.enable_compression()
        if isinstance(answer, web.Response):
            return answer
        return await _passed_on(request, answer, found, str(request[SESSION].account))


async def relay_public(request: web.Request, path: str) -> web.StreamResponse:
    """A file that applications gives to everybody, passed on as it is read; whatever else it answers, as our own error."""
    async with request.app[SERVICES].open_file("applications", path, request[REQUEST_ID]) as found:
        named = {name: found.headers[name] for name in TO_CLIENT if name in found.headers}
        answer = web.StreamResponse(headers={**named, "X-Content-Type-Options": "nosniff"})
        answer.content_length = found.content_length
        return await _passed_on(request, answer, found, client_address(request))


async def _passed_on(
    request: web.Request, answer: web.StreamResponse, found: ClientResponse, reader: str
) -> web.StreamResponse:
    """Pass on what a service's answer holds, as fast as `reader` takes it."""
    await answer.prepare(request)
    with request.app[SLOW_READERS].reading(request, reader) as reading:
        async for chunk in found.content.iter_chunked(CHUNK):
            try:
                async with asyncio.timeout(SLOWEST_READER):
                    with reading.piece():
                        await answer.write(chunk)
            except TimeoutError:
                # The service has answered: who does not read is no outage of it.
                abort(request)
                raise ConnectionResetError from None
    await answer.write_eof()
    return answer
