"""Take files from a telephone by a link to one slot. Whoever holds the link reads what the slot is called and what came by the link, and
nothing else; the files go the way of every upload, for the account that made the link."""

import secrets

from aiohttp import web

from services.gateway.accounts import phone_links
from services.gateway.accounts.accounts import note
from services.gateway.accounts.models import PhoneLink
from services.gateway.web.addresses import client_address
from services.gateway.web.context import DATABASE, KEYS, RECEIVED_AT, SERVICES, SETTINGS
from services.gateway.web.form_data import MAX_SKIPPED
from services.gateway.web.rendering import page
from services.gateway.web.sent_files import file_form
from shared import codes
from shared.contract.sections import AttachmentView
from shared.errors import (
    Conflict,
    DomainError,
    Invalid,
    Malformed,
    NotAllowed,
    NotFound,
    TooLarge,
    TooMany,
    UnsupportedMedia,
)
from shared.http.app import REQUEST_ID, see_other
from shared.http.forms import chunks, parts
from shared.http.problem import status_of
from shared.identity import Actor
from shared.overload import deadline
from shared.text.file_names import field_name, file_name

COOKIE = "gm_phone"
# A telephone keeps its mark longer than a link lasts.
REMEMBERED = 3600
MOST_PARTS = 60
# What is said of one file, beside the way to choose another.
_REFUSED = (Conflict, Invalid, Malformed, NotAllowed, NotFound, TooLarge, TooMany, UnsupportedMedia)


def _telephone(request: web.Request) -> str:
    mark = request.cookies.get(COOKIE, "")
    return mark if 20 <= len(mark) <= 100 and mark.isascii() else ""


async def _found(request: web.Request) -> tuple[PhoneLink, Actor]:
    """The link of the request, and the person for whom a file by it is taken."""
    names = phone_links.opened(request.app[KEYS], request.match_info["token"])
    async with request.app[DATABASE].begin() as session:
        link, holder, grant = await phone_links.find(session, names, _telephone(request), request[RECEIVED_AT])
    who = holder.actor(request[RECEIVED_AT], request[REQUEST_ID], client_address(request), grant)
    return link, who.model_copy(update={"phone": link.id})


async def show(request: web.Request) -> web.Response:
    """Which slot it is, and a place to choose pictures. To look at it binds nobody: messengers look at links, too."""
    try:
        link, _ = await _found(request)
    except DomainError as error:
        return _page(request, None, fault=error)
    answer = _page(request, link)
    if not _telephone(request):
        answer.set_cookie(
            COOKIE,
            secrets.token_urlsafe(24),
            max_age=REMEMBERED,
            path="/phone/",
            httponly=True,
            samesite="Lax",
            secure=request.app[SETTINGS].https,
        )
    return answer


async def take(request: web.Request) -> web.Response:
    """Send files on, one after the other. What is wrong with one is said, and keeps no other back."""
    try:
        link, who = await _found(request)
        if not _telephone(request):
            raise Conflict(
                "浏览器没有保存本页的 Cookie，无法确认是同一部手机。请允许 Cookie，或换用系统浏览器打开链接。",
                code=codes.PHONE_LINK_OTHER,
            )
    except DomainError as error:
        await _read_over(request)
        if error.code == codes.PHONE_LINK_OTHER:
            await _note_refusal(request)
        return _page(request, None, fault=error)
    faults, came = [], 0
    async for part in parts(request, most=MOST_PARTS):
        name = file_name(part)
        if field_name(part) != "file" or not name:
            continue
        data = chunks(part)
        try:
            async with request.app[DATABASE].begin() as session:
                await phone_links.begin(session, link, _telephone(request))
            made = await request.app[SERVICES].ask(
                who, "POST", f"/applications/{link.application}/attachments", AttachmentView,
                query={"section": link.section, "slot": link.slot}, data=file_form(name, data),
            )  # fmt: skip
        except _REFUSED as error:
            async for _ in data:
                pass
            faults.append(f"{name}：{error.detail}")
            continue
        came += 1
        file = {"id": str(made.body.id), "name": made.body.name, "size": made.body.size}
        async with request.app[DATABASE].begin() as session:
            await phone_links.took(session, link.id, file)
    deadline.restart()
    if not came and not faults:
        faults.append("请先选择照片或文件。")
    if not faults:
        return see_other(f"{request.path}?done={came}")
    try:
        link, _ = await _found(request)
    except DomainError as error:
        return _page(request, None, fault=error)
    return _page(request, link, faults=faults)


async def _read_over(request: web.Request) -> None:
    """Read what nobody takes, up to some size: a telephone that is cut off shows no page."""
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > MAX_SKIPPED:
            raise TooLarge
    deadline.restart()


async def _note_refusal(request: web.Request) -> None:
    names = phone_links.opened(request.app[KEYS], request.match_info["token"])
    async with request.app[DATABASE].begin() as session:
        details = {"link": str(names[0])} if names else {}
        note(session, "phone_link_refused", None, client_address(request), result="refused", **details)


def _page(
    request: web.Request,
    link: PhoneLink | None,
    *,
    faults: list[str] | None = None,
    fault: DomainError | None = None,
) -> web.Response:
    done = request.query.get("done", "")
    context = {
        "link": link,
        "most": link.most if link else 0,
        "faults": faults or [],
        "fault": fault.detail if fault else None,
        "done": done if done.isdecimal() and len(done) < 3 and not faults else "",
    }
    status = int(status_of(fault)) if fault else 200
    return page(request, "public/phone.html", context, status=422 if faults else status)
