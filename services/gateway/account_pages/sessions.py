"""Show where one is signed in (我的登录), and sign out there or everywhere."""

from aiohttp import web

from services.gateway.accounts.accounts import note
from services.gateway.web.access import cookie_name
from services.gateway.web.addresses import client_address
from services.gateway.web.context import BROWSER_SESSIONS, DATABASE, SESSION, SETTINGS
from services.gateway.web.form_data import read_form
from services.gateway.web.rendering import page
from shared.errors import NotFound
from shared.http.app import see_other, uuid_in_path

CREDENTIALS = {"password": "口令", "certificate": "一证通证书"}


async def show(request: web.Request) -> web.Response:
    """Every session of this account."""
    session = request[SESSION]
    context = {
        "sessions": await request.app[BROWSER_SESSIONS].all_of(session.account),
        "credentials": CREDENTIALS,
        "idle_minutes": request.app[SETTINGS].session_idle_minutes,
    }
    return page(request, "account_pages/my_sessions.html", context)


async def end_one(request: web.Request) -> web.Response:
    """退出此登录."""
    await read_form(request)
    session = request[SESSION]
    ended = await request.app[BROWSER_SESSIONS].end_of(session.account, one=uuid_in_path(request))
    if not ended:
        raise NotFound
    await _note(request, ended)
    return see_other("/account/sessions")


async def end_others(request: web.Request) -> web.Response:
    """退出其它登录."""
    await read_form(request)
    session = request[SESSION]
    await _note(request, await request.app[BROWSER_SESSIONS].end_of(session.account, but=session.id))
    return see_other("/account/sessions")


async def end_all(request: web.Request) -> web.Response:
    """全部退出, this one too."""
    await read_form(request)
    settings = request.app[SETTINGS]
    await _note(request, await request.app[BROWSER_SESSIONS].end_of(request[SESSION].account))
    answer = see_other("/")
    answer.del_cookie(cookie_name(settings), path="/", secure=settings.https, httponly=True, samesite="Lax")
    return answer


async def _note(request: web.Request, ended: int) -> None:
    async with request.app[DATABASE].begin() as database:
        note(database, "sessions_ended", request[SESSION].subject, client_address(request), count=ended)
