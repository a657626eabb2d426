"""Show the privacy notice (个人信息处理告知), and record consent to it with its version and time (PIPL 14, 17)."""

from aiohttp import web
from sqlalchemy.dialects.postgresql import insert

from services.gateway.accounts.accounts import note
from services.gateway.accounts.models import Consent
from services.gateway.accounts.sessions import CONSENT_VERSION
from services.gateway.web.access import local_path
from services.gateway.web.addresses import client_address
from services.gateway.web.context import DATABASE, SESSION
from services.gateway.web.form_data import one, read_form
from services.gateway.web.rendering import page
from shared.http.app import see_other


async def show(request: web.Request) -> web.Response:
    """The notice, and when it was agreed to."""
    return await _show(request)


async def _show(request: web.Request, fault: str = "") -> web.Response:
    async with request.app[DATABASE].begin() as session:
        given = await session.get(Consent, (request[SESSION].account, CONSENT_VERSION))
    context = {
        "version": CONSENT_VERSION,
        "given": given,
        "next": local_path(request.query.get("next", "/")),
        "fault": fault,
    }
    return page(request, "account_pages/consent.html", context, status=422 if fault else 200)


async def take(request: web.Request) -> web.Response:
    """同意, to the version that was shown."""
    form = await read_form(request)
    if one(form, "agree") != "1" or one(form, "version") != CONSENT_VERSION:
        return await _show(request, "请阅读告知内容，勾选同意后再继续。")
    person, address = request[SESSION], client_address(request)
    async with request.app[DATABASE].begin() as session:
        row = {"account_id": person.account, "version": CONSENT_VERSION, "address": address}
        await session.execute(insert(Consent).values(row).on_conflict_do_nothing())
        note(session, "consent", person.subject, address, version=CONSENT_VERSION)
    return see_other(local_path(one(form, "next", "/")))
