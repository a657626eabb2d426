"""Wait until somebody waits: what two transactions do at once is told by their locks, not by a while."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# Not of `pg_stat_activity`, which is the same throughout a transaction.
WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")


async def until_waited_for(session: AsyncSession, seconds: float = 20) -> None:
    """Return once another session waits for a lock that this session's transaction holds."""
    async with asyncio.timeout(seconds):
        while not await session.scalar(WAITING):
            await asyncio.sleep(0.02)
