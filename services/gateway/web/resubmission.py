"""Look after whoever had to be turned away: a 提交申请 keeps its first arrival by a ticket, and what was typed is given
back with the page, and kept here for the section's own page.

Nothing is issued or kept before the request has proved itself: own origin, a live session, the session's CSRF token. What is
given back goes in again by a POST with that token; no GET does anything with it.
"""

import asyncio
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from aiohttp import web

from services.gateway.accounts.sessions import Session
from services.gateway.web.access import SAFE, Origin, add_cookie, current, origin_of
from services.gateway.web.context import CACHE, KEYS, RECEIVED_AT, SERVICES, SESSION
from services.gateway.web.form_data import FORM, TOKEN, Values, check_csrf, keep_form, one
from shared import clock, tickets
from shared.database import BUSY
from shared.errors import DomainError, NotAllowed
from shared.http.app import VERIFIER
from shared.http.intake import readable
from shared.identity import Role
from shared.sealing import CannotOpen
from shared.tickets import Ticket

SUBMIT = re.compile(r"(?:/api/v1)?/applications/([0-9a-fA-F-]{36})/submit")
OF_APPLICATION = re.compile(r"(?:/api/v1)?/applications/([0-9a-fA-F-]{36})/.+")
# The ticket of one application, brought by the page 提交申请 and by its button, with scripts or without.
TICKET_COOKIE = "gm_arrival"
SECTION = re.compile(r"/applications/[0-9a-fA-F-]{36}/sections/[a-z0-9_]+")
# The answer to what we turn away. A mistake of ours (500) is none: the same would fail again.
SHED = 503
# Whoever was turned away has no place at the door: so many of them are looked up at once, so long each waits for that.
PROOFS_AT_ONCE = 4
PROOF_SECONDS = 3.0
PROOFS = web.AppKey("proofs", asyncio.Semaphore)
# How long typed text is kept for its section's page, and how much of it.
KEPT_SECONDS = 900
KEPT_BYTES = 256 * 1024
# Marks a form that was kept and given back.
MARK = "kept"
# The session that a request has proved to be its own, and the ticket that it was given.
_PROVED: web.RequestKey[Session | None] = web.RequestKey("proved", Session)
_ISSUED: web.RequestKey[str | None] = web.RequestKey("issued", str)


@dataclass(frozen=True)
class Ready:
    """The page 提交申请 found nothing missing. `version`: the application's. `open`: it may be submitted at this instant, without
    a ticket."""

    version: str
    open: bool


READY = web.RequestKey("ready", Ready)
# When a submission that is turned away had first arrived.
FIRST = web.RequestKey("first", datetime)


async def typed(request: web.Request) -> Values | None:
    """The text of a form, read if nobody has yet; None for what is no form, or another site's."""
    if request.method != "POST" or origin_of(request) is Origin.FOREIGN:
        return None
    if FORM not in request and readable(request):
        # What cannot be read to its end is given back as far as it came.
        with suppress(DomainError):
            await keep_form(request)
    return request.get(FORM)


async def proved(request: web.Request) -> Session | None:
    """The session of a changing request that has proved itself; None unless its origin, session and CSRF token are right."""
    if _PROVED not in request:
        request[_PROVED] = await _prove(request)
    return request[_PROVED]


async def quickly(request: web.Request) -> Session | None:
    """The session of a request that has no place at the door yet: few are looked up at once, and nobody waits long."""
    session = request.get(SESSION)
    if session is None:
        # We may be busy because the database is: then nobody can prove anything.
        with suppress(*BUSY, TimeoutError):
            async with asyncio.timeout(PROOF_SECONDS), request.app[PROOFS]:
                session = await current(request)
        if session is not None:
            # The page says who is signed in, though the request was turned away before anybody had looked.
            request[SESSION] = session
    return session


async def _prove(request: web.Request) -> Session | None:
    if request.method in SAFE or origin_of(request) is Origin.FOREIGN:
        return None
    session = await quickly(request)
    if session is None:
        return None
    header = request.headers.get("X-CSRF-Token")
    try:
        check_csrf(session, one(await typed(request) or {}, TOKEN) if header is None else header)
    except NotAllowed:
        return None
    return session


def own_ticket(request: web.Request) -> str | None:
    """The ticket that a request brought, as text for `applications`; None unless it was issued to this very session and still
    counts."""
    ticket = brought(request, request[SESSION])
    return _text(request) if ticket is not None else None


