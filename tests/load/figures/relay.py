"""How many rows a second a relay moves into Celery, and how late its event loop comes meanwhile."""

import asyncio
import os
import tempfile
import time
from pathlib import Path

import psycopg
from sqlalchemy.ext.asyncio import async_sessionmaker

from services.applications import __main__ as applications
from services.applications.operations.relay import BATCH, Relay
from shared.celery import celery_app
from shared.database import async_engine, migrate
from tests.conftest import ValkeyServer
from tests.integration.applications.conftest import make_settings
from tests.load.figures.servers import durable

ROWS = 10_000
LAG_EVERY = 0.005


async def measure() -> dict[str, float]:
    """Rows a second, and the p99 of the loop's lag in milliseconds, of one relay on its own servers."""
    with tempfile.TemporaryDirectory() as folder, durable(Path(folder) / "postgres") as url:
        broker = ValkeyServer(Path(folder) / "valkey")
        broker.start()
        try:
            return await _relay(url, broker.url, Path(folder))
        finally:
            broker.stop()


async def _relay(url: str, broker_url: str, folder: Path) -> dict[str, float]:
    # Nobody works: what was published must not come due again meanwhile.
    settings = make_settings(url, folder, broker_url=broker_url, publish_lease_seconds=3600)
    await asyncio.to_thread(migrate, settings, Path(applications.__file__).parent / "migrations", "applications")
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO applications.outbox (id, topic, due_key, payload, priority, starts)"
            " SELECT gen_random_uuid(), 'notify', n::text, '{}', 20, 0 FROM generate_series(1, %s) AS n",
            [ROWS],
        )
    engine = async_engine(settings)
    relay = Relay(async_sessionmaker(engine), celery_app("bench", broker_url), settings, notices_window=ROWS)
    lags: list[float] = []

    async def watch() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_EVERY
            await asyncio.sleep(LAG_EVERY)
            lags.append(loop.time() - due)

    watching = asyncio.create_task(watch())
    began, cpu = time.perf_counter(), time.process_time()
    sent = 0
    while (now := await relay.pass_on()) > 0:
        sent += now
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    watching.cancel()
    relay.disconnect()
    await engine.dispose()
    assert sent == ROWS, sent
    lag = sorted(lags)[int(len(lags) * 0.99)] * 1000
    print(
        f"relay: {sent} rows in batches of {BATCH}, {sent / took:.0f}/s ({sent / cpu:.0f} a CPU second of its own), event loop late by {lag:.1f} ms at p99"
        f" ({os.cpu_count()} cores, load {os.getloadavg()[0]:.1f})"
    )
    return {"rows_per_second": sent / took, "rows_per_cpu_second": sent / cpu, "lag_p99_ms": lag}
