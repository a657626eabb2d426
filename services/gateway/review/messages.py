"""Show what one is told (消息), mark it as read, and choose what to be told of."""

from aiohttp import web

from services.gateway.web.calls import ask
from services.gateway.web.context import SESSION
from services.gateway.web.form_data import read_form
from services.gateway.web.rendering import page
from shared.contract.messages import Messages
from shared.errors import DomainError, Malformed
from shared.http.app import see_other
from shared.roles import STAFF

NOTICES = {"read": "已全部标为已读。", "chosen": "已保存接收设置。"}


async def _page(request: web.Request, error: DomainError | None = None, status: int = 200) -> web.Response:
    query = {"cursor": request.query["cursor"]} if request.query.get("cursor") and error is None else {}
    try:
        found = (await ask(request, "GET", "/messages", Messages, query=query)).body
    except Malformed as fault:
        if error is not None or not query:
            raise
        return await _page(request, fault, 400)
    context = {
        "found": found,
        "unread_messages": found.unread,
        # An expert reads a case where it is scored.
        "case": "/review/" if request[SESSION].roles & STAFF else "/expert/",
        "error": error,
        "done": NOTICES.get(request.query.get("done", "")),
    }
    return page(request, "review/messages.html", context, status=status)


async def show(request: web.Request) -> web.Response:
    """消息, the latest first."""
    return await _page(request)


async def read(request: web.Request) -> web.Response:
    """全部标为已读, or one of them on the way to its case."""
    form = await read_form(request)
    try:
        await ask(request, "POST", "/messages/read", json={"ids": form.get("id", [])})
    except Malformed as error:
        return await _page(request, error, 400)
    return see_other("/messages" if form.get("id") else "/messages?done=read")


async def choose(request: web.Request) -> web.Response:
    """接收设置."""
    form = await read_form(request)
    try:
        await ask(request, "PUT", "/messages/choices", json={"wanted": form.get("wanted", [])})
    except Malformed as error:
        return await _page(request, error, 400)
    return see_other("/messages?done=chosen#choices")
