"""What is owed: a row goes in with the transaction that owes it and is closed by its effect.

Leases run by the database's clock, so that no worker's or relay's own clock matters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.models import Owed
from shared.errors import Conflict, Gone
from shared.messages import RENDER_DOCUMENT, Contract, JobStarted, StartJob

# A person waits for it; made because somebody will soon want it; made ahead.
WAITED_FOR, NOTICE, AHEAD = 10, 20, 50
# Between two attempts that failed through no fault of their subject.
STEADY_PAUSE = timedelta(seconds=3)


@dataclass(frozen=True)
class Limits:
    """How long a job is lent and how often it is tried; a document, which may be what kills its worker, less often
    than a notice."""

    lease: timedelta
    max_starts: int
    document_max_starts: int = 3

    def starts(self, topic: str) -> int:
        return self.document_max_starts if topic == RENDER_DOCUMENT else self.max_starts


async def add(
    session: AsyncSession,
    topic: str,
    payload: Contract,
    *,
    due_key: str,
    priority: int,
    application_id: UUID | None = None,
    id: UUID | None = None,
) -> None:
    """Owe something, once per `due_key`."""
    row = {
        "id": id or uuid4(),
        "topic": topic,
        "payload": payload.model_dump(mode="json"),
        "due_key": due_key,
        "priority": priority,
        "application_id": application_id,
    }
    await session.execute(insert(Owed).values(row).on_conflict_do_nothing(index_elements=[Owed.due_key]))


_OPEN = (Owed.done_at.is_(None), Owed.parked_at.is_(None))


async def claim(
    session: AsyncSession, topic: str, *, limit: int, lease: timedelta, window: int | None = None
) -> list[UUID]:
    """Take due rows for publishing, in priority order, hidden from other relays for `lease`.

    `window` bounds how many of the topic may be published and unfinished at once; the rest stays here, where
    it keeps its order and can be counted.
    """
    now = func.now()
    if window is not None:
        in_flight = await session.scalar(
            select(func.count()).where(
                Owed.topic == topic, *_OPEN, Owed.published_at.is_not(None), Owed.next_at > now
            )
        )
        limit = min(limit, window - int(in_flight or 0))
        if limit <= 0:
            return []
    due = (
        select(Owed.id)
        .where(Owed.topic == topic, *_OPEN, Owed.next_at <= now)
        .order_by(Owed.priority, Owed.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(await session.scalars(due))
    if ids:
        await session.execute(update(Owed).where(Owed.id.in_(ids)).values(next_at=now + lease, published_at=now))
    return ids


async def unpublished(session: AsyncSession, ids: Sequence[UUID]) -> None:
    """Publishing failed: due again at once, so that a broker's outage costs no waiting afterwards. A row that a
    worker has started meanwhile keeps its lease."""
    started = func.coalesce(Owed.attempt_until > func.now(), False)
    await session.execute(
        update(Owed)
        .where(Owed.id.in_(ids), Owed.done_at.is_(None), ~started)
        .values(next_at=func.now(), published_at=None)
    )


async def start(session: AsyncSession, row: Owed, request: StartJob, limits: Limits) -> JobStarted | None:
    """Begin an attempt on a locked row. None when the row has just been parked: it has been started as often as
    it may. `Gone` when it is done or parked, `Conflict` while another attempt is live.
    """
    if row.done_at or row.parked_at:
        raise Gone
    now = await session.scalar(select(func.now()))
    assert now is not None
    # A broker gives a message back at once when the child that held it died: then, and only then, the same
    # worker's attempt is known to be dead before its lease is over.
    own_child_died = request.redelivered and row.attempt_worker == request.worker
    if row.attempt_until and row.attempt_until > now and not own_child_died:
        raise Conflict("该任务正由另一工作进程处理。", code="job_leased")
    if row.starts >= limits.starts(row.topic):
        row.parked_at = now
        row.attempt = None
        row.last_error = row.last_error or "多次开始均无结果"
        return None
    row.attempt = uuid4()
    row.attempt_worker = request.worker
    row.attempt_until = now + limits.lease * 2**row.starts
    row.starts += 1
    row.started_at = now
    row.next_at = row.attempt_until
    return JobStarted.model_validate(
        {"token": row.attempt, "leased_until": row.attempt_until, "payload": row.payload}
    )


def close(row: Owed, token: UUID) -> bool:
    """The effect is there. False when it was recorded before; `Conflict` for an attempt that lost its lease."""
    if row.done_at:
        return False
    if row.attempt != token:
        raise Conflict("该任务已交由另一工作进程处理。", code="attempt_superseded")
    row.done_at = func.now()
    row.attempt_until = None
    row.last_error = None
    return True


def failed(row: Owed, token: UUID, reason: str, *, retry: bool, counted: bool = True) -> None:
    """An attempt ended without effect: due again after a pause that grows, or parked. One that is not counted is
    as if it had never been started, and due again after a steady pause."""
    if row.done_at or row.attempt != token:
        return
    row.attempt = None
    row.attempt_until = None
    row.last_error = reason
    if retry and not counted:
        row.starts -= 1
        row.next_at = func.now() + literal(STEADY_PAUSE)
    elif retry:
        row.next_at = func.now() + literal(timedelta(seconds=min(2**row.starts, 60)))
    else:
        row.parked_at = func.now()


def requeue(row: Owed, *, priority: int | None = None) -> None:
    """Try again from the beginning, as if it had never been started."""
    row.parked_at = None
    row.starts = 0
    row.attempt = None
    row.attempt_until = None
    row.next_at = func.now()
    if priority is not None:
        row.priority = min(row.priority, priority)


async def place_in_line(session: AsyncSession, row: Owed) -> int:
    """How many documents go before this one, itself included."""
    before = await session.scalar(
        select(func.count()).where(
            Owed.topic == RENDER_DOCUMENT,
            *_OPEN,
            (Owed.priority < row.priority)
            | ((Owed.priority == row.priority) & (Owed.created_at < row.created_at)),
        )
    )
    return int(before or 0) + 1


@dataclass(frozen=True)
class Pace:
    """How fast a queue's work has been coming out lately: seconds from one to the next, of so many workers together."""

    seconds_each: float
    workers: int


