"""Sign in by the identity platform (`/login`, `/login/callback`), and sign out (`/logout`)."""

import hmac

from aiohttp import web
from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert

from services.gateway.accounts.accounts import enter, note
from services.gateway.accounts.models import Account, SpentState
from services.gateway.accounts.person import Person
from services.gateway.accounts.sessions import Arrival, digest
from services.gateway.settings import GatewaySettings
from services.gateway.signin.attempt import LASTS
from services.gateway.signin.client import SIGN_IN
from services.gateway.web.access import cookie_name, current, local_path, set_session
from services.gateway.web.addresses import client_address
from services.gateway.web.context import BROWSER_SESSIONS, DATABASE, KEYS, SESSION, SETTINGS
from services.gateway.web.form_data import read_form
from shared import clock, codes
from shared.errors import DomainError, Malformed, NotAllowed
from shared.http.app import see_other


def attempt_cookie(settings: GatewaySettings) -> str:
    """`__Secure-` where there is HTTPS; its path keeps it away from every other request."""
    return "__Secure-gm_signin" if settings.https else "gm_signin"


async def login(request: web.Request) -> web.Response:
    """Begin to sign in: redirect to the identity platform."""
    settings = request.app[SETTINGS]
    next = local_path(request.query.get("next", "/"))
    if request.host != settings.public_host:
        # The platform sends people back to the public address: the attempt's cookie must be set there.
        return see_other(settings.public(request.raw_path))
    if await current(request):
        return see_other(next)
    location, sealed = await request.app[SIGN_IN].begin(next)
    answer = see_other(location)
    answer.set_cookie(
        attempt_cookie(settings),
        sealed,
        max_age=600,
        path="/login",
        httponly=True,
        samesite="Lax",
        secure=settings.https,
    )
    return answer


async def callback(request: web.Request) -> web.Response:
    """Take the platform's answer: check `state`, ask whose it is, begin a session under a new id."""
    settings = request.app[SETTINGS]
    query = request.query
    client = request.app[SIGN_IN]
    attempt = client.seal.open(request.cookies.get(attempt_cookie(settings), ""), query.get("state", ""))
    address = client_address(request)
    await _spend(request, attempt.state)
    try:
        if "error" in query:
            raise Malformed("登录未完成，请重新登录。", code=codes.SIGNIN_REFUSED)
        # A provider that says who it is says the truth (RFC 9207); another's answer is mixed up.
        issuer = str(settings.idp_issuer or "").rstrip("/")
        if issuer and not hmac.compare_digest(query.get("iss", issuer).rstrip("/").encode(), issuer.encode()):
            raise Malformed("登录请求无法核对，请重新登录。", code=codes.SIGNIN_ISSUER)
        person = await client.provider.person(query.get("code", ""), attempt)
    except DomainError as refused:
        async with request.app[DATABASE].begin() as session:
            why = getattr(refused, "reason", None)
            note(
                session,
                "sign_in_failed",
                None,
                address,
                result="failed",
                reason=refused.code,
                **({"token": why} if why else {}),
            )
        raise
    account = await _enter(request, person)
    name = cookie_name(settings)
    # A browser may call itself anything; the text must be storable.
    program = request.headers.get("User-Agent", "").encode(errors="replace").decode()
    arrival = Arrival(address, program, person.credential, person.id_token, person.session)
    id = await request.app[BROWSER_SESSIONS].begin(account.id, arrival, replaces=request.cookies.get(name))
    answer = see_other(attempt.next)
    set_session(answer, settings, id)
    answer.del_cookie(
        attempt_cookie(settings), path="/login", secure=settings.https, httponly=True, samesite="Lax"
    )
    return answer


async def _spend(request: web.Request, state: str) -> None:
    """Mark a `state` as used; `Malformed` when it was used before."""
    async with request.app[DATABASE].begin() as session:
        await session.execute(delete(SpentState).where(SpentState.expires_at < func.now()))
        row = {"state_sha256": digest(state), "expires_at": clock.now() + LASTS}
        added = await session.scalar(
            insert(SpentState).values(row).on_conflict_do_nothing().returning(SpentState.state_sha256)
        )
    if added is None:
        raise Malformed("此次登录已经完成，请重新登录。", code=codes.SIGNIN_REPLAYED)


async def _enter(request: web.Request, person: Person) -> Account:
    """Find or make the person's account; a refusal is recorded before it is raised."""
    address = client_address(request)
    refusal: NotAllowed | None = None
    async with request.app[DATABASE].begin() as session:
        try:
            account = await enter(session, request.app[KEYS], person, address)
        except NotAllowed as error:
            # The refusal itself is recorded, so the transaction must end well.
            refusal = error
            note(session, "sign_in_refused", person.subject, address, result="refused", reason=error.code)
        else:
            note(session, "sign_in", person.subject, address, roles=sorted(account.roles))
    if refusal:
        raise refusal
    return account


async def logout(request: web.Request) -> web.Response:
    """退出: the session ends at once, then the provider's."""
    await read_form(request)
    settings = request.app[SETTINGS]
    name = cookie_name(settings)
    hint = await request.app[BROWSER_SESSIONS].end(request.cookies[name])
    async with request.app[DATABASE].begin() as session:
        note(session, "sign_out", request[SESSION].subject, client_address(request))
    answer = see_other(await _provider_logout(request, hint))
    answer.del_cookie(name, path="/", secure=settings.https, httponly=True, samesite="Lax")
    return answer


async def _provider_logout(request: web.Request, id_token: str | None) -> str:
    """Where the browser ends the provider's own session too; the entrance when the provider is away or has none."""
    try:
        return await request.app[SIGN_IN].provider.logout_url(id_token) or "/"
    except DomainError:
        return "/"
