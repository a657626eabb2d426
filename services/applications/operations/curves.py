"""Tell how the queues did in the last 24 hours, from what the outbox holds anyway."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.outbox.outbox import OPEN
from services.applications.tables.applications import Owed
from shared import clock
from shared.contract.operations import QueueCurve
from shared.messages import TOPICS

STEP = timedelta(minutes=10)
LASTS = timedelta(hours=24)


async def curves(session: AsyncSession) -> list[QueueCurve]:
    """Return each queue's curve."""
    since, until = bounds(clock.now())
    bin_ = func.date_bin(STEP, Owed.done_at, since)
    query = (
        select(Owed.topic, bin_, func.count(), func.max(Owed.done_at - Owed.created_at))
        .where(Owed.topic.in_(TOPICS), Owed.done_at >= since)
        .group_by(Owed.topic, bin_)
    )
    done = {(topic, at): (n, waited) for topic, at, n, waited in await session.execute(query)}
    waiting = select(Owed.topic, func.min(Owed.created_at)).where(*OPEN).group_by(Owed.topic)
    oldest: dict[str, datetime] = {row[0]: row[1] for row in await session.execute(waiting)}
    found = []
    for topic in sorted(TOPICS):
        points = [done.get((topic, at), (0, timedelta())) for at in steps(since, until)]
        still = [_still(oldest.get(topic), min(at + STEP, clock.now())) for at in steps(since, until)]
        waited = [max(was, is_).total_seconds() for (_, was), is_ in zip(points, still, strict=True)]
        found.append(
            QueueCurve(
                topic=topic,
                since=since,
                done=[n for n, _ in points],
                waited_seconds=[round(seconds, 1) for seconds in waited],
            )
        )
    return found


def bounds(now: datetime) -> tuple[datetime, datetime]:
    """Return the beginning of 24 hours of whole steps that end with the one that runs now, and the end of that."""
    passed = timedelta(minutes=now.minute % 10, seconds=now.second, microseconds=now.microsecond)
    until = now - passed + STEP
    return until - LASTS, until


def steps(since: datetime, until: datetime) -> list[datetime]:
    return [since + n * STEP for n in range((until - since) // STEP)]


def _still(oldest: datetime | None, at: datetime) -> timedelta:
    """How long what waits even now had waited at an instant."""
    return max(at - oldest, timedelta()) if oldest is not None else timedelta()
