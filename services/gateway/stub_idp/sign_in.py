"""Sign in at the stub: password and captcha, and back to the client with a code."""

from aiohttp import web

from services.gateway.stub_idp import authorization, grants, passwords, people
from services.gateway.stub_idp.authorization import back
from services.gateway.stub_idp.browsers import captcha_passes
from services.gateway.stub_idp.context import DATABASE, SETTINGS, line
from services.gateway.stub_idp.forms import fields
from services.gateway.stub_idp.pages import show
from services.gateway.stub_idp.unbinding import is_bound, show_notice
from shared.errors import NotAllowed


async def show_form(request: web.Request) -> web.Response:
    """The platform's sign-in form."""
    settings = request.app[SETTINGS]
    return await _form(request, authorization.seal(settings, authorization.read(settings, request.query)))


async def _form(request: web.Request, sealed: str, *, username: str = "", fault: str = "") -> web.Response:
    context = {
        "sealed": sealed,
        "username": username,
        "accounts": [(p.username, p.name) for p in people.demo().people],
        "password": people.DEMO_PASSWORD,
    }
    return await show(request, "sign_in.html", context, fault=fault, captcha=True)


async def sign_in(request: web.Request) -> web.Response:
    """The form's answer: back to the client with a code, or the form again with what was wrong."""
    settings = request.app[SETTINGS]
    form = await fields(request)
    wanted = authorization.unseal(settings, form.get("request", ""))
    username = form.get("username", "").strip()[:100]
    if not await captcha_passes(request, form):
        return await _form(request, form["request"], username=username, fault="验证码错误，请重新输入。")
    address, exempt = line(request)
    fault, code = "用户名或密码错误，请重新输入。", None
    async with request.app[DATABASE].begin() as session:
        try:
            account = await passwords.check(
                session,
                username,
                form.get("password", "")[:200],
                address,
                exempt=exempt,
            )
        except NotAllowed as refused:
            account, fault = None, refused.detail
        bound = account is not None and await is_bound(session, account.uscc)
        if account and not bound:
            code = await grants.issue(session, wanted, account.attributes)
    if account and bound:
        return await show_notice(request, account.username, wanted)
    if code is None:
        return await _form(request, form["request"], username=username, fault=fault)
    return back(wanted, code)
