"""Hint to open pages that something changed: best effort, after the commit, never in its way.

Nothing depends on a hint: pages look again by themselves. So a Redis that is away, slow or full costs no request
anything; what cannot be published at once is forgotten. A hint is signed by the service that tells it: whoever else can write
Redis puts no words on anybody's screen.
"""

import asyncio
import logging
import time
from contextlib import suppress
from datetime import timedelta
from typing import Literal
from uuid import UUID

import redis
from pydantic import ValidationError
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from shared.identity import Signer, Verifier
from shared.messages import Contract

log = logging.getLogger(__name__)

CHANNEL = "gm:hints"
WAITING = 1000
TIMEOUT = 0.25
SUBJECT = "hint"
TELLERS = ("applications", "notify")
# What is older was kept by somebody, to be told again.
LIFETIME = timedelta(seconds=30)
# After a failure Redis is left alone this long.
REST_SECONDS = 5.0


class Hint(Contract):
    """What changed, and for whose eyes: the enterprise's people, and staff where `staff` says so."""

    type: Literal["application.state", "document.ready", "notification.new"]
    enterprise: str
    staff: bool = False
    application_id: UUID
    name: str = ""
    state: str = ""
    label: str = ""


def signed(signer: Signer, hint: Hint) -> str:
    """Return a hint as it is published."""
    return signer.statement(SUBJECT, LIFETIME, {"hint": hint.model_dump(mode="json")})


def heard(verifier: Verifier, text: str) -> Hint | None:
    """Return the hint that one of our services told just now; None for anything else."""
    for service in TELLERS:
        if (claims := verifier.statement(text, SUBJECT, service)) is not None:
            try:
                return Hint.model_validate(claims.get("hint"))
            except ValidationError:
                return None
    return None


async def end(task: "asyncio.Task[None]") -> None:
    """Cancel a task until it has ended: a connection that is just being made may swallow the first time."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.2)


class Hints:
    """The publisher of an asyncio service. `tell` never waits; `run` does the work beside the requests."""

    def __init__(self, url: str | None, signer: Signer) -> None:
        self._url = url
        self._signer = signer
        self._waiting: asyncio.Queue[Hint] = asyncio.Queue(WAITING)

    def tell(self, hint: Hint) -> None:
        """Publish soon, or forget it."""
        if self._url:
            with suppress(asyncio.QueueFull):
                self._waiting.put_nowait(hint)

    async def run(self) -> None:
        """Until cancelled."""
        if not self._url:
            return
        client = AsyncRedis.from_url(self._url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=None)
        try:
            while True:
                hint = await self._waiting.get()
                try:
                    await client.publish(CHANNEL, signed(self._signer, hint))
                except (RedisError, OSError, TimeoutError) as error:
                    log.warning("hint not published", extra={"reason": repr(error)})
                    await asyncio.sleep(REST_SECONDS)
        finally:
            await client.aclose()


class ThreadHints:
    """The publisher of a threaded worker: at most a quarter of a second, and none while Redis rests."""

    def __init__(self, url: str | None, signer: Signer) -> None:
        self._signer = signer
        self._redis = (
            redis.Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=None)
            if url
            else None
        )
        self._rests_until = 0.0

    def tell(self, hint: Hint) -> None:
        """Publish now, or forget it."""
        if self._redis is None or time.monotonic() < self._rests_until:
            return
        try:
            self._redis.publish(CHANNEL, signed(self._signer, hint))
        except (RedisError, OSError) as error:
            self._rests_until = time.monotonic() + REST_SECONDS
            log.warning("hint not published", extra={"reason": repr(error)})

    def close(self) -> None:
        if self._redis is not None:
            self._redis.close()
