"""What operators see of the queues, and the one thing they do: requeue what was parked."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications import outbox, repository
from services.applications.models import Owed
from services.applications.schemas import Overview, Parked, QueueView
from services.applications.use_cases.recording import record
from shared.errors import Conflict
from shared.identity import Actor
from shared.messages import TOPICS


async def overview(session: AsyncSession) -> Overview:
    """Per queue: owed, in flight, parked, and the age of the oldest that is owed; the last 100 parked rows."""
    is_open = Owed.done_at.is_(None) & Owed.parked_at.is_(None)
    in_flight = is_open & Owed.published_at.is_not(None) & (Owed.next_at > func.now())
    counted = await session.execute(
        select(
            Owed.topic,
            func.count().filter(is_open),
            func.count().filter(in_flight),
            func.count().filter(Owed.parked_at.is_not(None) & Owed.done_at.is_(None)),
            func.extract("epoch", func.now() - func.min(Owed.created_at).filter(is_open)),
        )
        .where(Owed.done_at.is_(None))
        .group_by(Owed.topic)
    )
    found: dict[str, Any] = {row[0]: row for row in counted}
    queues = []
    for topic in sorted(TOPICS):
        row = found.get(topic)
        queues.append(
            QueueView(
                topic=topic,
                owed=row[1] if row else 0,
                in_flight=row[2] if row else 0,
                parked=row[3] if row else 0,
                oldest_seconds=float(row[4]) if row and row[4] is not None else None,
            )
        )
    parked = await session.scalars(
        select(Owed)
        .where(Owed.parked_at.is_not(None), Owed.done_at.is_(None))
        .order_by(Owed.parked_at.desc())
        .limit(100)
    )
    return Overview(queues=queues, parked=[Parked.model_validate(row, from_attributes=True) for row in parked])


async def requeue(session: AsyncSession, actor: Actor, id: UUID) -> None:
    """Owe a parked row again, its count of starts reset."""
    row = await repository.owed(session, id, lock=True)
    if row.done_at is not None or row.parked_at is None:
        raise Conflict("只有已搁置的任务可以重新排队。", code="not_parked")
    outbox.requeue(row)
    record(session, actor, "requeue", application_id=row.application_id, job=str(id), topic=row.topic)
    await session.flush()