def _text(request: web.Request) -> str | None:
    """The ticket as it came: with a program's header, with the form that was given back, or by the cookie of the page's own place."""
    header = request.headers.get(tickets.HEADER)
    return header or one(request.get(FORM, {}), "ticket") or request.cookies.get(TICKET_COOKIE)


def brought(request: web.Request, session: Session) -> Ticket | None:
    """The ticket that a request brought; None unless it was issued to this very session and still counts."""
    ticket = tickets.read(request.app[VERIFIER], _text(request), at=request[RECEIVED_AT])
    return ticket if ticket is not None and ticket.session == session.id else None


async def ticket_for(request: web.Request) -> str | None:
    """The ticket of a 提交申请 that is turned away, of its page, or with its page; None for anything else, and for whoever has not
    proved themselves: to write by the form's token, to look by the session alone, for it changes nothing."""
    if _ISSUED not in request:
        request[_ISSUED] = await _issue(request)
    return request[_ISSUED]


async def _issue(request: web.Request) -> str | None:
    found = SUBMIT.fullmatch(request.path)
    if found is None or request.method not in {"GET", "POST"}:
        return None
    session = await (quickly(request) if request.method == "GET" else proved(request))
    if session is None:
        return None
    may = Role.APPLICANT in session.roles and not session.needs_factor and not session.needs_consent
    form = request.get(FORM, {})
    version = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"') or one(form, "etag")
    page = request.get(READY)
    version = version if page is None else page.version
    if not may or session.enterprise is None or not (version or request.method == "GET") or len(version) > 20:
        return None
    try:
        id = UUID(found[1])
    except ValueError:
        return None
    fresh = Ticket(
        application=id,
        version=version,
        session=session.id,
        enterprise=session.enterprise,
        received_at=request[RECEIVED_AT],
        ends_at=clock.now() + tickets.LIFETIME,
        refused=page is None,
    )
    earlier = brought(request, session)
    if page is None:
        ticket = tickets.renewed(earlier, fresh)
    else:
        # While it may be submitted, now is as early as ever; afterwards only an earlier arrival is worth anything.
        ticket = fresh if page.open or earlier is None else earlier
    request[FIRST] = ticket.received_at
    return tickets.issue(request.app[SERVICES].signer, ticket)


async def hand_ticket(request: web.Request, response: web.StreamResponse) -> None:
    """With the page 提交申请 where nothing is missing, and with every submission or such page that we turn away, whichever of our
    services said so. Whoever changes something afterwards arrives anew."""
    named = OF_APPLICATION.fullmatch(request.path)
    if named is None:
        return
    place = f"/applications/{named[1]}/submit"
    if SUBMIT.fullmatch(request.path) and (response.status == SHED or READY in request):
        if text := await ticket_for(request):
            response.headers[tickets.HEADER] = text
            add_cookie(request, response, TICKET_COOKIE, text, place, round(tickets.LIFETIME.total_seconds()))
    elif request.method not in SAFE and response.status < 400 and not request.path.startswith("/api/"):
        add_cookie(request, response, TICKET_COOKIE, "", place, 0)


async def keep(request: web.Request) -> None:
    """Keep what was typed into a section that could not be taken, for the section's page: the last one of each session."""
    if not SECTION.fullmatch(request.path) or (session := await proved(request)) is None:
        return
    form = {n: v for n, v in request.get(FORM, {}).items() if n not in {TOKEN, MARK}}
    plain = json.dumps({"path": request.path, "form": form}, ensure_ascii=False).encode()
    if len(plain) <= KEPT_BYTES:
        # Bound to the session, and unreadable where it waits.
        sealed = request.app[KEYS].seal(plain, _context(session))
        await request.app[CACHE].put(_key(session), sealed.hex(), KEPT_SECONDS)


async def kept(request: web.Request) -> Values | None:
    """What this session typed into the section of this page and we could not take; None when there is nothing, or no more."""
    session = request[SESSION]
    text = await request.app[CACHE].get(_key(session))
    if text is None:
        return None
    try:
        found = json.loads(request.app[KEYS].open(bytes.fromhex(text), _context(session)))
    except (CannotOpen, ValueError):
        return None
    form: Values | None = found["form"] if found["path"] == request.path else None
    return form


async def taken(request: web.Request) -> None:
    """Forget what was kept of a section, once its form has been taken."""
    if await kept(request) is not None:
        await request.app[CACHE].drop(_key(request[SESSION]))


def _context(session: Session) -> bytes:
    return f"kept form:{session.id}".encode()


def _key(session: Session) -> str:
    return f"gm:kept:{session.id}"
