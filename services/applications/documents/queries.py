"""Select documents."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.applications import Document
from shared.errors import NotFound


async def document(session: AsyncSession, id: UUID, *, lock: bool = False) -> Document:
    found = await session.get(Document, id, with_for_update=lock)
    if found is None:
        raise NotFound("没有这份文件。")
    return found


async def document_of(session: AsyncSession, application_id: UUID, kind: str, source: str) -> Document | None:
    query = select(Document).where(
        Document.application_id == application_id, Document.kind == kind, Document.source_sha256 == source
    )
    return await session.scalar(query)


async def revision_document(session: AsyncSession, application_id: UUID, revision: int) -> Document:
    query = select(Document).where(
        Document.application_id == application_id, Document.kind == "revision", Document.revision == revision
    )
    found = await session.scalar(query)
    if found is None:
        raise NotFound("没有这一版。")
    return found
