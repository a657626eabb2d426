"""The way into a service: so many requests are worked on at once, so many more wait, the rest is told at once to come again. Whoever
matters more goes first (`places`); here are the event loop, the metrics and the time that is left.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import NoReturn

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import Counter, Gauge, Histogram

from shared.errors import NotSignedIn, Overloaded
from shared.http.app import EDGE, caller_of, from_services
from shared.overload import crowd, deadline, pressure, priority
from shared.overload.places import PATIENCE, Places
from shared.overload.pressure import Pressure
from shared.overload.priority import Priority, priority_of

log = logging.getLogger(__name__)

INSIDE = Gauge("gm_door_inside", "Requests being worked on", ["service", "rank"])
SHED = Counter("gm_door_shed", "Requests that were told to come again", ["service", "rank"])
WAITED = Histogram(
    "gm_door_wait_seconds", "Time in line", ["service", "rank"], buckets=(0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10)
)

# How long an answer is worth working for, unless its caller waits less.
WORTH = {Priority.SUBMIT: 12.0, Priority.WRITE: 10.0, Priority.READ: 6.0, Priority.LATER: 10.0}
# When to come again with a file that had to be sent away: by chance between these.
FILE_AGAIN = (10, 30)
# The milliseconds that a request stood in line, said to the service that asked.
LINE = "GM-Waited"
# How much the last answer counts in what an answer usually takes.
LATEST_SHARE = 0.1
# Shorter waits are not worth a header.
LEAST_SAID = 0.005

Ranker = Callable[[web.Request], Awaitable[Priority | None]]
Noter = Callable[[float], None]


async def by_path(request: web.Request) -> Priority | None:
    """Return the rank that method, path and length give."""
    return priority_of(request.method, request.path, request.content_length if request.body_exists else 0)


def _unheard(_: float) -> None:
    """Nobody adapts to what requests wait here."""


def _carried(request: web.Request) -> Priority | None:
    """Return the priority that our own service's token gives a request; None for all others, least of all what comes from outside."""
    if request.app[EDGE] or "Authorization" not in request.headers:
        return None
    try:
        return caller_of(request).priority
    except NotSignedIn:
        # The route says so.
        return None


class _Place(AbstractAsyncContextManager[None]):
    """As a generator would do it, which every request would pay for."""

    def __init__(self, door: "AdmissionControl", rank: Priority, sure: bool) -> None:
        self._door, self._rank, self._sure = door, rank, sure

    async def __aenter__(self) -> None:
        await self._door.enter(self._rank, sure=self._sure)

    async def __aexit__(self, *_: object) -> None:
        self._door.leave(self._rank)


class Turns:
    """What a file on its way does among the other requests: each of its transactions takes one of their places, as what is written or
    read does, and waits for it as long as a file waits. `waited`: the seconds that took."""

    def __init__(self, door: "AdmissionControl", method: str) -> None:
        self._door = door
        self._rank = Priority.READ if method in priority.READS else Priority.WRITE
        self.waited = 0.0

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        self.waited += await self._door.enter(self._rank, sure=True, patience=PATIENCE[Priority.TRANSFER])
        try:
            yield
        finally:
            self._door.leave(self._rank)


TURNS = web.RequestKey("turns", Turns)


def turn(request: web.Request) -> AbstractAsyncContextManager[None]:
    """Give a request its place for a transaction: nothing to wait for where it holds one all the time."""
    return request[TURNS].take() if TURNS in request else nullcontext()


