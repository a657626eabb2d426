"""Select attachments."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.applications import Attachment
from shared.errors import NotFound


async def attachment(session: AsyncSession, id: UUID, attachment_id: UUID) -> Attachment:
    query = select(Attachment).where(Attachment.application_id == id, Attachment.id == attachment_id)
    found = await session.scalar(query)
    if found is None:
        raise NotFound("未找到该附件。")
    return found
