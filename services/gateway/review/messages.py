"""Show what one is told (消息), mark it as read, choose what to be told of and which way, and give one's address for mail."""

import re
import unicodedata
from typing import get_args
from uuid import uuid4

from aiohttp import web

from services.gateway.accounts import staff_mail
from services.gateway.accounts.accounts import note
from services.gateway.web.addresses import client_address
from services.gateway.web.calls import ask
from services.gateway.web.context import DATABASE, SERVICES, SESSION
from services.gateway.web.form_data import one, read_form, whole_number
from services.gateway.web.rendering import page
from shared import codes
from shared.contract.messages import MessageKind, Messages, Way
from shared.errors import Conflict, DomainError, FieldError, Invalid, Malformed, TooMany, Unavailable
from shared.http.app import REQUEST_ID, see_other
from shared.messages import CheckAddress
from shared.roles import EXPERT, STAFF
from shared.text import identifiers

NOTICES = {
    "read": "已全部标为已读。",
    "chosen": "已保存接收设置。",
    "sent": "验证码已发往所填邮箱，请查收后填写。",
    "verified": "邮箱已验证，今后按接收设置向该邮箱发送邮件。",
    "removed": "邮箱已删除，不再发送邮件。",
}
WAYS = {
    "none": "不接收",
    "portal": "仅在系统中",
    "digest": "系统中，并进入每日汇总邮件",
    "at_once": "系统中，并立即发送邮件",
}


async def _page(
    request: web.Request,
    error: DomainError | None = None,
    status: int = 200,
    *,
    typed: dict[str, str] | None = None,
    faults: dict[str, str] | None = None,
) -> web.Response:
    query = {"cursor": request.query["cursor"]} if request.query.get("cursor") and error is None else {}
    try:
        found = (await ask(request, "GET", "/messages", Messages, query=query)).body
    except Malformed as fault:
        if error is not None or not query:
            raise
        return await _page(request, fault, 400)
    async with request.app[DATABASE]() as session:
        address = await staff_mail.of(session, request[SESSION].account)
    roles = request[SESSION].roles
    context = {
        "found": found,
        "unread_messages": found.unread,
        # An expert reads a case where it is scored.
        "case": "/expert/" if roles & EXPERT and not roles & STAFF else "/review/",
        "error": error,
        "done": NOTICES.get(request.query.get("done", "")),
        "address": address,
        "ways": WAYS,
        "typed": {"email": "", "code": ""} | (typed or {}),
        "faults": {"email": "", "code": ""} | (faults or {}),
    }
    return page(request, "review/messages.html", context, status=status)


async def show(request: web.Request) -> web.Response:
    """消息, the latest first."""
    return await _page(request)


async def read(request: web.Request) -> web.Response:
    """全部标为已读, or one of them on the way to its case."""
    form = await read_form(request)
    try:
        await ask(request, "POST", "/messages/read", json={"ids": form.get("id", [])})
    except Malformed as error:
        return await _page(request, error, 400)
    return see_other("/messages" if form.get("id") else "/messages?done=read")


async def choose(request: web.Request) -> web.Response:
    """接收设置: each kind's way, and the hour of the digest."""
    form = await read_form(request)
    ways = {kind: one(form, f"way.{kind}") for kind in get_args(MessageKind) if form.get(f"way.{kind}")}
    wanted = {kind: way for kind, way in ways.items() if way != "none"}
    body: dict[str, object] = {"wanted": list(wanted), "mail": wanted}
    if hour := one(form, "digest_hour"):
        body["digest_hour"] = whole_number(hour)
    try:
        if not set(ways.values()) <= set(get_args(Way)):
            raise Malformed("没有这种接收方式。")
        await ask(request, "PUT", "/messages/choices", json=body)
    except Malformed as error:
        return await _page(request, error, 400)
    return see_other("/messages?done=chosen#choices")


async def give_address(request: web.Request) -> web.Response:
    """发送验证码: to the address that one gives."""
    form = await read_form(request)
    typed = one(form, "email")
    account, who = request[SESSION].account, request[SESSION]
    try:
        email = identifiers.email(typed)
    except ValueError as wrong:
        error = Invalid([FieldError(field="email", code=codes.NOT_EMAIL, message=str(wrong))], f"{wrong}。")
        return await _page(request, error, 422, typed={"email": typed}, faults={"email": str(wrong)})
    try:
        async with request.app[DATABASE].begin() as session:
            code, until = await staff_mail.ask(session, account, email)
            note(
                session,
                "mail_address_asked",
                who.subject,
                client_address(request),
                email=staff_mail.shortened(email),
            )
            check = CheckAddress(
                id=uuid4(), account=str(account), name=who.name, email=email, code=code, expires_at=until
            )
            # Before the commit: a code that could not be sent is none.
            await request.app[SERVICES].tell_back(
                "applications", "/internal/address-checks", request[REQUEST_ID], check
            )
    except TooMany as error:
        return await _page(request, error, 429, typed={"email": typed})
    except Unavailable as error:
        return await _page(request, error, 503, typed={"email": typed})
    return see_other("/messages?done=sent#mail")


async def confirm_address(request: web.Request) -> web.Response:
    """验证: the code that came by mail."""
    form = await read_form(request)
    code = re.sub(r"\s", "", unicodedata.normalize("NFKC", one(form, "code")))[:20]
    who = request[SESSION]
    try:
        async with request.app[DATABASE].begin() as session:
            email = await staff_mail.confirm(session, who.account, code)
            result = "ok" if email else "refused"
            note(session, "mail_address_confirmed", who.subject, client_address(request), result=result)
    except Conflict as error:
        return await _page(request, error, 409)
    if email is None:
        wrong = "验证码不正确，请核对邮件中的 6 位数字"
        fault = Invalid([FieldError(field="code", code=codes.WRONG_CODE, message=wrong)], f"{wrong}。")
        return await _page(request, fault, 422, typed={"code": code}, faults={"code": wrong})
    return see_other("/messages?done=verified#mail")


async def remove_address(request: web.Request) -> web.Response:
    """删除邮箱: no more mail."""
    await read_form(request)
    who = request[SESSION]
    async with request.app[DATABASE].begin() as session:
        if await staff_mail.remove(session, who.account):
            note(session, "mail_address_removed", who.subject, client_address(request))
    return see_other("/messages?done=removed#mail")
