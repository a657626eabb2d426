"""Owe a document to the documents worker, in the transaction of what it is about."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.outbox import outbox
from services.applications.tables.applications import Document
from shared.messages import RENDER_DOCUMENT, RenderDocument


def document_key(document_id: UUID) -> str:
    """Return the outbox's name for a document that is owed."""
    return f"document:{document_id}"


async def owe_document(session: AsyncSession, document: Document, *, priority: int = outbox.AHEAD) -> None:
    """Add a document and owe its PDF. `outbox.AHEAD`: made ahead, until somebody waits for it (`documents.hurry`)."""
    session.add(document)
    # What is owed refers to rows that must exist.
    await session.flush()
    await outbox.add(
        session,
        RENDER_DOCUMENT,
        RenderDocument(document_id=document.id),
        due_key=document_key(document.id),
        priority=priority,
        application_id=document.application_id,
    )
