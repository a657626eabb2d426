"""Bound how many answers one account may read slowly at once: each holds a place at the door and a connection behind it."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from shared.http.framing import abort

# Seconds in which whoever reads takes a piece of an answer; after that the answer counts as read slowly, to its end.
PROMPT = 5.0
# Of one account: more than a browser opens to one host, and a fraction of the places.
OF_ACCOUNT = 12


class SlowReaders:
    """Of one event loop."""

    def __init__(self) -> None:
        self._slow: Counter[str] = Counter()

    @contextmanager
    def reading(self, request: web.Request, account: str) -> Iterator["Reading"]:
        """Around the passing on of one answer; what is too much for the account is cut."""
        reading = Reading(request, account, self._slow)
        try:
            yield reading
        finally:
            reading.end()


class Reading:
    """One answer that is being passed on."""

    def __init__(self, request: web.Request, account: str, slow: Counter[str]) -> None:
        self._request, self._account, self._slow = request, account, slow
        self._counted = False

    @contextmanager
    def piece(self) -> Iterator[None]:
        """Around the writing of a piece."""
        if self._counted:
            yield
            return
        timer = asyncio.get_running_loop().call_later(PROMPT, self._late)
        try:
            yield
        finally:
            timer.cancel()

    def _late(self) -> None:
        if self._slow[self._account] >= OF_ACCOUNT:
            abort(self._request)
        else:
            self._counted = True
            self._slow[self._account] += 1

    def end(self) -> None:
        """The answer is through, or broke off."""
        if self._counted:
            self._slow[self._account] -= 1
            if not self._slow[self._account]:
                del self._slow[self._account]


SLOW_READERS = web.AppKey("slow_readers", SlowReaders)
