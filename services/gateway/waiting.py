"""What becomes of somebody whom we had to send away: a submission keeps its first arrival by a ticket, and what was typed
waits with the page, or here for a browser without scripts, until the page tries again by itself."""

import hashlib
import json
import re
import secrets
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web

from services.gateway.access import cookie_name
from services.gateway.context import CACHE, KEYS, RECEIVED_AT, SERVICES, SETTINGS
from services.gateway.forms import FORM, REPLAYED, TOKEN, Values, one
from shared import tickets
from shared.sealing import CannotOpen
from shared.tickets import Ticket
from shared.web import VERIFIER

SUBMIT = re.compile(r"(?:/api/v1)?/applications/([0-9a-fA-F-]{36})/submit(?:/again)?")
SECTION = re.compile(r"/applications/[0-9a-fA-F-]{36}/sections/[a-z0-9_]+(?:/again)?")
AGAIN = "/again"
# A submission that is answered so may come again, and has then arrived now.
OURS = frozenset({500, 503})
# How long typed text is kept for a page that tries again, and how much of it.
KEPT_SECONDS = 900
KEPT_BYTES = 256 * 1024
ISSUED: web.RequestKey[str] = web.RequestKey("issued", str)
# When a submission that is turned away had first arrived.
FIRST = web.RequestKey("first", datetime)


def browser_of(request: web.Request) -> str:
    """A digest of the session's cookie, looked up nowhere: whose browser this is."""
    cookie = request.cookies.get(cookie_name(request.app[SETTINGS]), "")
    return hashlib.sha256(cookie.encode()).hexdigest()[:32] if cookie else ""


def place(request: web.Request) -> str:
    """The page that a form belongs to, whichever way it came this time."""
    return request.path.removesuffix(AGAIN)


def ticket(request: web.Request) -> str | None:
    """For a 提交申请 that is turned away: the ticket of its first arrival. None for anything else."""
    if ISSUED in request:
        return request[ISSUED]
    found = SUBMIT.fullmatch(request.path)
    form = request.get(FORM, {})
    version = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"') or one(form, "etag")
    if found is None or not version or len(version) > 20 or (request.method == "GET" and not form):
        return None
    try:
        id = UUID(found[1])
    except ValueError:
        return None
    brought = tickets.read(request.app[VERIFIER], request.headers.get(tickets.HEADER) or one(form, "ticket"))
    same = brought is not None and brought.application == id and brought.version == version
    first = brought.received_at if same and brought else request[RECEIVED_AT]
    request[FIRST] = first
    made = Ticket(application=id, version=version, received_at=first, browser=browser_of(request))
    request[ISSUED] = tickets.issue(request.app[SERVICES].signer, made)
    return request[ISSUED]


async def hand_ticket(request: web.Request, response: web.StreamResponse) -> None:
    """With every submission that failed through no fault of its own, whoever said it."""
    if response.status in OURS and (text := ticket(request)):
        response.headers[tickets.HEADER] = text


async def address_for_again(request: web.Request) -> str | None:
    """Where a browser without scripts goes to try the same form again; None when only the button can."""
    form = request.get(FORM)
    if form is None:
        return None
    if SUBMIT.fullmatch(request.path):
        pairs = [(name, v) for name in ("etag", "key", "discard") for v in form.get(name, [])]
        text = ticket(request)
        return f"{place(request)}{AGAIN}?{urlencode([*pairs, ('ticket', text)])}" if text else None
    if SECTION.fullmatch(request.path):
        kept = await _keep(request, form)
        return f"{place(request)}{AGAIN}?kept={kept}" if kept else None
    return None


async def _keep(request: web.Request, form: Values) -> str | None:
    known = request.query.get("kept", "") if request.path.endswith(AGAIN) else ""
    plain = json.dumps({n: v for n, v in form.items() if n != TOKEN}, ensure_ascii=False).encode()
    if len(plain) > KEPT_BYTES or not (browser := browser_of(request)):
        return None
    id = known or secrets.token_urlsafe(18)
    # Bound to the page and the browser, and unreadable where it waits.
    sealed = request.app[KEYS].seal(plain, _context(request, browser))
    return id if await request.app[CACHE].put(_key(id), sealed.hex(), KEPT_SECONDS) else None


def _context(request: web.Request, browser: str) -> bytes:
    return f"kept form:{place(request)}:{browser}".encode()


def _key(id: str) -> str:
    return f"gm:kept:{id}"


async def load(request: web.Request) -> bool:
    """Put the form of an earlier try back on the request, as if it had just been sent. False when there is none, it is too
    old, or it is another browser's."""
    if FORM in request:
        return True
    values = await _kept(request) if "kept" in request.query else _submitted(request)
    if values is None:
        return False
    request[FORM] = values
    request[REPLAYED] = True
    return True


def _submitted(request: web.Request) -> Values | None:
    given = tickets.read(request.app[VERIFIER], request.query.get("ticket"))
    found = SUBMIT.fullmatch(request.path)
    # The ticket is what proves that this browser sent this very form: nobody else can have made the address.
    if (
        given is None
        or found is None
        or str(given.application) != found[1].lower()
        or given.version != request.query.get("etag")
        or not given.browser
        or given.browser != browser_of(request)
    ):
        return None
    return {
        name: request.query.getall(name) for name in ("etag", "key", "discard", "ticket") if name in request.query
    }


async def _kept(request: web.Request) -> Values | None:
    text = await request.app[CACHE].get(_key(request.query["kept"]))
    if text is None:
        return None
    try:
        plain = request.app[KEYS].open(bytes.fromhex(text), _context(request, browser_of(request)))
    except (CannotOpen, ValueError):
        return None
    values: Values = json.loads(plain)
    return values
