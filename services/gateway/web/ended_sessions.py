"""Cut off what is still going on in a session that has ended: files on their way in, answers that are still being passed on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import web

from services.gateway.accounts.session_watch import End, SessionWatch
from shared.database import BUSY
from shared.live_hints import end

# An answer that is passed on as it comes.
STREAMING = web.RequestKey("streaming", bool)
WATCH = web.AppKey("session_watch", SessionWatch)


def cut(request: web.Request, *, transfer: bool) -> End:
    """Ends a request whose session has ended: a file on its way in, or an answer that is still being passed on. What is being
    carried out is finished, and its short answer sent."""

    def stop() -> None:
        if (transfer or request.get(STREAMING)) and request.transport is not None:
            request.transport.abort()

    return stop


async def note_streaming(request: web.Request, response: web.StreamResponse) -> None:
    """For every answer, before it begins. Live notices end by themselves, in good order."""
    if not isinstance(response, web.Response) and response.content_type != "text/event-stream":
        request[STREAMING] = True


async def watching_sessions(app: web.Application) -> AsyncIterator[None]:
    """Look while the gateway runs."""
    with suppress(*BUSY):
        await app[WATCH].look()
    task = asyncio.create_task(app[WATCH].run())
    yield
    await end(task)
