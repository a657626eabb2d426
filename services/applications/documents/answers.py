"""Answer with a document: the file, or 202 with its place in line."""

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.attachments.sending import send_file
from services.applications.core import repository
from services.applications.core.context import transaction
from services.applications.core.readings import read_pdf
from services.applications.documents import documents as use_case
from services.applications.tables.applications import Document
from shared.contract.applications import DocumentStatus
from shared.http.app import actor, answer
from shared.store import pdf_key


def _status(status: DocumentStatus) -> web.Response:
    if status.status == "ready":
        return answer(status)
    return answer(status, 202, Retry_After=str(min(status.eta_seconds or 2, 10)))


async def ask_for(request: web.Request, session: AsyncSession, document: Document) -> None:
    """Somebody waits for it. `?look=1` only asks where it stands: a page that looks every second must not try again
    and again what was given up."""
    if "look" not in request.query:
        await use_case.hurry(session, actor(request), document)


async def letter_or_status(
    request: web.Request, document: Document, status: DocumentStatus, name: str
) -> web.StreamResponse:
    """Return the letter of a list, or 202 with its place in line. It is of no application, and everybody of the bureau may read it."""
    if document.sha256 is None:
        return _status(status)
    return await _file(request, document, name)


async def file_or_status(request: web.Request, document: Document, name: str | None = None) -> web.StreamResponse:
    """Return the file, saved as `name` or as its kind is, or 202 with its place in line."""
    async with transaction(request) as session:
        if document.sha256 is None:
            return _status(await use_case.status_of(session, document))
        assert document.application_id is not None
        who = actor(request)
        application = await repository.application(session, who, document.application_id)
        if document.kind != "letter":
            use_case.must_be_kept(application)
        name = name or use_case.file_name(application, document)
        if document.kind in {"revision", "masked", "brief"}:
            read_pdf(session, who, application.id, document.revision, masked=document.kind != "revision")
    return await _file(request, document, name)


async def _file(request: web.Request, document: Document, name: str) -> web.StreamResponse:
    assert document.sha256 is not None
    return await send_file(
        request,
        pdf_key(document.sha256),
        name,
        media_type="application/pdf",
        size=document.size or 0,
        inline=True,
    )
