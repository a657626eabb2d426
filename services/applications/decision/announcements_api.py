"""Serve 公示 and 项目批复 of lists: drafts and their publication for the bureau, what is published for anybody."""

from uuid import UUID

from aiohttp import web

from services.applications.attachments.sending import send_file
from services.applications.core.case import form_of
from services.applications.core.context import SETTINGS, transaction
from services.applications.decision import announcements, announcements_views, ranking
from services.applications.decision.resources import office
from services.applications.documents import documents, queries
from services.applications.documents.answers import ask_for, letter_or_status
from shared.contract.announcements import AnnouncementView, ChangeList, DraftList
from shared.contract.applications import Nothing
from shared.contract.decision import PublicityCase, PublicityList
from shared.errors import NotFound, Unavailable
from shared.http.app import actor, answer, body, if_match, uuid_in_path
from shared.http.query_params import number
from shared.store import pdf_key


def _year(request: web.Request) -> int | None:
    return number(request.query["year"], 9000) if request.query.get("year") else None


async def _view(request: web.Request, id: UUID, status: int = 200) -> web.Response:
    """Return the list as it is now. Read anew, in a transaction of its own: what has just been done is then told like everything else."""
    async with transaction(request) as session:
        view: AnnouncementView = await announcements_views.view(session, actor(request), id)
    return answer(view, status, ETag=f'"{view.etag}"')


async def list_all(request: web.Request) -> web.Response:
    """Return drafts and published lists, of `year` where it is given, and what waits for a list."""
    async with transaction(request) as session:
        return answer(await announcements_views.overview(session, _year(request)))


async def draft(request: web.Request) -> web.Response:
    """拟定公示 or 批复 of a round, with every case that waits for it; the draft that is there, if there is one."""
    given = body(request, DraftList)
    async with transaction(request) as session:
        days = request.app[SETTINGS].publicity_working_days
        id = await announcements.draft(session, actor(request), given.round, given.kind, days)
    return await _view(request, id, 201)


async def show(request: web.Request) -> web.Response:
    """Return one list with its whole: sums beside the round's budget, by district and by type."""
    return await _view(request, uuid_in_path(request))


async def change(request: web.Request) -> web.Response:
    """Keep a draft's title, text, days and cases; 412 when the list or a case of it has changed meanwhile."""
    id, given = uuid_in_path(request), body(request, ChangeList)
    async with transaction(request) as session:
        await announcements.change(session, actor(request), id, if_match(request), **given.model_dump())
    return await _view(request, id)


async def discard(request: web.Request) -> web.Response:
    """Delete a draft; its cases wait for another."""
    async with transaction(request) as session:
        await announcements.discard(session, actor(request), uuid_in_path(request), if_match(request))
    return web.Response(status=204)


async def publish(request: web.Request) -> web.Response:
    """Publish what another person drafted: all cases or none; 422 names those that stand in the way."""
    id = uuid_in_path(request)
    body(request, Nothing)
    async with transaction(request) as session:
        await announcements.publish(session, office(request), actor(request), id, if_match(request))
    return await _view(request, id)


async def get_pdf(request: web.Request) -> web.StreamResponse:
    """Return a published list as PDF, or 202 with its place in line."""
    async with transaction(request) as session:
        found = await announcements.read(session, uuid_in_path(request))
        if found.letter is None:
            raise NotFound("尚未发布，没有正式文件。")
        document = await queries.document(session, found.letter.document_id)
        await ask_for(request, session, document)
        status = await documents.status_of(session, document)
    return await letter_or_status(request, document, status, f"{found.letter.name}-{found.letter.reference}.pdf")


# ---- for anybody: nothing of a draft, and no person's name --------------------------------------------------


async def show_publicity(request: web.Request) -> web.Response:
    """Return what stands in 公示, and the 公示 and 批复 of a year, for the page that anybody may open."""
    async with transaction(request) as session:
        found = await ranking.in_publicity(session)
        on = await announcements_views.announcement_of(session, [a.id for a, _ in found])
        year, years, lists = await announcements_views.published_in(session, _year(request))
    items = [
        PublicityCase(
            number=a.number,
            project_name=a.project_name,
            enterprise_name=a.enterprise_name,
            fund_type_label=form_of(a).label,
            round_title=r.title,
            amount_wan=f"{a.approved_wan or 0:.2f}",
            since=a.publicity_from,
            until=a.publicity_until,
            announcement=on.get(a.id),
        )
        for a, r in found
        if a.publicity_until is not None
    ]
    return answer(
        PublicityList(
            items=items, year=year, years=years, announcements=lists["publicity"], approvals=lists["approval"]
        )
    )


async def show_published(request: web.Request) -> web.Response:
    """Return one 公示 or 批复 as anybody may read it; 404 for a draft."""
    async with transaction(request) as session:
        return answer(await announcements_views.published(session, uuid_in_path(request)))


async def get_published_pdf(request: web.Request) -> web.StreamResponse:
    """Return a 公示 or 批复 as PDF, for anybody; 503 while it is being made."""
    async with transaction(request) as session:
        letter, document = await announcements_views.published_document(session, uuid_in_path(request))
    if document.sha256 is None:
        raise Unavailable("文件正在生成，请稍后再试。", retry_after=5)
    return await send_file(
        request, pdf_key(document.sha256), f"{letter.name}-{letter.reference}.pdf",
        media_type="application/pdf", size=document.size or 0, inline=True,
    )  # fmt: skip
