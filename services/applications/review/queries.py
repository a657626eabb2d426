"""Select what the review desk reads and changes."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.applications import Opinion
from shared.errors import NotFound


async def opinion(session: AsyncSession, id: UUID, opinion_id: UUID) -> Opinion:
    query = select(Opinion).where(Opinion.application_id == id, Opinion.id == opinion_id).with_for_update()
    found = await session.scalar(query)
    if found is None:
        raise NotFound("未找到该条意见。")
    return found
