"""Serve what the bureau's people and the experts are told."""

from aiohttp import web

from services.applications.core.context import transaction
from services.applications.messages import reading
from shared.contract.messages import ChooseMessages, ReadMessages, Unread
from shared.http.app import actor, answer, body


async def show_messages(request: web.Request) -> web.Response:
    """Return a page of one's messages, the latest first, and what one wants to be told of."""
    async with transaction(request) as session:
        return answer(await reading.listed(session, actor(request), request.query.get("cursor", "")))


async def count_unread(request: web.Request) -> web.Response:
    """Return how many of one's messages are unread."""
    async with transaction(request) as session:
        return answer(Unread(unread=await reading.unread(session, actor(request))))


async def mark_read(request: web.Request) -> web.Response:
    """Mark some of one's messages as read, or all."""
    async with transaction(request) as session:
        await reading.mark_read(session, actor(request), body(request, ReadMessages).ids)
    return web.Response(status=204)


async def choose(request: web.Request) -> web.Response:
    """Keep what one wants to be told of."""
    async with transaction(request) as session:
        await reading.choose(session, actor(request), body(request, ChooseMessages))
    return web.Response(status=204)
