"""The stub's sign-in form: password and captcha, and back to the client with a code."""

from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from services.gateway.context import DATABASE, SETTINGS, SIGN_INS
from services.gateway.pages.rendering import page
from services.gateway.signin.handlers import client_address, see_other
from services.gateway.stub_idp import asked, grants, people
from services.gateway.stub_idp.asked import Asked
from shared.errors import Malformed, NotAllowed


async def show_form(request: web.Request) -> web.Response:
    """The platform's sign-in form."""
    settings = request.app[SETTINGS]
    return _form(request, asked.seal(settings, asked.read(settings, request.query)))


def _form(request: web.Request, sealed: str, *, username: str = "", fault: str = "") -> web.Response:
    context = {
        "sealed": sealed,
        "username": username,
        "fault": fault,
        "captcha": request.app[SETTINGS].stub_captcha,
        "accounts": [(p.username, p.name) for p in people.demo().people],
        "password": people.DEMO_PASSWORD,
    }
    return page(request, "stub_idp.html", context, status=422 if fault else 200)


async def sign_in(request: web.Request) -> web.Response:
    """The form's answer: back to the client with a code, or the form again with what was wrong."""
    settings = request.app[SETTINGS]
    request.app[SIGN_INS].take(client_address(request))
    form = await fields(request)
    wanted = asked.unseal(settings, form.get("request", ""))
    username = form.get("username", "").strip()[:100]
    if form.get("captcha", "").strip() != settings.stub_captcha:
        return _form(request, form["request"], username=username, fault="验证码错误，请重新输入。")
    async with request.app[DATABASE].begin() as session:
        try:
            account = await people.check_password(session, username, form.get("password", "")[:200])
        except NotAllowed as locked:
            return _form(request, form["request"], username=username, fault=locked.detail)
        code = await grants.issue(session, wanted, account.attributes) if account else None
    if code is None:
        return _form(request, form["request"], username=username, fault="用户名或密码错误，请重新输入。")
    return back(wanted, code)


def back(wanted: Asked, code: str) -> web.Response:
    """To the client, with what it asked for."""
    return see_other(f"{wanted.redirect_uri}?{urlencode({'code': code, 'state': wanted.state})}")


async def fields(request: web.Request) -> dict[str, str]:
    raw = await request.read()
    try:
        return dict(parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=50))
    except ValueError as error:
        raise Malformed from error
