"""Read what operators and scalers want to know of owed work, on every scrape, from the database: any replica says the
same."""

import json
import math
import shutil
from datetime import datetime
from pathlib import Path

from prometheus_client import Gauge, Histogram
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.operations import queues
from services.applications.settings import ApplicationsSettings
from shared import clock
from shared.observability.metrics import Sampler
from shared.preflight.machine import store_folder

OWED = Gauge("gm_owed", "Rows owed and not parked", ["topic"])
OLDEST = Gauge("gm_owed_oldest_seconds", "Age of the oldest row owed; 0 when nothing is", ["topic"])
IN_FLIGHT = Gauge("gm_in_flight", "Rows published and not finished", ["topic"])
PARKED = Gauge("gm_parked", "Rows that were started too often without an effect", ["topic"])
WORKERS = Gauge("gm_workers", "Workers that did something in the last ten minutes", ["topic"])
JOB_SECONDS = Histogram(
    "gm_job_seconds",
    "From a job's start to its recorded effect",
    ["topic"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 45, 90),
)
OWED_SECONDS = Histogram(
    "gm_owed_seconds",
    "From the act that owes something to its effect",
    ["topic"],
    buckets=(1, 5, 20, 60, 120, 300, 600, 1800, 3600),
)
ARCHIVE_AGE = Gauge(
    "gm_archive_waiting_seconds", "How long PostgreSQL's archive has refused its log; 0 while it takes it"
)
BACKUP_AGE = Gauge("gm_backup_age_seconds", "Since the newest backup was finished")
STORE_FREE = Gauge("gm_store_free_bytes", "Free space of a store that is a folder")
# Since the first refusal after the last success. Without an archive nothing is ever refused.
ARCHIVING = text(
    "SELECT CASE WHEN last_failed_time > coalesce(last_archived_time, '-infinity')"
    " THEN extract(epoch FROM now() - coalesce(last_archived_time, stats_reset)) ELSE 0 END FROM pg_stat_archiver"
)
# Nothing known is not nothing.
BACKUP_AGE.set(math.nan)
STORE_FREE.set(math.nan)


def sampler(sessions: async_sessionmaker[AsyncSession], settings: ApplicationsSettings) -> Sampler:
    """Looks everything up once."""

    async def look() -> None:
        async with sessions.begin() as session:
            found = await queues.queues(session)
            waiting = await session.scalar(ARCHIVING)
        ARCHIVE_AGE.set(float(waiting or 0))
        for queue in found:
            OWED.labels(queue.topic).set(queue.owed)
            OLDEST.labels(queue.topic).set(queue.oldest_seconds or 0)
            IN_FLIGHT.labels(queue.topic).set(queue.in_flight)
            PARKED.labels(queue.topic).set(queue.parked)
            WORKERS.labels(queue.topic).set(queue.workers)
        folder = store_folder(settings.store_url)
        if folder is not None and folder.exists():
            STORE_FREE.set(shutil.disk_usage(folder).free)
        if settings.backup_folder:
            ended = newest_backup(Path(settings.backup_folder))
            BACKUP_AGE.set((clock.now() - ended).total_seconds() if ended else math.inf)

    return look


def newest_backup(folder: Path) -> datetime | None:
    """Return when the newest finished backup of a folder was finished."""
    ended = [
        datetime.fromisoformat(json.loads(file.read_text(encoding="utf-8"))["finished_at"])
        for file in folder.glob("*/manifest.json")
    ]
    return max(ended, default=None)
