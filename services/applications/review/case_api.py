"""What a reviewer sees of a case beside its materials: pages of attachments, where values came from, other cases."""

from aiohttp import web

from services.applications.attachments import attachments as use_case
from services.applications.attachments.resources import PICTURES, SCANNER
from services.applications.core import peers, repository, views
from services.applications.core.context import CODEC, PEERS, STORE, transaction
from services.applications.filling.provenance import origins
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.review import case_list
from services.applications.review.schemas import FilePages
from services.applications.tables.applications import Attachment
from shared.errors import NotFound
from shared.http.app import actor, answer, uuid_in_path
from shared.messages import Profile


async def _file(request: web.Request) -> Attachment:
    async with transaction(request) as session:
        return await use_case.to_read(
            session,
            actor(request),
            uuid_in_path(request),
            uuid_in_path(request, "attachment"),
            scanning=request.app[SCANNER] is not None,
            page=True,
        )


def _lane(request: web.Request) -> str:
    """Whose turn it is among those for whom pages are drawn."""
    who = actor(request)
    return who.enterprise or who.account


async def count_pages(request: web.Request) -> web.Response:
    """How many pages an attachment has."""
    found = await _file(request)
    pages = await request.app[PICTURES].pages(request.app[STORE], found.sha256, found.media_type, _lane(request))
    return answer(FilePages(pages=pages))


async def show_page(request: web.Request) -> web.Response:
    """One page of an attachment as a picture (WebP)."""
    found = await _file(request)
    text = request.match_info["n"]
    if not text.isascii() or not text.isdecimal() or not 0 < len(text) <= 4:
        raise NotFound
    drawn = await request.app[PICTURES].page(
        request.app[STORE], found.sha256, found.media_type, int(text), _lane(request)
    )
    return web.Response(
        body=drawn, content_type="image/webp", headers={"Cache-Control": "private, max-age=3600, immutable"}
    )


async def show_origins(request: web.Request) -> web.Response:
    """Every prefilled value: what its source said then, what was submitted, what the source says now."""
    who = actor(request)
    async with transaction(request) as session:
        application = await repository.application(session, who, uuid_in_path(request))
    profile: Profile = await peers.profile(request.app[PEERS], who, application.created_by)
    async with transaction(request) as session:
        application = await repository.application(session, who, application.id)
        form = catalogue_form(application.fund_type, application.form_version)
        codec = request.app[CODEC].of(application.id, application.wrapped_key, form)
        return answer(await origins(session, application, form, codec, profile))


async def show_others(request: web.Request) -> web.Response:
    """The enterprise's other applications that were ever submitted, newest first."""
    who = actor(request)
    async with transaction(request) as session:
        application = await repository.application(session, who, uuid_in_path(request))
        found = await case_list.others_of(session, who, application.enterprise, application.id)
        return answer(await views.summaries(session, found, who))
