"""Show attachments page by page, as pictures."""

from aiohttp import web

from services.applications.attachments import attachments as use_case
from services.applications.attachments.resources import PICTURES, SCANNER
from services.applications.core.context import STORE, transaction
from services.applications.tables.applications import Attachment
from shared.contract.sections import FilePages
from shared.errors import NotFound
from shared.http.app import actor, answer, uuid_in_path


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
    """Return how many pages an attachment has."""
    found = await _file(request)
    pages = await request.app[PICTURES].pages(request.app[STORE], found.sha256, found.media_type, _lane(request))
    return answer(FilePages(pages=pages))


async def show_page(request: web.Request) -> web.Response:
    """Return one page of an attachment as a picture (WebP)."""
    found = await _file(request)
    text = request.match_info["n"]
    if not text.isascii() or not text.isdecimal() or not 0 < len(text) <= 4:
        raise NotFound
    drawn = await request.app[PICTURES].page(
        request.app[STORE], found.sha256, found.media_type, int(text), _lane(request)
    )
    return _picture(drawn, 3600)


async def show_thumbnail(request: web.Request) -> web.Response:
    """Return the first page of an attachment, or the picture that it is, as a small picture (WebP)."""
    found = await _file(request)
    drawn = await request.app[PICTURES].thumbnail(
        request.app[STORE], found.sha256, found.media_type, _lane(request)
    )
    return _picture(drawn, 7 * 24 * 3600)


def _picture(drawn: bytes, seconds: int) -> web.Response:
    cached = f"private, max-age={seconds}, immutable"
    return web.Response(body=drawn, content_type="image/webp", headers={"Cache-Control": cached})
