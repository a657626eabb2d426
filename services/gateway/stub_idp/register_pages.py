"""Show the three steps of registration (点击注册) as pages."""

import hmac

from aiohttp import web

from services.gateway.stub_idp import forms, registering
from services.gateway.stub_idp.browsers import browser, captcha_passes, digest, keep
from services.gateway.stub_idp.context import DATABASE, SETTINGS, WORKDAYS
from services.gateway.stub_idp.forms import fields
from services.gateway.stub_idp.pages import show
from services.gateway.stub_idp.registering import DOCUMENTS, Faults
from shared.http.app import see_other

NEVER_BACK = {"password", "again", "captcha"}


async def first(request: web.Request) -> web.Response:
    """第一步 法人身份鉴证."""
    return await _first(request, {})


async def _first(
    request: web.Request, typed: dict[str, str], errors: dict[str, str] | None = None
) -> web.Response:
    context = {"documents": DOCUMENTS, "typed": typed}
    return await show(request, "register.html", context, errors=errors, captcha=True)


async def identify(request: web.Request) -> web.Response:
    """Step 1 is taken, or comes back with what was wrong and everything that was typed."""
    form, file = await forms.read(request)
    typed = {name: value for name, value in form.items() if name not in NEVER_BACK}
    human = await captcha_passes(request, form)
    try:
        async with request.app[DATABASE].begin() as session:
            found = await registering.identify(session, digest(browser(request)), form, file, human=human)
    except Faults as faults:
        return await _first(request, typed, faults.errors)
    return keep(request, see_other(f"/stub-idp/register/{found.id}"))


async def second(request: web.Request) -> web.Response:
    """第二步 创建账号."""
    return await _second(request, {})


async def _second(
    request: web.Request, typed: dict[str, str], errors: dict[str, str] | None = None
) -> web.Response:
    async with request.app[DATABASE].begin() as session:
        found = await registering.open_registration(session, digest(browser(request)), request.match_info["id"])
    if found is None:
        return await _first(request, {}, {"org_name": "注册已超时或不属于此浏览器，请重新填写"})
    return await show(request, "register_account.html", {"registration": found, "typed": typed}, errors=errors)


async def create(request: web.Request) -> web.Response:
    """Step 2 is taken, or comes back with what was wrong."""
    settings = request.app[SETTINGS]
    form = await fields(request)
    typed = {name: value for name, value in form.items() if name not in NEVER_BACK}
    pepper = hmac.digest(settings.signing_key, b"stub handlers", "sha256")
    try:
        async with request.app[DATABASE].begin() as session:
            found = await registering.open_registration(
                session, digest(browser(request)), request.match_info["id"]
            )
            if found is None:
                return await _first(request, {}, {"org_name": "注册已超时或不属于此浏览器，请重新填写"})
            account = await registering.create_account(session, request.app[WORKDAYS], pepper, found, form)
    except Faults as faults:
        return await _second(request, typed, faults.errors)
    return see_other(f"/stub-idp/registered?{account.status}")


async def third(request: web.Request) -> web.Response:
    """第三步 注册完成."""
    return await show(request, "registered.html", {"waits": "pending" in request.query})