async def pace(session: AsyncSession, topic: str) -> Pace | None:
    """By the last twenty; None when nothing came out in the last ten minutes."""
    row = (
        await session.execute(
            text(
                "SELECT count(*), extract(epoch FROM max(done_at) - min(started_at)),"
                " extract(epoch FROM sum(done_at - started_at)), count(DISTINCT attempt_worker) FROM ("
                "  SELECT started_at, done_at, attempt_worker FROM applications.outbox"
                "  WHERE topic = :topic AND done_at > now() - interval '10 minutes' AND started_at IS NOT NULL"
                "  ORDER BY done_at DESC LIMIT 20) AS recent"
            ),
            {"topic": topic},
        )
    ).one()
    count, whole, worked, workers = row
    if not count:
        return None
    # Idle stretches say nothing about speed: one after the other is the slowest that work can be.
    return Pace(max(min(float(whole), float(worked)) / count, 0.001), max(1, int(workers)))


async def workers(session: AsyncSession, topic: str) -> list[tuple[str, int, datetime]]:
    """Who did something for a queue in the last ten minutes: name, how much, when last."""
    found = await session.execute(
        text(
            "SELECT attempt_worker, count(*), max(done_at) FROM applications.outbox"
            " WHERE topic = :topic AND done_at > now() - interval '10 minutes' AND attempt_worker IS NOT NULL"
            " GROUP BY attempt_worker ORDER BY attempt_worker"
        ),
        {"topic": topic},
    )
    return [(name, int(count), seen) for name, count, seen in found]


async def seconds_per_document(session: AsyncSession) -> float:
    """How far apart the last documents came out of all workers together; a guess of 2 s before there are any."""
    known = await pace(session, RENDER_DOCUMENT)
    return known.seconds_each if known else 2.0
