"""Show operators the queues, and requeue what was parked."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.audit import record
from services.applications.operations import workers_ahead
from services.applications.operations.curves import curves
from services.applications.outbox import outbox, throughput
from services.applications.outbox import queries as outbox_queries
from services.applications.tables.applications import Owed
from shared import clock, codes
from shared.contract.operations import Overview, Parked, QueueView, WorkerView
from shared.errors import Conflict
from shared.identity import Actor
from shared.messages import TOPICS

# Rows put back in line by one request.
REQUEUED_AT_ONCE = 1000
MORE_WORKERS = 2


async def overview(session: AsyncSession) -> Overview:
    """Return the queues, who works on them, the last 100 parked rows, and what the coming days need."""
    parked = await session.scalars(
        select(Owed)
        .where(Owed.parked_at.is_not(None), Owed.done_at.is_(None))
        .order_by(Owed.parked_at.desc())
        .limit(100)
    )
    return Overview(
        queues=await queues(session),
        workers=[
            WorkerView(name=name, topic=topic, done=done, last_seen_at=seen)
            for topic in sorted(TOPICS)
            for name, done, seen in await throughput.workers(session, topic)
        ],
        parked=[Parked.model_validate(row, from_attributes=True) for row in parked],
        processes=await workers_ahead.plan(session),
        curves=await curves(session),
    )


async def queues(session: AsyncSession) -> list[QueueView]:
    """Per queue: owed, in flight, parked, the age of the oldest that is owed; how fast it empties, and when."""
    in_flight = Owed.published_at.is_not(None) & (Owed.next_at > func.now())
    counted = await session.execute(
        select(
            Owed.topic,
            func.count(),
            func.count().filter(in_flight),
            func.extract("epoch", func.now() - func.min(Owed.created_at)),
        )
        .where(Owed.done_at.is_(None), Owed.parked_at.is_(None))
        .group_by(Owed.topic)
    )
    found: dict[str, Any] = {row[0]: row for row in counted}
    lying = await session.execute(
        select(Owed.topic, func.count())
        .where(Owed.done_at.is_(None), Owed.parked_at.is_not(None))
        .group_by(Owed.topic)
    )
    parked: dict[str, int] = {row[0]: row[1] for row in lying}
    return [await _queue(session, topic, found.get(topic), parked.get(topic, 0)) for topic in sorted(TOPICS)]


async def _queue(session: AsyncSession, topic: str, row: Any, parked: int) -> QueueView:
    owed = int(row[1]) if row else 0
    known = await throughput.measured(session, topic)
    empty_at = sooner_at = None
    if owed and known is not None:
        seconds = owed * known.seconds_each
        empty_at = clock.now() + timedelta(seconds=seconds)
        sooner_at = clock.now() + timedelta(seconds=seconds * known.workers / (known.workers + MORE_WORKERS))
    return QueueView(
        topic=topic,
        owed=owed,
        in_flight=int(row[2]) if row else 0,
        parked=parked,
        oldest_seconds=float(row[3]) if row and row[3] is not None else None,
        workers=len(await throughput.workers(session, topic)),
        per_minute=round(60 / known.seconds_each, 1) if known else None,
        empty_at=empty_at,
        empty_with_two_more_at=sooner_at,
    )


async def requeue(session: AsyncSession, actor: Actor, id: UUID) -> None:
    """Owe a parked row again, its count of starts reset."""
    row = await outbox_queries.owed(session, id, lock=True)
    if row.done_at is not None or row.parked_at is None:
        raise Conflict("只有失败待处理的任务可以重新排队。", code=codes.NOT_PARKED)
    outbox.requeue(row)
    record(session, actor, "requeue", application_id=row.application_id, job=str(id), topic=row.topic)
    await session.flush()


async def requeue_all(session: AsyncSession, actor: Actor, topic: str) -> int:
    """Owe a queue's parked rows again, the longest parked first, 1000 at most; how many. So many at once go behind
    what is made for people who work just now; whoever waits for one of them asks for it and has it sooner."""
    rows = list(
        await session.scalars(
            select(Owed)
            .where(Owed.topic == topic, Owed.parked_at.is_not(None), Owed.done_at.is_(None))
            .order_by(Owed.parked_at)
            .limit(REQUEUED_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
    )
    for row in rows:
        outbox.requeue(row)
        outbox.put_back(row)
        record(session, actor, "requeue", application_id=row.application_id, job=str(row.id), topic=topic)
    await session.flush()
    return len(rows)
