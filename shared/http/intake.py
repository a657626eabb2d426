"""Take in the bodies of requests before the requests take a place at the door: a slow line costs nobody else anything.

A small body is read whole, within a time that grows with its length. A large one is read by its handler and must keep a minimum
rate. From one sender, and in all, so much comes in at once.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from shared import codes
from shared.errors import Malformed, Overloaded, TooMany, TooSlow
from shared.http import framing
from shared.overload.priority import LARGE

# Seconds that anybody may hesitate, and the bytes a second that a line must bring after that.
GRACE, LEAST = 10.0, 8 * 1024
# Of small bodies under way, in all.
ROOM = 64 * 1024 * 1024
LOOK_SECONDS = 1.0

# A small body, read.
TAKEN: web.RequestKey[bytes] = web.RequestKey("taken", bytes)
_STREAMING = web.RequestKey("streaming", bool)
# Who is counted for a request's body, and how many of theirs may come in at once. The flag: the body is large.
Senders = Callable[[web.Request, bool], Awaitable[Sequence[tuple[str, int]]]]


async def uncounted(_: web.Request, __: bool) -> Sequence[tuple[str, int]]:
    """Behind the gateway, which has counted."""
    return ()


def readable(request: web.Request) -> bool:
    """Tell whether there is a body that may be read: one that was refused stays where it is."""
    return TAKEN in request or (_STREAMING in request and not request.content.at_eof())


class Intake:
    """Of one event loop. `measured`: a body must say its length."""

    def __init__(
        self,
        senders: Senders = uncounted,
        *,
        measured: bool = False,
        grace: float = GRACE,
        least: int = LEAST,
        room: int = ROOM,
    ) -> None:
        self._senders = senders
        self._measured = measured
        self._grace, self._least, self._room = grace, least, room
        self._coming: Counter[str] = Counter()

    def middleware(self) -> Middleware:
        """Return every request with a body through this."""

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not request.body_exists:
                return await handler(request)
            length = request.content_length
            if length is None and self._measured:
                raise Malformed("请求缺少 Content-Length。", code=codes.LENGTH_REQUIRED)
            if length is not None and length <= LARGE:
                await self._take(request, length)
                return await handler(request)
            senders = await self._count(request, large=True)
            watch = asyncio.create_task(self._watch(request))
            request[_STREAMING] = True
            try:
                await framing.invite(request)
                return await handler(request)
            finally:
                watch.cancel()
                self._forget(senders)

        return middleware

    async def _take(self, request: web.Request, length: int) -> None:
        if request.content.is_eof():
            # All of it came with the headers: there is nothing to wait for, so there is nothing to count.
            request[TAKEN] = await request.read()
            return
        senders = await self._count(request, large=False)
        if length > self._room:
            self._forget(senders)
            raise Overloaded
        self._room -= length
        try:
            await framing.invite(request)
            async with asyncio.timeout(self._grace + length / self._least):
                request[TAKEN] = await request.read()
        except TimeoutError:
            raise TooSlow from None
        finally:
            self._room += length
            self._forget(senders)

    async def _count(self, request: web.Request, *, large: bool) -> Sequence[str]:
        senders = await self._senders(request, large)
        if any(self._coming[name] >= most for name, most in senders):
            raise TooMany("同时发送的内容过多，请稍后再试。", code=codes.TOO_MANY_BODIES)
        names = [name for name, _ in senders]
        self._coming.update(names)
        return names

    def _forget(self, senders: Sequence[str]) -> None:
        for name in senders:
            self._coming[name] -= 1
            if not self._coming[name]:
                del self._coming[name]

    async def _watch(self, request: web.Request) -> None:
        """Break off a body that comes too slowly. Seconds in which we do not read are ours, not the sender's."""
        content, began, waited = request.content, request.content.total_bytes, 0.0
        with suppress(asyncio.CancelledError):
            while not content.is_eof():
                await asyncio.sleep(LOOK_SECONDS)
                if request.protocol._reading_paused:
                    continue
                waited += LOOK_SECONDS
                if content.total_bytes - began < (waited - self._grace) * self._least and not content.is_eof():
                    content.set_exception(TooSlow())
                    return
