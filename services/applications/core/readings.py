"""Record who of the bureau read a paper or a file."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.audit import record
from services.applications.core.disclosure import is_recorded
from services.applications.tables.applications import Attachment, Audit
from shared.identity import Actor

PDF, ATTACHMENT, CASE_FILE = "read_pdf", "read_attachment", "read_case_file"
READINGS = frozenset({PDF, ATTACHMENT, CASE_FILE})
# Pages of one file are asked for one by one while somebody looks at it: one reading.
ONE_READING = timedelta(minutes=30)


def read_pdf(
    session: AsyncSession, actor: Actor, application_id: UUID, revision: int | None, *, masked: bool
) -> None:
    """Record that the PDF of a revision was given out."""
    _note(session, actor, PDF, application_id, submitted=revision, masked=masked)


async def read_file(session: AsyncSession, actor: Actor, file: Attachment, *, page: bool = False) -> None:
    """Record that a file was given out, or a `page` of it unless one just was."""
    if page and is_recorded(actor):
        earlier = select(Audit.id).where(
            Audit.application_id == file.application_id,
            Audit.actor == actor.account,
            Audit.action == ATTACHMENT,
            Audit.details["attachment"].astext == str(file.id),
            Audit.at > func.now() - ONE_READING,
        )
        if await session.scalar(earlier.limit(1)) is not None:
            return
    _note(session, actor, ATTACHMENT, file.application_id, attachment=str(file.id), sha256=file.sha256)


def _note(
    session: AsyncSession,
    actor: Actor,
    action: str,
    application_id: UUID,
    **details: Any,
) -> None:
    if is_recorded(actor):
        record(session, actor, action, application_id=application_id, **details)
