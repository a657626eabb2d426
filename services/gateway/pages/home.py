"""`/`: the entrance for those outside, the desk for those inside; and the inbox."""

from aiohttp import web

from services.gateway.access import current
from services.gateway.forms import read_form
from services.gateway.pages.asking import ask, see_other
from services.gateway.pages.rendering import page
from shared.identity import Role
from shared.web import uuid_in_path

# The first that fits; everybody else finds a page that says what there is for them.
DESKS = (
    (Role.APPLICANT, "/projects"),
    (Role.REVIEWER, "/review"),
    (Role.DIRECTOR, "/review"),
    (Role.AUDITOR, "/review"),
    (Role.EXPERT, "/expert"),
    (Role.OPERATOR, "/ops"),
)


async def entrance(request: web.Request) -> web.Response:
    """Sign in, or go on to where one works."""
    session = await current(request)
    if session is None:
        return page(request, "entrance.html", {})
    for role, desk in DESKS:
        if role in session.roles:
            return see_other(desk)
    return see_other("/welcome")


async def welcome(request: web.Request) -> web.Response:
    """For those whose work has not begun."""
    return page(request, "welcome.html", {})


async def inbox(request: web.Request) -> web.Response:
    """通知: what was also sent by mail."""
    cursor = request.query.get("cursor", "")
    found = await ask(request, "GET", "/notifications", query={"cursor": cursor} if cursor else None)
    return page(request, "inbox.html", {"inbox": found.body})


async def mark_read(request: web.Request) -> web.Response:
    """标为已读."""
    await read_form(request)
    await ask(request, "POST", f"/notifications/{uuid_in_path(request)}/read")
    return see_other("/notifications")
