"""Show 双因素认证: staff set up their authenticator, and give its code at each sign-in."""

from io import BytesIO
from urllib.parse import quote

import segno
from aiohttp import web

from services.gateway.accounts.accounts import note
from services.gateway.signin import factor
from services.gateway.web.access import cookie_name, local_path, set_session
from services.gateway.web.addresses import client_address
from services.gateway.web.context import BROWSER_SESSIONS, DATABASE, KEYS, SESSION, SETTINGS
from services.gateway.web.form_data import one, read_form
from services.gateway.web.rendering import page
from shared.errors import NotAllowed, NotFound
from shared.http.app import see_other

WRONG = "动态口令错误或已使用，请输入新的口令。"


async def ask(request: web.Request) -> web.Response:
    """Ask for the code, and before the first one show the secret to set up."""
    return await _ask(request)


async def _ask(request: web.Request, fault: str = "") -> web.Response:
    session = request[SESSION]
    next = local_path(request.query.get("next", "/"))
    if not session.needs_factor:
        return see_other(next)
    async with request.app[DATABASE].begin() as database:
        row, secret = await factor.of(database, request.app[KEYS], session.account)
    context = {
        "enrolling": row.confirmed_at is None,
        "secret": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))
        if row.confirmed_at is None
        else "",
        "fault": fault,
        "action": f"/second-factor?next={quote(next, safe='')}",
    }
    return page(request, "signin/second_factor.html", context, status=422 if fault else 200)


async def picture(request: web.Request) -> web.Response:
    """Draw the secret as a QR code, until its first code was right."""
    session = request[SESSION]
    if not session.needs_factor:
        raise NotFound
    async with request.app[DATABASE].begin() as database:
        row, secret = await factor.of(database, request.app[KEYS], session.account)
    if row.confirmed_at is not None:
        raise NotFound
    drawn = BytesIO()
    segno.make(factor.address(secret, session.name)).save(drawn, kind="png", scale=5, border=2)
    return web.Response(body=drawn.getvalue(), content_type="image/png")


async def take(request: web.Request) -> web.Response:
    """Check a code: the session gets a new id, or the page says what was wrong."""
    form = await read_form(request)
    session, settings = request[SESSION], request.app[SETTINGS]
    fault = ""
    async with request.app[DATABASE].begin() as database:
        try:
            good = await factor.check(database, request.app[KEYS], session.account, one(form, "code"))
        except NotAllowed as locked:
            good, fault = False, locked.detail
        action = "second_factor" if good else "second_factor_failed"
        note(database, action, session.subject, client_address(request), result="ok" if good else "failed")
    if not good:
        return await _ask(request, fault or WRONG)
    name = cookie_name(settings)
    new = await request.app[BROWSER_SESSIONS].raise_rights(request.cookies[name])
    answer = see_other(local_path(request.query.get("next", "/")))
    set_session(answer, settings, new)
    return answer
