"""Know on which published list (公示) a case stands, and take it off."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.decision import Announcement, Listed
from shared import clock
from shared.identity import Actor


async def published(session: AsyncSession, application_id: UUID) -> Announcement | None:
    """Return the 公示 that a case stands on; none where it was published by itself, or was taken off."""
    query = (
        select(Announcement)
        .join(Listed, Listed.announcement_id == Announcement.id)
        .where(
            Listed.application_id == application_id,
            Listed.kind == "publicity",
            Listed.taken_off_at.is_(None),
            Announcement.published_at.is_not(None),
        )
    )
    return await session.scalar(query)


async def take_off(session: AsyncSession, actor: Actor, application_id: UUID, reason: str) -> Announcement | None:
    """Mark a case as taken off its published 公示, which is returned; it stays on the list as such."""
    found = await published(session, application_id)
    if found is not None:
        await session.execute(
            update(Listed)
            .where(Listed.announcement_id == found.id, Listed.application_id == application_id)
            .values(taken_off_at=clock.now(), taken_off_by=actor.name, reason=reason)
        )
    return found
