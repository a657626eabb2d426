"""生成PDF, previews and the commitment page."""

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.attachments.api import send_file
from services.applications.core import repository
from services.applications.core.context import CODEC, transaction
from services.applications.core.readings import read_pdf
from services.applications.core.schemas import DocumentStatus
from services.applications.core.switches import must_be_on
from services.applications.documents import documents as use_case
from services.applications.tables.applications import Document
from shared.errors import Conflict, NotFound
from shared.http.app import actor, answer, uuid_in_path
from shared.store import pdf_key


def revision_number(request: web.Request) -> int:
    text = request.match_info["n"]
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise NotFound("没有这一版。")
    return int(text)


def _status(status: DocumentStatus) -> web.Response:
    if status.status == "ready":
        return answer(status)
    return answer(status, 202, Retry_After=str(min(status.eta_seconds or 2, 10)))


async def ask_for(request: web.Request, session: AsyncSession, document: Document) -> None:
    """Somebody waits for it. `?look=1` only asks where it stands: a page that looks every second must not try again
    and again what was given up."""
    if "look" not in request.query:
        await use_case.hurry(session, actor(request), document)


async def make_pdf(request: web.Request) -> web.Response:
    """生成PDF: ready, or its place in line. What was given up is queued again, unless `look` is set. Experts and auditors
    get a rendition without personal data, here and below."""
    async with transaction(request) as session:
        document = await use_case.of_revision(
            session, actor(request), uuid_in_path(request), revision_number(request)
        )
        await ask_for(request, session, document)
        status = await use_case.status_of(session, document)
    return _status(status)


async def get_pdf(request: web.Request) -> web.StreamResponse:
    """The PDF of a revision, or 202 with its place in line."""
    async with transaction(request) as session:
        document = await use_case.of_revision(
            session, actor(request), uuid_in_path(request), revision_number(request)
        )
    return await file_or_status(request, document)


async def preview(request: web.Request) -> web.StreamResponse:
    """A PDF of what is saved so far, watermarked; 202 while it is made."""
    return await _of_what_is_saved(request, "preview")


async def commitment(request: web.Request) -> web.StreamResponse:
    """下载待盖章承诺书: the commitment page filled in, for stamp and scan; 202 while it is made."""
    return await _of_what_is_saved(request, "commitment")


async def _of_what_is_saved(request: web.Request, kind: str) -> web.StreamResponse:
    async with transaction(request) as session:
        if kind == "preview":
            await must_be_on(session, "previews")
        document = await use_case.of_what_is_saved(
            session, request.app[CODEC], actor(request), uuid_in_path(request), kind
        )
        await ask_for(request, session, document)
    return await file_or_status(request, document)


async def file_or_status(request: web.Request, document: Document, name: str | None = None) -> web.StreamResponse:
    """The file, saved as `name` or as its kind is, or 202 with its place in line."""
    async with transaction(request) as session:
        if document.sha256 is None:
            return _status(await use_case.status_of(session, document))
        who = actor(request)
        application = await repository.application(session, who, document.application_id)
        if not application.wrapped_key and document.kind != "letter":
            raise Conflict("该申请的保存期限已满，资料已删除。", code="forgotten")
        name = name or use_case.file_name(application, document)
        if document.kind in {"revision", "masked"}:
            read_pdf(session, who, application.id, document.revision, masked=document.kind == "masked")
    return await send_file(
        request,
        pdf_key(document.sha256),
        name,
        media_type="application/pdf",
        size=document.size or 0,
        inline=True,
    )
