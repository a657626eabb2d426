"""Decide who may open which page: the row type of route tables, the session behind a cookie, CSRF, security headers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from services.gateway.accounts.accounts import refused
from services.gateway.accounts.sessions import Session
from services.gateway.settings import GatewaySettings
from services.gateway.web.addresses import client_address, is_allowed, line
from services.gateway.web.context import AS_OF, BROWSER_SESSIONS, DATABASE, LIMITS, RECEIVED_AT, SESSION, SETTINGS
from services.gateway.web.ended_sessions import WATCH, cut
from services.gateway.web.form_data import check_csrf, keep_form
from services.gateway.web.host_and_size import check_body
from services.gateway.web.limits import USUAL, Limit
from shared import clock, codes
from shared.database import BUSY
from shared.errors import NotAllowed, NotSignedIn
from shared.http.app import REQUEST_ID
from shared.identity import Actor, Role
from shared.overload.priority import Priority, priority_of

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Anybody who is signed in, and anybody at all.
SIGNED_IN = frozenset(Role) - {Role.SYSTEM}
ANYBODY: frozenset[Role] = frozenset()


@dataclass(frozen=True)
class Page:
    """One line of the gateway's route table. `roles`: the session must have one of them; empty opens it to
    anybody. `form`: an unsafe call proves itself by the form's `csrf_token` instead of by a header, and the
    handler checks it while it reads the form."""

    method: str
    path: str
    handler: Handler
    roles: frozenset[Role]
    form: bool = False
    # Opens before the second factor was given: the page that asks for it, and the way out.
    early: bool = False
    # How often it may be called.
    limit: Limit = USUAL
    # Takes files, which may be larger than a form; the handler knows how much each may be.
    files: bool = False
    # Open to anybody, and shows whoever is signed in their menu.
    greets: bool = False


def cookie_name(settings: GatewaySettings) -> str:
    """`__Host-` binds a cookie to this host and to HTTPS; browsers refuse the prefix without HTTPS."""
    return "__Host-gm_session" if settings.https else "gm_session"


def set_session(answer: web.Response, settings: GatewaySettings, id: str) -> None:
    """Give the browser the cookie of its session."""
    answer.set_cookie(
        cookie_name(settings),
        id,
        max_age=settings.session_hours * 3600,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=settings.https,
    )


def add_cookie(
    request: web.Request, response: web.StreamResponse, name: str, text: str, path: str, seconds: int
) -> None:
    """Give the browser a cookie with an answer that is about to leave, whose own cookies have been written already; 0 seconds take it
    away."""
    secure = "; Secure" if request.config_dict[SETTINGS].https else ""
    response.headers.add(
        "Set-Cookie", f"{name}={text}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    )


def local_path(text: str) -> str:
    """A path of this portal, or `/`: nobody is sent elsewhere after signing in."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    plain = text.startswith("/") and not text.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return text if plain and len(text) < 2000 and text.isascii() and text.isprintable() else "/"


