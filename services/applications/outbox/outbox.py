"""Keep what is owed: a row goes in with the transaction that owes it and is closed by its effect.

Leases run by the database's clock, so that no worker's or relay's own clock matters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import case, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.applications import Owed
from shared import codes
from shared.errors import Conflict, JobEnded
from shared.messages import RENDER_DOCUMENT, TOPICS, Contract, JobStarted, StartJob
from shared.observability import tracing

# A person waits for it; made because somebody will soon want it; made ahead; many at once, which can wait.
WAITED_FOR, NOTICE, AHEAD, BULK = 10, 20, 50, 80
# A message that nobody took is sent again ever later, up to so many leases: where workers rest or are away, copies of it would pile up.
LONGEST_LEASES = 8
# Why a row was closed without an effect.
CANCELLED = "cancelled"
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


# Built once: every submission owes twice.
_ADD = insert(Owed).on_conflict_do_nothing(index_elements=[Owed.due_key])


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
        "trace": tracing.current(),
    }
    await session.execute(_ADD, row)


OPEN = (Owed.done_at.is_(None), Owed.parked_at.is_(None))


# Built once: a relay asks five times a second.
_DUE = select(
    *(exists().where(Owed.topic == topic, *OPEN, Owed.next_at <= func.now()).label(topic) for topic in TOPICS)
)


async def due(session: AsyncSession) -> list[str]:
    """Return the topics of which something is due, by one statement: looking in vain, as a relay mostly does, costs little."""
    row = (await session.execute(_DUE)).one()
    return [topic for topic, some in zip(TOPICS, row, strict=True) if some]


async def claim(
    session: AsyncSession, topic: str, *, limit: int, lease: timedelta, window: int | None = None
) -> list[UUID]:
    """Take due rows for publishing, in priority order, hidden from other relays for `lease`.

    `window` bounds how many of the topic may be published and unfinished at once; the rest stays here, where
    it keeps its order and can be counted. What is published again is hidden for as long as it has been in line, up to
    `LONGEST_LEASES` leases.
    """
    now = func.now()
    if window is not None:
        in_flight = await session.scalar(
            select(func.count()).where(
                Owed.topic == topic, *OPEN, Owed.published_at.is_not(None), Owed.next_at > now
            )
        )
        limit = min(limit, window - int(in_flight or 0))
        if limit <= 0:
            return []
    due = (
        select(Owed.id)
        .where(Owed.topic == topic, *OPEN, Owed.next_at <= now)
        .order_by(Owed.priority, Owed.in_line_since)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(await session.scalars(due))
    if ids:
        again = func.least(
            func.greatest(now - Owed.in_line_since, literal(lease)), literal(lease * LONGEST_LEASES)
        )
        hidden = case((Owed.published_at.is_(None), literal(lease)), else_=again)
        await session.execute(update(Owed).where(Owed.id.in_(ids)).values(next_at=now + hidden, published_at=now))
    return ids


async def traces(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the clicks that owe these rows, where they are traced."""
    found = await session.execute(select(Owed.id, Owed.trace).where(Owed.id.in_(ids), Owed.trace.is_not(None)))
    return {id: trace for id, trace in found if trace}


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
    it may. `JobEnded` when it is done or parked, `Conflict` while another attempt is live.
    """
    if row.done_at or row.parked_at:
        raise JobEnded
    now = await session.scalar(select(func.now()))
    assert now is not None
    # A broker gives a message back at once when the child that held it died: then, and only then, the same
    # worker's attempt is known to be dead before its lease is over.
    own_child_died = request.redelivered and row.attempt_worker == request.worker
    if row.attempt_until and row.attempt_until > now and not own_child_died:
        raise Conflict("该任务正由另一工作进程处理。", code=codes.JOB_LEASED)
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
    """Return the effect is there. False when it was recorded before; `Conflict` for an attempt that lost its lease."""
    if row.done_at:
        return False
    if row.attempt != token:
        raise Conflict("该任务已交由另一工作进程处理。", code=codes.ATTEMPT_SUPERSEDED)
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


def requeue(row: Owed) -> None:
    """Try again from the beginning, as if it had never been started."""
    row.parked_at = None
    row.starts = 0
    row.attempt = None
    row.attempt_until = None
    row.next_at = func.now()


def hurry(row: Owed) -> None:
    """A person waits for it from now on: behind those who wait already."""
    if row.priority > WAITED_FOR:
        row.priority = WAITED_FOR
        row.in_line_since = func.now()


def put_back(row: Owed) -> None:
    """One of many that can wait: behind everything that is made ahead."""
    if row.priority < BULK:
        row.priority = BULK
        row.in_line_since = func.now()


def cancel(row: Owed) -> None:
    """Owed no longer: what it was to tell has been taken back. Nothing happens to what is done or at work."""
    if row.done_at is None and row.attempt is None:
        row.done_at = func.now()
        row.last_error = CANCELLED
