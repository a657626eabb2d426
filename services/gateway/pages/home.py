"""`/`: the entrance, as on the bureau's own site; the inbox; and pages that only say something."""

import asyncio
import logging

from aiohttp import web

from services.gateway.access import actor, current
from services.gateway.context import SERVICES, SESSION
from services.gateway.forms import read_form
from services.gateway.pages.asking import Json, ask, see_other
from services.gateway.pages.projects import ceilings
from services.gateway.pages.rendering import page
from services.gateway.sessions import Session
from shared.errors import DomainError
from shared.identity import Role
from shared.web import REQUEST_ID, uuid_in_path

log = logging.getLogger(__name__)

# Staff come to work, not to apply: the first desk that fits; everybody else finds what there is for them.
DESKS = (
    (Role.REVIEWER, "/review"),
    (Role.DIRECTOR, "/review"),
    (Role.AUDITOR, "/review"),
    (Role.OPERATOR, "/ops"),
)


async def entrance(request: web.Request) -> web.Response:
    """办事入口: what can be applied for and until when, for everybody; staff go on to their desks."""
    session = await current(request)
    if session is not None and Role.APPLICANT not in session.roles:
        for role, desk in DESKS:
            if role in session.roles:
                return see_other(desk)
        return see_other("/welcome")
    if session is not None:
        if session.needs_consent:
            return see_other("/account/consent?next=%2F")
        request[SESSION] = session
    rounds, unsent = await asyncio.gather(_rounds(request, session), _unsent(request, session))
    return page(request, "entrance.html", {"rounds": rounds, "unsent": unsent})


async def _rounds(request: web.Request, session: Session | None) -> list[Json] | None:
    """Open and coming rounds with their limits; None while applications does not answer."""
    who = actor(request) if session else None
    try:
        found = (await request.app[SERVICES].ask(who, "GET", "/rounds", request_id=request[REQUEST_ID])).body
    except DomainError as error:
        log.warning("no rounds at the entrance", extra={"reason": str(error)})
        return None
    return [{**r, "ceilings": ceilings(r["parameters"])} for r in found]


async def _unsent(request: web.Request, session: Session | None) -> list[Json]:
    """What this enterprise has begun and not submitted."""
    if session is None:
        return []
    try:
        found = await ask(request, "GET", "/applications", query={"state": "draft,returned", "limit": "5"})
    except DomainError:
        return []
    items: list[Json] = found.body["items"]
    return items


async def welcome(request: web.Request) -> web.Response:
    """For those whose work has not begun."""
    return page(request, "welcome.html", {})


async def signed_in(request: web.Request) -> web.Response:
    """After signing in again in a window of its own: back to the page where something is being typed."""
    return page(request, "signed_in.html", {})


async def help_page(request: web.Request) -> web.Response:
    """使用说明: the manual's chapters, each with the way to where it happens."""
    session = await current(request)
    if session is not None:
        if session.needs_consent:
            return see_other("/account/consent?next=%2F")
        request[SESSION] = session
    return page(request, "help.html", {})


async def inbox(request: web.Request) -> web.Response:
    """站内信: what was also sent by mail."""
    cursor = request.query.get("cursor", "")
    found = await ask(request, "GET", "/notifications", query={"cursor": cursor} if cursor else None)
    return page(request, "inbox.html", {"inbox": found.body, "unread": found.body["unread"]})


async def mark_read(request: web.Request) -> web.Response:
    """标为已读."""
    await read_form(request)
    await ask(request, "POST", f"/notifications/{uuid_in_path(request)}/read")
    return see_other("/notifications")
