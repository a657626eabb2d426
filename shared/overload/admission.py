"""The way into a service: so many requests are worked on at once, so many more wait, the rest is told at once to come
again. Whoever matters more goes first, and what matters less never takes every place.
"""

import asyncio
import heapq
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from itertools import count

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import Counter, Gauge, Histogram

from shared.errors import Overloaded
from shared.http.app import from_services
from shared.overload import deadline
from shared.overload.priority import Priority, priority_of

log = logging.getLogger(__name__)

INSIDE = Gauge("gm_door_inside", "Requests being worked on", ["service", "rank"])
SHED = Counter("gm_door_shed", "Requests that were told to come again", ["service", "rank"])
WAITED = Histogram(
    "gm_door_wait_seconds", "Time in line", ["service", "rank"], buckets=(0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10)
)

# The share of the places that a rank may take, and how long it stands in line: seconds that a person would wait.
SHARE = {Priority.SUBMIT: 1.0, Priority.WRITE: 0.9, Priority.READ: 0.7, Priority.DOCUMENT: 0.4}
# A file waits before a byte of it is read, which costs a socket; sent away it would have to come whole once more.
PATIENCE = {
    Priority.SUBMIT: 8.0,
    Priority.WRITE: 4.0,
    Priority.READ: 1.5,
    Priority.DOCUMENT: 0.5,
    Priority.TRANSFER: 20.0,
}
# How long an answer is worth working for, unless its caller waits less.
WORTH = {Priority.SUBMIT: 12.0, Priority.WRITE: 10.0, Priority.READ: 6.0, Priority.DOCUMENT: 10.0}
# When to come again: by chance between these, so that those who were sent away together do not return together.
AGAIN = (2, 8)
FILE_AGAIN = (10, 30)


@dataclass(order=True)
class _Waiting:
    rank: Priority
    number: int
    admitted: asyncio.Future[bool] = field(compare=False)


def _same_places(one: Priority, other: Priority) -> bool:
    """Transfers have places of their own."""
    return (one is Priority.TRANSFER) == (other is Priority.TRANSFER)


Ranker = Callable[[web.Request], Awaitable[Priority | None]]


async def by_path(request: web.Request) -> Priority | None:
    """Return the rank that method, path and length give."""
    return priority_of(request.method, request.path, request.content_length if request.body_exists else 0)


class _Place(AbstractAsyncContextManager[None]):
    """As a generator would do it, which every request would pay for."""

    def __init__(self, door: "AdmissionControl", rank: Priority) -> None:
        self._door, self._rank = door, rank

    async def __aenter__(self) -> None:
        await self._door.enter(self._rank)

    async def __aexit__(self, *_: object) -> None:
        self._door.leave(self._rank)


class AdmissionControl:
    """`places` requests inside, `line` waiting; `transfers` files under way beside them. Of one event loop."""

    def __init__(self, service: str, *, places: int, line: int, transfers: int) -> None:
        self._service = service
        self._places = places
        self._most_waiting = line
        self._transfers = transfers
        self._inside = dict.fromkeys(Priority, 0)
        self._shown = {rank: INSIDE.labels(service, rank.name) for rank in Priority}
        self._waited = {rank: WAITED.labels(service, rank.name) for rank in Priority}
        self._line: list[_Waiting] = []
        self._numbers = count()

    def inside(self, rank: Priority) -> AbstractAsyncContextManager[None]:
        """Return a place for as long as the block lasts, or `Overloaded`."""
        return _Place(self, rank)

    async def enter(self, rank: Priority) -> None:
        """Take a place, or `Overloaded`; whoever has one must `leave`."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        if not (self._free(rank) and not self._somebody_before(rank)):
            await self._wait(rank)
        else:
            self._inside[rank] += 1
        self._waited[rank].observe(loop.time() - began)
        self._shown[rank].set(self._inside[rank])

    def leave(self, rank: Priority) -> None:
        """Give the place back to whoever is next."""
        self._inside[rank] -= 1
        self._shown[rank].set(self._inside[rank])
        self._admit()

    def _free(self, rank: Priority) -> bool:
        if rank is Priority.TRANSFER:
            return self._inside[rank] < self._transfers
        if sum(self._inside[r] for r in SHARE) >= self._places:
            return False
        # Its own and all that matters less together: reads and PDFs cannot add up to every place.
        own = sum(self._inside[r] for r in SHARE if r >= rank)
        return own < max(1, int(self._places * SHARE[rank]))

    def _somebody_before(self, rank: Priority) -> bool:
        return any(w.rank <= rank and _same_places(w.rank, rank) and not w.admitted.done() for w in self._line)

    async def _wait(self, rank: Priority) -> None:
        patience = deadline.left(PATIENCE[rank])
        if not self._make_room(rank):
            self._shed(rank)
        me = _Waiting(rank, next(self._numbers), asyncio.get_running_loop().create_future())
        heapq.heappush(self._line, me)
        try:
            async with asyncio.timeout(patience):
                if await me.admitted:
                    return
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            self._leave(me)
            raise
        self._leave(me)
        self._shed(rank)

    def _make_room(self, rank: Priority) -> bool:
        """Tell whether there is room in line; whoever matters least goes for somebody who matters more."""
        self._line = [w for w in self._line if not w.admitted.done()]
        heapq.heapify(self._line)
        if len(self._line) < self._most_waiting:
            return True
        last = max(self._line, default=None)
        if last is None or last.rank <= rank:
            return False
        last.admitted.set_result(False)
        self._line.remove(last)
        heapq.heapify(self._line)
        return True

    def _leave(self, me: _Waiting) -> None:
        if me in self._line:
            self._line.remove(me)
            heapq.heapify(self._line)
        # Admitted in the very moment in which it gave up: the place goes to the next.
        if me.admitted.done() and not me.admitted.cancelled() and me.admitted.result():
            self._inside[me.rank] -= 1
            self._admit()

    def _admit(self) -> None:
        kept = []
        while self._line:
            # Files stand last: where no place of theirs is free, nobody behind the first of them gets in.
            if self._inside[Priority.TRANSFER] >= self._transfers and (
                self._line[0].rank is Priority.TRANSFER or sum(self._inside[r] for r in SHARE) >= self._places
            ):
                break
            first = heapq.heappop(self._line)
            if first.admitted.done():
                continue
            if self._free(first.rank):
                self._inside[first.rank] += 1
                first.admitted.set_result(True)
            else:
                kept.append(first)
        for one in kept:
            heapq.heappush(self._line, one)

    def _shed(self, rank: Priority) -> None:
        SHED.labels(self._service, rank.name).inc()
        again = FILE_AGAIN if rank is Priority.TRANSFER else AGAIN
        raise Overloaded(retry_after=random.randint(*again))  # noqa: S311  no secret

    def middleware(self, rank_for: Ranker = by_path) -> Middleware:
        """Return every request through this door, with the time it has left."""

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            rank = await rank_for(request)
            if rank is None:
                deadline.forget()
                return await handler(request)
            asked = deadline.read(from_services(request, deadline.HEADER))
            if rank is Priority.TRANSFER:
                deadline.forget()
            else:
                deadline.begin(WORTH[rank] if asked is None else min(WORTH[rank], asked))
            async with self.inside(rank):
                if deadline.over():
                    # Whoever asked has gone: work that nobody sees helps nobody.
                    self._shed(rank)
                return await handler(request)

        return middleware
