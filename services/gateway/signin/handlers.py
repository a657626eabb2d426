"""`/login`, the way back from the platform, `/logout`."""

from urllib.parse import urlsplit

from aiohttp import web

from services.gateway.access import cookie_name, current
from services.gateway.accounts import enter, note
from services.gateway.context import BROWSER_SESSIONS, DATABASE, SESSION, SETTINGS, SIGN_IN, SIGN_INS
from services.gateway.forms import read_form
from services.gateway.settings import GatewaySettings
from shared.errors import Malformed, NotAllowed

ATTEMPT_COOKIE = "gm_signin"


def see_other(location: str) -> web.Response:
    return web.Response(status=303, headers={"Location": location})


def local_path(text: str) -> str:
    """A path of this portal, or `/`: nobody is sent elsewhere after signing in."""
    parts = urlsplit(text)
    plain = text.startswith("/") and not text.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return text if plain and len(text) < 2000 and text.isascii() and text.isprintable() else "/"


def client_address(request: web.Request) -> str:
    """The peer's address. Proxies in front of the gateway limit by their own knowledge of the client."""
    return request.remote or "-"


async def login(request: web.Request) -> web.Response:
    """Begin to sign in: off to the identity platform."""
    settings = request.app[SETTINGS]
    next = local_path(request.query.get("next", "/"))
    if request.host != settings.public_host:
        # The platform sends people back to the public address: the attempt's cookie must be set there.
        return see_other(
            str(request.url.with_scheme(settings.public_url.scheme)).replace(request.host, settings.public_host, 1)
        )
    if await current(request):
        return see_other(next)
    request.app[SIGN_INS].take(client_address(request))
    location, sealed = request.app[SIGN_IN].begin(next)
    answer = see_other(location)
    answer.set_cookie(
        ATTEMPT_COOKIE, sealed, max_age=600, path="/login", httponly=True, samesite="Lax", secure=settings.https
    )
    return answer


async def callback(request: web.Request) -> web.Response:
    """Back from the platform: check `state`, learn who it is, begin a session under a new id."""
    settings = request.app[SETTINGS]
    request.app[SIGN_INS].take(client_address(request))
    if "error" in request.query:
        raise Malformed("登录未完成，请重新登录。", code="signin_refused")
    client = request.app[SIGN_IN]
    attempt = client.resume(request.cookies.get(ATTEMPT_COOKIE, ""), request.query.get("state", ""))
    person = await client.person(request.query.get("code", ""), attempt)
    address = client_address(request)
    refusal: NotAllowed | None = None
    async with request.app[DATABASE].begin() as session:
        try:
            account = await enter(session, person)
        except NotAllowed as error:
            # The refusal itself is recorded, so the transaction must end well.
            refusal = error
            note(session, "sign_in_refused", person.subject, address, reason=error.code)
        else:
            note(session, "sign_in", person.subject, address, roles=sorted(account.roles))
    if refusal:
        raise refusal
    name = cookie_name(settings)
    id = await request.app[BROWSER_SESSIONS].begin(account.id, replaces=request.cookies.get(name))
    answer = see_other(attempt.next)
    _set_session(answer, settings, id)
    answer.del_cookie(ATTEMPT_COOKIE, path="/login")
    return answer


def _set_session(answer: web.Response, settings: GatewaySettings, id: str) -> None:
    answer.set_cookie(
        cookie_name(settings),
        id,
        max_age=settings.session_hours * 3600,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=settings.https,
    )


async def logout(request: web.Request) -> web.Response:
    """退出: the session ends at once."""
    await read_form(request)
    settings = request.app[SETTINGS]
    name = cookie_name(settings)
    await request.app[BROWSER_SESSIONS].end(request.cookies[name])
    async with request.app[DATABASE].begin() as session:
        note(session, "sign_out", str(request[SESSION].account), client_address(request))
    answer = see_other("/")
    answer.del_cookie(name, path="/", secure=settings.https, httponly=True, samesite="Lax")
    return answer
