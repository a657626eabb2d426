"""Show on `/metrics` what goes beyond requests: values that are looked up when somebody asks, the pool, the event
loop."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

from aiohttp import web
from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

log = logging.getLogger(__name__)

Sampler = Callable[[], Awaitable[None]]
SAMPLERS: web.AppKey[list[Sampler]] = web.AppKey("samplers", list)
# A scrape must not hang on a database that does.
SECONDS = 3.0
LAG_EVERY = 0.5

FAILURES = Counter("gm_sample_failures", "Values that could not be looked up for a scrape", ["service"])
POOL = Gauge("gm_database_connections", "Connections of this process's pool", ["service", "state"])
LAG = Histogram(
    "gm_loop_lag_seconds",
    "How late the event loop came back to something that was due",
    ["service"],
    buckets=(0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)


async def sample(app: web.Application, service: str) -> None:
    """Look everything up; what does not answer in time is left as it was and counted."""
    # There from the first scrape on, so that its first step is seen.
    failures = FAILURES.labels(service)
    for sampler in app[SAMPLERS]:
        try:
            await asyncio.wait_for(sampler(), SECONDS)
        except Exception as error:
            failures.inc()
            log.warning("no value for a scrape", extra={"reason": repr(error)})


def watch_pool(app: web.Application, service: str, engine: AsyncEngine) -> None:
    """Show how many of the pool's connections are taken, and how many there may be."""
    pool = engine.sync_engine.pool
    assert isinstance(pool, QueuePool)

    async def look() -> None:
        POOL.labels(service, "taken").set(pool.checkedout())
        POOL.labels(service, "most").set(pool.size())

    app[SAMPLERS].append(look)


def watch_loop(service: str) -> Callable[[web.Application], AsyncIterator[None]]:
    """Yield a `cleanup_ctx` that notes how late a timer of half a second comes."""

    async def note() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_EVERY
            await asyncio.sleep(LAG_EVERY)
            LAG.labels(service).observe(max(0.0, loop.time() - due))

    async def watching(_: web.Application) -> AsyncIterator[None]:
        task: asyncio.Task[Any] = asyncio.create_task(note())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    return watching