@web.middleware
async def stamp(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The instant a request was received, before anything can wait: deadlines are judged by it."""
    request[RECEIVED_AT] = clock.now()
    return await handler(request)


async def current(request: web.Request) -> Session | None:
    """The session of the request's cookie, if it has a live one."""
    id = request.cookies.get(cookie_name(request.app[SETTINGS]))
    return await request.app[BROWSER_SESSIONS].find(id) if id else None


async def recognise(request: web.Request) -> None:
    """Let a page that is open to anybody know who looks at it, so that their menu stays: nobody who still has to prove or to agree
    to something, and nobody whose session cannot be looked up just now."""
    if SESSION in request:
        return
    try:
        session = await current(request)
    except BUSY:
        return
    if session is not None and not session.needs_factor and not session.needs_consent:
        request[SESSION] = session


def actor(request: web.Request, path: str | None = None) -> Actor:
    """The signed-in person, with the request's stamp; that of their first arrival, for a page that is shown as of then. In an
    application that they were invited to, the agent of its enterprise: `path` is what is asked for, the request's own unless given."""
    session = request[SESSION]
    return session.actor(
        request.get(AS_OF) or request[RECEIVED_AT],
        request[REQUEST_ID],
        client_address(request),
        session.grant_in(request.path if path is None else path),
    )


class Origin(StrEnum):
    """Which page sent a request, as its browser says."""

    OWN = "own"
    FOREIGN = "foreign"
    UNSAID = "unsaid"


def origin_of(request: web.Request) -> Origin:
    """Where a request was made. Another site of the same domain is as foreign as any: it has pages of its own."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    ours = origin is not None and origin.lower() in request.app[SETTINGS].known_origins
    if site not in {None, "same-origin", "none"} or not (origin is None or ours):
        return Origin.FOREIGN
    return Origin.OWN if ours or site == "same-origin" else Origin.UNSAID


@web.middleware
async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """`NotAllowed` for what another site's page sent, before anything of it is read or waits."""
    if request.method not in SAFE and origin_of(request) is Origin.FOREIGN:
        raise NotAllowed("请求来源不受信任，请从本系统页面操作。", code=codes.FOREIGN_ORIGIN)
    return await handler(request)


def entered(page: Page) -> Handler:
    """Wrap a page's handler in the checks of its line: limits, size, session, CSRF, second factor, consent, role."""

    route = f"{page.method} {page.path}"
    proxied = page.path.startswith("/api/")

    async def checked(request: web.Request) -> web.StreamResponse:
        unsafe = request.method not in SAFE
        limits, counted = request.config_dict[LIMITS], not is_allowed(request)
        if counted:
            await limits.take_address(page.limit, route, line(request))
        if not proxied:
            check_body(request, request.config_dict[SETTINGS], files=page.files)
        if page.roles:
            session = await current(request)
            if session is None:
                return await _sign_in_first(request, page)
            if counted:
                await limits.take_account(page.limit, route, str(session.account))
            request[SESSION] = session
            if unsafe and not page.form:
                check_csrf(session, request.headers.get("X-CSRF-Token", ""))
            if not page.early:
                if session.needs_factor:
                    return _first(
                        request, page, "/second-factor", codes.SECOND_FACTOR_REQUIRED, "请先完成双因素认证。"
                    )
                if session.needs_consent:
                    return _first(
                        request,
                        page,
                        "/account/consent",
                        codes.CONSENT_REQUIRED,
                        "请先阅读并同意个人信息处理告知。",
                    )
            if not session.roles & page.roles:
                await refused(
                    request.app[DATABASE], session.subject, client_address(request), request.method, page.path
                )
                raise NotAllowed
            length = request.content_length if request.body_exists else 0
            stop = cut(request, transfer=priority_of(request.method, request.path, length) is Priority.TRANSFER)
            with request.app[WATCH].during(session.id_sha256, session.rights, stop):
                return await page.handler(request)
        if page.greets:
            await recognise(request)
        return await page.handler(request)

    checked.__doc__ = page.handler.__doc__
    return checked


def _first(request: web.Request, page: Page, place: str, code: str, told: str) -> web.Response:
    if page.form or request.method not in SAFE or request.path.startswith("/api/"):
        raise NotAllowed(told, code=code)
    return web.Response(status=303, headers={"Location": f"{place}?next={quote(request.raw_path, safe='')}"})


async def _sign_in_first(request: web.Request, page: Page) -> web.Response:
    if page.form:
        # What was typed into the form goes back to the person, who signs in elsewhere and tries again.
        await keep_form(request)
        raise NotSignedIn("登录已过期。您填写的内容仍保留在本页，请登录后重试。")
    if request.path.startswith("/api/"):
        raise NotSignedIn
    return web.Response(status=303, headers={"Location": f"/login?next={quote(request.raw_path, safe='')}"})


# On an answer: it holds a frame of this portal (`holds`), or may stand in one (`held`).
FRAME = web.ResponseKey("frame", str)


def _framed(headers: dict[str, str], role: str) -> dict[str, str]:
    policy = headers["Content-Security-Policy"]
    if role == "holds":
        return {"Content-Security-Policy": f"{policy}; frame-src 'self'"}
    own = policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    return {"Content-Security-Policy": own, "X-Frame-Options": "SAMEORIGIN"}


def security_headers(settings: GatewaySettings) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """The headers of every answer. Nothing is loaded from elsewhere, framed, sniffed or kept by a proxy."""
    # 退出 is a form that ends at the provider's own sign-out.
    provider = urlsplit(str(settings.idp_issuer or settings.idp_url))
    headers = {
        "Content-Security-Policy": (
            "default-src 'none'; object-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; media-src 'self'; "
            f"connect-src 'self'; form-action 'self' {provider.scheme}://{provider.netloc}; "
            "frame-ancestors 'none'; base-uri 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }
    if settings.https:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(headers)
        if FRAME in response:
            response.headers.update(_framed(headers, response[FRAME]))
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        response.headers.pop("Server", None)

    return add
