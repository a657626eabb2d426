"""Select documents and official letters."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Row, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.cursors import cursor_of, place_of
from services.applications.tables.applications import Application, Document
from services.applications.tables.decision import Announcement, Letter, LetterNumber
from shared import clock
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


async def form_draft_document(session: AsyncSession, source: str) -> Document | None:
    """Return the PDF that was made, or is, of a form's draft."""
    query = select(Document).where(Document.kind == "form", Document.source_sha256 == source).limit(1)
    found: Document | None = await session.scalar(query)
    return found


async def forget_form_drafts(session: AsyncSession) -> None:
    """Forget the PDFs of drafts that are older than a day; their files go with the relay's next sweep."""
    old = (Document.kind == "form", Document.ready_at < clock.now() - timedelta(days=1))
    await session.execute(delete(Document).where(*old))


async def letter_register(
    session: AsyncSession,
    *,
    series: str,
    year: int | None,
    unopened_since: datetime | None,
    cursor: str,
    limit: int,
) -> tuple[Sequence[Row[Letter, Application | None, Announcement | None]], str | None]:
    """Select a page of the letters that were issued, newest first, each with its application or its list, and the cursor of the next.
    `unopened_since`: only those that were issued before and that nobody has opened."""
    query = (
        select(Letter, Application, Announcement)
        .outerjoin(Application, Application.id == Letter.application_id)
        .outerjoin(Announcement, Announcement.letter_id == Letter.id)
    )
    if series:
        query = query.where(Letter.series == series)
    if year is not None:
        query = query.where(Letter.year == year)
    if unopened_since is not None:
        query = query.where(Letter.unopened, Letter.recalled_at.is_(None), Letter.issued_at < unopened_since)
    if cursor:
        query = query.where(tuple_(Letter.issued_at, Letter.id) < tuple_(*place_of(cursor)))
    query = query.order_by(Letter.issued_at.desc(), Letter.id.desc()).limit(limit + 1)
    found = (await session.execute(query)).all()
    if len(found) <= limit:
        return found, None
    last = found[limit - 1][0]
    return found[:limit], cursor_of(last.issued_at, last.id)


async def letter_series(session: AsyncSession) -> tuple[list[str], list[int]]:
    """Select the series that letters were numbered in, and their years, newest first."""
    rows = (await session.execute(select(LetterNumber.series, LetterNumber.year))).all()
    return sorted({series for series, _ in rows}), sorted({year for _, year in rows}, reverse=True)
