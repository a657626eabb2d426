"""Select what was handed in, and what happened to it."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.applications import Audit, Revision
from shared.contract.submission import RevisionView


async def revisions(session: AsyncSession, id: UUID) -> list[Revision]:
    query = select(Revision).where(Revision.application_id == id).order_by(Revision.number)
    return list(await session.scalars(query))


async def listed(session: AsyncSession, id: UUID) -> list[RevisionView]:
    """Return what a list of revisions shows of each, oldest first; what was submitted stays where it is."""
    version = Revision.content["form"]["version"].as_integer().label("form_version")
    query = select(
        Revision.number, Revision.received_at, Revision.sha256, Revision.sm3, version, Revision.receipt
    ).where(Revision.application_id == id)
    rows = await session.execute(query.order_by(Revision.number))
    return [RevisionView.model_validate(dict(row._mapping)) for row in rows]


async def numbered(session: AsyncSession, id: UUID, numbers: Collection[int]) -> dict[int, Revision]:
    """Return these revisions by their numbers; what there is not is left out."""
    query = select(Revision).where(Revision.application_id == id, Revision.number.in_(numbers))
    return {found.number: found for found in await session.scalars(query)}


async def audit(session: AsyncSession, id: UUID) -> list[Audit]:
    return list(await session.scalars(select(Audit).where(Audit.application_id == id).order_by(Audit.id)))
