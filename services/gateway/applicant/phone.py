"""Show the link by which a telephone puts files into one slot, as a code and as text, with what came by it; add that to the material."""

from aiohttp import web

from services.gateway.accounts import phone_links
from services.gateway.accounts.models import PhoneLink
from services.gateway.form import by_phone
from services.gateway.web.calls import application, form_of, section_of
from services.gateway.web.context import DATABASE, KEYS, RECEIVED_AT, SESSION, SETTINGS
from services.gateway.web.form_data import one, read_form
from services.gateway.web.line import line_stands
from services.gateway.web.qr import drawn
from services.gateway.web.rendering import page
from shared.errors import Conflict, Invalid, Stale, TooMany
from shared.http.app import see_other, uuid_in_path

# How often the page looks for what came, in seconds, and while people wait in line.
EVERY, SELDOM = 4, 20


async def show(request: web.Request) -> web.Response:
    """The code to scan, until when it counts, and what has come."""
    return await _show(request, await _link(request))


async def _link(request: web.Request) -> PhoneLink:
    async with request.app[DATABASE].begin() as session:
        return await phone_links.own(
            session, request[SESSION].account, uuid_in_path(request), uuid_in_path(request, "link")
        )


async def _show(request: web.Request, link: PhoneLink, fault: str = "") -> web.Response:
    found = await application(request)
    section = section_of(await form_of(request, found.fund_type, found.form_version), link.section)
    over = phone_links.is_over(link, request[RECEIVED_AT])
    address = request.app[SETTINGS].public(f"/phone/{phone_links.token(request.app[KEYS], link)}")
    context = {
        "application": found,
        "section": section,
        "link": link,
        "most": link.most,
        "over": over,
        "address": "" if over else address,
        "qr": None if over else drawn(address),
        "every": SELDOM if line_stands(request) else EVERY,
        "fault": fault,
    }
    return page(request, "applicant/phone.html", context, status=409 if fault else 200)


async def act(request: web.Request) -> web.Response:
    """加入本项: what came is kept in the material, and the link is over. 停用链接, or 重新生成."""
    action = one(await read_form(request), "action", "add")
    link = await _link(request)
    back = f"/applications/{link.application}/sections/{link.section}"
    anchor = f"file-{link.slot}.{link.row}" if link.row else f"file-{link.slot}"
    try:
        if action == "again":
            made = await by_phone.made_anew(request, link)
            return see_other(f"/applications/{link.application}/phone/{made.id}")
        if action == "add":
            await by_phone.add(request, link)
    except (Conflict, Invalid, Stale, TooMany) as error:
        return await _show(request, link, error.detail)
    await by_phone.end(request, link.id)
    done = "?done=included" if action == "add" and link.files else ""
    return see_other(f"{back}{done}#{anchor}")
