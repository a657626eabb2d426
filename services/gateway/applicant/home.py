"""Show the entrance (`/`), the inbox, the manual, and pages of one sentence."""

import asyncio
import logging
import re

from aiohttp import web

from services.gateway.accounts.sessions import Session
from services.gateway.applicant.ceilings import RoundCard
from services.gateway.applicant.glossary import glossary
from services.gateway.web.access import actor, current
from services.gateway.web.calls import ask, unsent
from services.gateway.web.context import SERVICES, SESSION, SETTINGS
from services.gateway.web.form_data import one, read_form
from services.gateway.web.rendering import page
from shared.contract.notify import Inbox, Notice
from shared.contract.rounds import RoundView
from shared.errors import DomainError
from shared.http.app import REQUEST_ID, see_other, uuid_in_path
from shared.identity import Role

log = logging.getLogger(__name__)

# Where a notice leads.
PROJECT = re.compile("/applications/[0-9a-f-]{36}/(view|opinions)")

# Staff come to work, not to apply: to the first desk that fits, where a director reads what waits for a decision beside its budget; everybody else finds what there is for them.
DESKS = (
    (Role.REVIEWER, "/review"),
    (Role.DIRECTOR, "/review/ranking"),
    (Role.AUDITOR, "/audit"),
    (Role.EXPERT, "/expert"),
    (Role.OFFICER, "/rounds"),
    (Role.FORM_EDITOR, "/forms"),
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
    rounds, begun = await asyncio.gather(_rounds(request, session), unsent(request))
    return page(request, "applicant/entrance.html", {"rounds": rounds, "unsent": begun})


async def _rounds(request: web.Request, session: Session | None) -> list[RoundCard] | None:
    """Open and coming rounds with their limits; None while applications does not answer."""
    who = actor(request) if session else None
    try:
        listed = await request.app[SERVICES].ask(
            who, "GET", "/rounds", list[RoundView], request_id=request[REQUEST_ID]
        )
    except DomainError as error:
        log.warning("no rounds at the entrance", extra={"reason": str(error)})
        return None
    return [RoundCard.of(round_) for round_ in listed.body]


async def welcome(request: web.Request) -> web.Response:
    """For those whose work has not begun."""
    return page(request, "applicant/welcome.html", {})


async def signed_in(request: web.Request) -> web.Response:
    """After signing in again in a window of its own: back to the page where something is being typed."""
    return page(request, "applicant/signed_in.html", {})


async def help_page(request: web.Request) -> web.Response:
    """使用说明: the manual's chapters, each with the way to where it happens."""
    session = await current(request)
    if session is not None:
        if session.needs_consent:
            return see_other("/account/consent?next=%2F")
        request[SESSION] = session
    return page(request, "applicant/help.html", {"unsent": await unsent(request), "glossary": glossary()})


def _place(notice: Notice) -> str:
    """Where a notice leads."""
    answers = "opinions" if notice.kind == "application_returned" else "view"
    return f"/applications/{notice.application_id}/{answers}"


async def inbox(request: web.Request) -> web.Response:
    """站内信: what was also sent by mail."""
    cursor = request.query.get("cursor", "")
    found, begun = await asyncio.gather(
        ask(request, "GET", "/notifications", Inbox, query={"cursor": cursor} if cursor else None), unsent(request)
    )
    context = {
        "inbox": found.body,
        "unread": found.body.unread,
        "places": {notice.id: _place(notice) for notice in found.body.items},
        "unsent": begun,
        "public_url": request.app[SETTINGS].public("/"),
    }
    return page(request, "applicant/inbox.html", context)


async def mark_read(request: web.Request) -> web.Response:
    """标为已读, also on the way to what it is about."""
    to = one(await read_form(request), "to")
    await ask(request, "POST", f"/notifications/{uuid_in_path(request)}/read")
    return see_other(to if PROJECT.fullmatch(to) else "/notifications")
