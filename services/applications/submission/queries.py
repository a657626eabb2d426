"""Select what was handed in, and what happened to it."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.applications import Audit, Revision


async def revisions(session: AsyncSession, id: UUID) -> list[Revision]:
    query = select(Revision).where(Revision.application_id == id).order_by(Revision.number)
    return list(await session.scalars(query))


async def numbered(session: AsyncSession, id: UUID, numbers: Collection[int]) -> dict[int, Revision]:
    """Return these revisions by their numbers; what there is not is left out."""
    query = select(Revision).where(Revision.application_id == id, Revision.number.in_(numbers))
    return {found.number: found for found in await session.scalars(query)}


async def audit(session: AsyncSession, id: UUID) -> list[Audit]:
    return list(await session.scalars(select(Audit).where(Audit.application_id == id).order_by(Audit.id)))
