"""Select what is owed to the queue."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.applications import Owed
from shared.errors import NotFound


async def owed(session: AsyncSession, id: UUID, *, lock: bool = False) -> Owed:
    found = await session.get(Owed, id, with_for_update=lock)
    if found is None:
        raise NotFound("没有这项任务。")
    return found


async def owed_by_key(session: AsyncSession, due_key: str) -> Owed | None:
    return await session.scalar(select(Owed).where(Owed.due_key == due_key).with_for_update())