class AdmissionControl:
    """`places` requests inside, `line` waiting; `transfers` files under way beside them. Of one event loop. `note` hears how long each
    request waited."""

    def __init__(self, service: str, *, places: int, line: int, transfers: int, note: Noter = _unheard) -> None:
        self._service = service
        self._places = Places(most=places, line=line, transfers=transfers)
        self._note = note
        self._pressure = Pressure()
        self._usual = dict.fromkeys(Priority, 0.0)
        self._shown = {rank: INSIDE.labels(service, rank.name) for rank in Priority}
        self._waited = {rank: WAITED.labels(service, rank.name) for rank in Priority}

    def inside(self, rank: Priority, *, sure: bool = False) -> AbstractAsyncContextManager[None]:
        """Return a place for as long as the block lasts, or `Overloaded`."""
        return _Place(self, rank, sure)

    async def enter(self, rank: Priority, *, sure: bool = False, patience: float | None = None) -> float:
        """Take a place, or `Overloaded`; whoever has one must `leave`. Return the seconds it took. `sure`: another door let this
        request in, so it waits as long as its time lasts, or `patience` seconds, however long the line is."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        if not self._places.enter(rank):
            await self._wait(rank, sure, patience)
        waited = loop.time() - began
        self._waited[rank].observe(waited)
        self._note(waited)
        self._shown[rank].set(self._places.inside[rank])
        return waited

    def leave(self, rank: Priority) -> None:
        """Give the place back to whoever is next."""
        self._places.leave(rank, asyncio.get_running_loop().time())
        self._shown[rank].set(self._places.inside[rank])

    async def _wait(self, rank: Priority, sure: bool, most: float | None) -> None:
        loop = asyncio.get_running_loop()
        patience = deadline.left(most or (WORTH.get(rank, PATIENCE[rank]) if sure else PATIENCE[rank]))
        admitted: asyncio.Future[bool] = loop.create_future()

        def said(yes: bool) -> None:
            if not admitted.done():
                admitted.set_result(yes)

        mine = self._places.wait(rank, loop.time(), said, sure=sure)
        if mine is None:
            self._shed(rank)
        timer = loop.call_later(patience, said, False)
        try:
            await admitted
        except asyncio.CancelledError:
            self._places.give_up(mine)
            # Admitted in the very moment in which it gave up: the place goes to the next.
            if mine.admitted:
                self.leave(rank)
            raise
        finally:
            timer.cancel()
        if not mine.admitted:
            self._note(patience)
            self._places.give_up(mine)
            self._shed(rank)

    def _shed(self, rank: Priority) -> NoReturn:
        SHED.labels(self._service, rank.name).inc()
        again = random.randint(*FILE_AGAIN) if rank is Priority.TRANSFER else crowd.again(0, random.random())  # noqa: S311  no secret
        raise Overloaded(retry_after=again)

    def middleware(self, rank_for: Ranker = by_path) -> Middleware:
        """Return every request through this door, with the time it has left."""

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            rank = await rank_for(request)
            if rank is None:
                deadline.forget()
                return await handler(request)
            if from_services(request, pressure.HEADER):
                self._pressure.heard(asyncio.get_running_loop().time())
            asked = deadline.read(from_services(request, deadline.HEADER))
            if rank is Priority.TRANSFER:
                deadline.forget()
            else:
                deadline.begin(WORTH[rank] if asked is None else min(WORTH[rank], asked))
            carried = _carried(request)
            if carried is not None and rank is not Priority.TRANSFER:
                rank = carried
            if (
                carried is None
                and rank is Priority.LATER
                and self._pressure.lets_rest(asyncio.get_running_loop().time())
            ):
                # A worker, for which nobody waits here.
                self._shed(rank)
            priority.carry(rank)
            waited = await self.enter(rank, sure=carried is not None)
            if rank is Priority.TRANSFER:
                turns = request[TURNS] = Turns(self, request.method)
            began = asyncio.get_running_loop().time()
            try:
                if deadline.over(self._usual[rank]):
                    # Whoever asked has gone, or would be gone before the end: work that nobody sees helps nobody.
                    self._shed(rank)
                answer = await handler(request)
                if rank is Priority.TRANSFER:
                    waited += turns.waited
                if waited >= LEAST_SAID and not answer.prepared and not request.app[EDGE]:
                    answer.headers[LINE] = str(round(waited * 1000))
                return answer
            finally:
                # What was not begun counts as short, so that nobody is sent away for what took long once.
                took = asyncio.get_running_loop().time() - began
                self._usual[rank] += (took - self._usual[rank]) * LATEST_SHARE
                self.leave(rank)

        return middleware
