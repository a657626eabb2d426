"""End reminder mails (退订提醒): the page behind a reminder's link, and the one-click call of mail programs (RFC 8058)."""

import re

from aiohttp import web

from services.gateway.web.context import SERVICES
from services.gateway.web.rendering import page
from shared.contract.notify import Unsubscribe, Unsubscribed
from shared.errors import NotFound
from shared.http.app import REQUEST_ID
from shared.http.forms import MULTIPART, URLENCODED, pairs, parts, text
from shared.text.file_names import field_name

TOKEN = re.compile(r"[A-Za-z0-9_-]{10,800}")


async def _tell(request: web.Request, *, change: bool = True, again: bool = False) -> Unsubscribed:
    token = request.match_info["token"]
    if not TOKEN.fullmatch(token):
        raise NotFound("退订链接无效，请从邮件中重新打开。")
    body = Unsubscribe(token=token, change=change, again=again)
    services = request.app[SERVICES]
    return await services.tell_back("notify", "/internal/unsubscribe", request[REQUEST_ID], body, Unsubscribed)


async def show(request: web.Request) -> web.Response:
    """Whose reminders these are; opening the link changes nothing yet."""
    found = await _tell(request, change=False)
    return page(
        request, "public/unsubscribe.html", {"found": found, "token": request.match_info["token"], "done": False}
    )


async def change(request: web.Request) -> web.Response:
    """No more reminders, or (`again=1`) reminders again. The token is all the proof there is to give."""
    again = await _again(request)
    found = await _tell(request, again=again)
    return page(
        request, "public/unsubscribe.html", {"found": found, "token": request.match_info["token"], "done": True}
    )


async def _again(request: web.Request) -> bool:
    """Whether the page's second button was pressed. Mail programs send one of two kinds of form (RFC 8058)."""
    if request.content_type == URLENCODED:
        return ("again", "1") in pairs(await request.read(), most=50)
    if request.content_type == MULTIPART:
        return ("again", "1") in [
            (field_name(part), await text(part, 1000)) async for part in parts(request, most=50)
        ]
    return False
