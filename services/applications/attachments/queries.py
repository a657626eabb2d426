"""Select attachments."""

from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.applications import Attachment
from shared.errors import NotFound


async def attachment(session: AsyncSession, id: UUID, attachment_id: UUID) -> Attachment:
    query = select(Attachment).where(Attachment.application_id == id, Attachment.id == attachment_id)
    found = await session.scalar(query)
    if found is None:
        raise NotFound("未找到该附件。")
    return found


# Asked twice with every file: built once.
_TAKEN = select(
    func.count().filter(Attachment.section == bindparam("section"), Attachment.slot == bindparam("slot")),
    func.coalesce(func.sum(Attachment.size), 0),
).where(Attachment.application_id == bindparam("application"), Attachment.deleted_at.is_(None))


async def taken(session: AsyncSession, id: UUID, section: str, slot: str) -> tuple[int, int]:
    """Return how many files stand in a slot, and the bytes of all files of the application."""
    asked = {"application": id, "section": section, "slot": slot}
    count, size = (await session.execute(_TAKEN, asked)).one()
    return int(count), int(size)
