"""Tell which files are still needed: every SELECT about attachments' contents, and the lock that sweeps respect."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Text, any_, cast, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.applications import Application, Attachment, Document, Revision, Section
from services.applications.tables.carried_over import LeftOver
from services.applications.tables.colleagues import CaseFile
from services.applications.tables.notices import Notice, NoticeFile
from services.applications.workflow import EDITABLE
from shared import clock


def _revision_names_it() -> ColumnElement[bool]:
    """Named by a revision of an application that has not been forgotten (`operations.retention`)."""
    return exists().where(
        Application.id == Attachment.application_id,
        func.length(Application.wrapped_key) > 0,
        Revision.application_id == Attachment.application_id,
        Revision.content["attachments"].has_key(cast(Attachment.id, Text)),
    )


async def hold(session: AsyncSession, sha256: str, *, alone: bool = False) -> None:
    """Keep sweeps away from a content until the transaction ends; `alone`, keep everybody else away."""
    lock = func.pg_advisory_xact_lock if alone else func.pg_advisory_xact_lock_shared
    await session.execute(select(lock(func.hashtextextended(f"content:{sha256}", 0))))


async def kept(session: AsyncSession, sha256s: set[str]) -> set[str]:
    """Return which of these contents an attachment that stands, a revision, a file of a round's notice, or one of the desk names."""
    attachments = select(Attachment.sha256).where(
        Attachment.sha256.in_(sha256s), or_(Attachment.deleted_at.is_(None), _revision_names_it())
    )
    of_notices = select(NoticeFile.sha256).where(NoticeFile.sha256.in_(sha256s))
    of_desk = select(CaseFile.sha256).where(CaseFile.sha256.in_(sha256s), CaseFile.removed_at.is_(None))
    return set(await session.scalars(attachments.union(of_notices, of_desk)))


async def in_a_revision(session: AsyncSession, attachment: Attachment) -> bool:
    """Tell whether a revision names this attachment; it is then kept as long as the application is."""
    return bool(
        await session.scalar(select(Attachment.id).where(Attachment.id == attachment.id, _revision_names_it()))
    )


async def kept_pdfs(session: AsyncSession, sha256s: set[str]) -> set[str]:
    """Return which of these PDFs are of an application that has not been forgotten, or letters, which the bureau keeps."""
    query = (
        select(Document.sha256)
        .outerjoin(Application, Application.id == Document.application_id)
        .where(
            Document.sha256.in_(sha256s), or_(func.length(Application.wrapped_key) > 0, Document.kind == "letter")
        )
    )
    return {found for found in await session.scalars(query.distinct()) if found}


async def known_pdfs(session: AsyncSession, sha256s: set[str]) -> set[str]:
    """Return which of these PDFs any document names."""
    query = select(Document.sha256).where(Document.sha256.in_(sha256s))
    return {found for found in await session.scalars(query.distinct()) if found}


async def unscanned(session: AsyncSession, limit: int) -> list[Attachment | NoticeFile | CaseFile]:
    """Return some files without a scanner's verdict, those of notices and of the desk first: any, so that those it never takes keep no others
    waiting."""
    of_notices = select(NoticeFile).where(NoticeFile.scanned_at.is_(None))
    of_desk = select(CaseFile).where(CaseFile.scanned_at.is_(None), CaseFile.removed_at.is_(None))
    attached = select(Attachment).where(Attachment.scanned_at.is_(None), Attachment.deleted_at.is_(None))
    found: list[Attachment | NoticeFile | CaseFile] = []
    found += await session.scalars(of_notices.order_by(func.random()).limit(limit // 4))
    found += await session.scalars(of_desk.order_by(func.random()).limit(limit // 4))
    return [*found, *await session.scalars(attached.order_by(func.random()).limit(limit - len(found)))]


async def give_up_notice_files(session: AsyncSession, before: datetime) -> int:
    """Take away files uploaded before then that no version of their round's notice names; return how many."""
    named = exists().where(Notice.round_id == NoticeFile.round_id, cast(NoticeFile.id, Text) == any_(Notice.files))
    taken = await session.scalars(
        delete(NoticeFile)
        .where(NoticeFile.created_at < before, ~named)
        .returning(NoticeFile.id)
        .execution_options(synchronize_session=False)
    )
    return len(taken.all())


def _abandoned(before: datetime) -> tuple[ColumnElement[bool], ...]:
    """Uploaded before then, and named by neither copy of its section, nor by what is left over of a version before."""
    id = cast(Attachment.id, Text)
    named = exists().where(
        Section.application_id == Attachment.application_id,
        Section.key == Attachment.section,
        or_(
            func.coalesce(Section.saved[Attachment.slot].has_key(id), False),
            func.coalesce(Section.draft[Attachment.slot].has_key(id), False),
        ),
    )
    left_over = exists().where(
        LeftOver.application_id == Attachment.application_id,
        LeftOver.dismissed_at.is_(None),
        id == any_(LeftOver.files),
    )
    return (Attachment.deleted_at.is_(None), Attachment.created_at < before, ~named, ~left_over)


async def abandoned(session: AsyncSession, before: datetime, limit: int = 100) -> list[UUID]:
    """Applications that may still be edited and have abandoned uploads."""
    query = (
        select(Attachment.application_id)
        .join(Application, Application.id == Attachment.application_id)
        .where(Application.state.in_(EDITABLE), *_abandoned(before))
        .distinct()
        .limit(limit)
    )
    return list(await session.scalars(query))


async def give_up(session: AsyncSession, application_id: UUID, before: datetime) -> list[UUID]:
    """Take one application's abandoned uploads away; which they were. The caller holds the application."""
    taken = await session.scalars(
        update(Attachment)
        .where(Attachment.application_id == application_id, *_abandoned(before))
        .values(deleted_at=clock.now())
        .returning(Attachment.id)
        .execution_options(synchronize_session=False)
    )
    return list(taken)


MB = 1024 * 1024
