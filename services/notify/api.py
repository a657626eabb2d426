"""Thin handlers: the inbox for people, the ledger for services."""

from uuid import UUID

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.notify import inbox
from services.notify.emails import render
from services.notify.ledger import EVENT
from services.notify.models import Notification
from services.notify.schemas import Inbox, Notice
from shared import openapi
from shared.errors import Malformed
from shared.messages import EventToShow, RenderedMail
from shared.web import ROUTES, actor, answer, body, uuid_in_path

SESSIONS: web.AppKey[async_sessionmaker[AsyncSession]] = web.AppKey("sessions", async_sessionmaker)
PUBLIC_URL = web.AppKey("public_url", str)


def _view(row: Notification, public_url: str) -> Notice:
    mail = render(EVENT.validate_python(row.payload), public_url)
    return Notice(
        id=row.event_id,
        kind=row.kind,
        application_id=row.application_id,
        title=mail.subject,
        text=mail.text,
        occurred_at=row.occurred_at,
        read_at=row.read_at,
    )


async def list_notices(request: web.Request) -> web.Response:
    """My enterprise's notices, newest first, keyset-paged."""
    async with request.app[SESSIONS].begin() as session:
        rows, cursor, unread = await inbox.notices(session, actor(request), request.query.get("cursor", ""))
    items = [_view(row, request.app[PUBLIC_URL]) for row in rows]
    return answer(Inbox(items=items, next_cursor=cursor, unread=unread))


async def read_notice(request: web.Request) -> web.Response:
    """Mark a notice as read."""
    async with request.app[SESSIONS].begin() as session:
        await inbox.mark_read(session, actor(request), uuid_in_path(request))
    return web.Response(status=204)


def _uuid(request: web.Request, name: str) -> UUID | None:
    text = request.query.get(name)
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise Malformed from None


async def deliveries(request: web.Request) -> web.Response:
    """The ledger of one application, or all of it, in pages."""
    async with request.app[SESSIONS].begin() as session:
        page = await inbox.deliveries(session, _uuid(request, "application_id"), _uuid(request, "after"))
    return answer(page)


async def preview(request: web.Request) -> web.Response:
    """The mail that an event would become, for somebody who is about to bring it about."""
    mail = render(body(request, EventToShow).root, request.app[PUBLIC_URL])
    return answer(RenderedMail(subject=mail.subject, text=mail.text, html=mail.html))


async def describe(request: web.Request) -> web.Response:
    """OpenAPI of this service's public routes."""
    routes = request.app[ROUTES]
    return answer(openapi.fragment(routes))
