"""Measure how fast owed work comes out, whose turn it is, and when it will be there: one measure for those who wait
and for those who watch the queues."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.outbox.outbox import OPEN
from services.applications.tables.applications import Owed

# From a free place in the window to a worker's start: the relay's pause and the broker.
PICKUP = 0.2


@dataclass(frozen=True)
class Pace:
    """`seconds_each`: from one finished piece to the next, of all `workers` together; `seconds`: what one piece
    takes; `running`: how many are at work just now."""

    seconds_each: float
    seconds: float
    workers: int
    running: int = 0

    @property
    def slots(self) -> int:
        """How many pieces come along at the same time."""
        return max(1, self.running, round(self.seconds / self.seconds_each))


# Before anything was ever made.
GUESS = Pace(seconds_each=2.0, seconds=2.0, workers=1)

# Counted from the first end to the last, so that pieces of which only a part falls into it distort nothing; idle
# stretches are left out, and what runs since then counts up to now, so that workers that stand still are seen.
_MEASURED = text("""
WITH ended AS (
  SELECT started_at, done_at, attempt_worker FROM applications.outbox
  WHERE topic = :topic AND done_at > now() - CAST(:since AS interval) AND started_at IS NOT NULL
  ORDER BY done_at DESC LIMIT 40
), known AS (
  SELECT count(*) AS pieces, min(done_at) AS first, count(DISTINCT attempt_worker) AS workers,
         extract(epoch FROM avg(done_at - started_at)) AS seconds FROM ended
), running AS (
  SELECT started_at FROM applications.outbox, known
  WHERE topic = :topic AND done_at IS NULL AND parked_at IS NULL AND attempt_until > now()
), spans AS (
  SELECT greatest(started_at, first) AS began, done_at AS over FROM ended, known
  UNION ALL SELECT greatest(started_at, first), now() FROM running, known
), steps AS (
  SELECT began, over, max(over) OVER (ORDER BY began, over ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM spans
)
SELECT pieces, workers, seconds, (
  SELECT extract(epoch FROM sum(
    greatest(over - greatest(began, coalesce(before, began)), interval '0')
    + CASE WHEN began > before AND began < before + interval '0.3 seconds' THEN began - before ELSE interval '0' END
  )) FROM steps
), (
  SELECT count(*) FROM running WHERE started_at > now() - make_interval(secs => 3 * seconds::float8)
) FROM known
""")


async def measured(session: AsyncSession, topic: str, *, since: str = "10 minutes") -> Pace | None:
    """By the last forty pieces; None when nothing came out lately."""
    pieces, workers, seconds, busy, running = (
        await session.execute(_MEASURED, {"topic": topic, "since": since})
    ).one()
    if not pieces:
        return None
    seconds = max(float(seconds), 0.001)
    each = max(float(busy) / (pieces - 1), 0.001) if pieces > 1 else seconds
    # More hands than of late: those who came first found one of them at work, the queue has them all.
    if running > seconds / each + 0.5:
        each = seconds / running
    return Pace(each, seconds, max(1, workers), running)


async def workers(session: AsyncSession, topic: str) -> list[tuple[str, int, datetime]]:
    """Return who did something for a queue in the last ten minutes: name, how much, when last."""
    found = await session.execute(
        text(
            "SELECT attempt_worker, count(*), max(done_at) FROM applications.outbox"
            " WHERE topic = :topic AND done_at > now() - interval '10 minutes' AND attempt_worker IS NOT NULL"
            " GROUP BY attempt_worker ORDER BY attempt_worker"
        ),
        {"topic": topic},
    )
    return [(name, int(count), seen) for name, count, seen in found]


@dataclass(frozen=True)
class Place:
    """A row's place in line, itself counted, and the seconds until its effect is expected."""

    position: int
    seconds: float
    running: bool


async def place(session: AsyncSession, row: Owed) -> Place:
    """Return where a row that is owed stands: behind what is at work, behind what was published before it and, while it
    is not published itself, behind whatever goes before it in the order of the queue."""
    live = func.coalesce(Owed.attempt_until > func.now(), False)
    published = Owed.published_at.is_not(None) & (Owed.next_at > func.now())
    order = (Owed.priority, Owed.in_line_since, Owed.id)
    elapsed = func.extract("epoch", func.now() - Owed.started_at)
    mine = (
        await session.execute(
            select(live, published, elapsed, Owed.started_at, Owed.published_at, *order).where(Owed.id == row.id)
        )
    ).one()
    running, sent, worked, started_at, published_at, *turn = mine
    earlier = tuple_(*order) < tuple(turn)
    if running:
        before = live & (Owed.started_at < started_at)
    elif sent:
        same_batch = Owed.published_at == published_at
        before = live | (published & ((Owed.published_at < published_at) | (same_batch & earlier)))
    else:
        before = live | published | earlier
    ahead = await session.scalar(
        select(func.count()).where(Owed.topic == row.topic, *OPEN, Owed.id != row.id, before)
    )
    ahead = int(ahead or 0)
    known = await measured(session, row.topic) or await measured(session, row.topic, since="10 years") or GUESS
    return Place(ahead + 1, _seconds(known, ahead, float(worked) if running else None, sent=sent), running)


def _seconds(pace: Pace, ahead: int, elapsed: float | None, *, sent: bool) -> float:
    """Return how long it takes from now: until a worker is free for it, and the work itself."""
    if elapsed is not None:
        # What takes longer than most will take a little longer still.
        return max(pace.seconds - elapsed, pace.seconds / 10)
    ends = ahead + 1 - pace.slots
    waiting = (ends - 0.5) * pace.seconds_each if ends > 0 else 0.0
    return waiting + pace.seconds + (0.0 if sent else PICKUP)
