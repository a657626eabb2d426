"""The moves after 退回补正: 纳批, 通过, 不予受理, who scores, 拟支持, 不予支持, 公示 and its objections. What was typed comes back with what
was wrong."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from services.gateway.forms import Values, one, read_form
from services.gateway.pages.asking import ask, see_other
from services.gateway.pages.review import case
from shared import amounts
from shared.capitals import in_words
from shared.errors import Conflict, DomainError, Invalid, Malformed, NotFound, Stale, Unavailable
from shared.web import uuid_in_path

REFUSALS = (Conflict, Stale, Invalid, Malformed, Unavailable)
# What is larger is refused by the contract, and has no words.
CONFIRMED_BELOW = 10**10
LINES = {
    "amount_wan": "拟支持金额应为大于 0 的数值（万元），最多两位小数。",
    "objector": "请填写异议人，100 字以内。",
    "contact": "请填写联系方式，100 字以内。",
    "text": "请填写异议内容，2000 字以内。",
    "outcome": "请填写处理结果，2000 字以内。",
    "received_on": "请选择收到日期。",
}


async def _refused(request: web.Request, form: Values, error: DomainError, anchor: str) -> web.Response:
    typed = {name: values[0] for name, values in form.items() if name not in {"csrf_token", "etag"}}
    if isinstance(error, Malformed):
        # The contract's names for what it could not read, in words for the person.
        fields = [str(e.get("field", "")).partition(".")[0] for e in error.extra.get("errors", [])]
        known = [LINES[f] for f in fields if f in LINES]
        error = Malformed("".join(known) or error.detail, code=error.code)
    status = 503 if isinstance(error, Unavailable) else 409
    return await case.desk(request, error, status, typed, stage_fault=anchor)


async def _move(
    request: web.Request, action: str, form: Values, body: Mapping[str, Any], anchor: str
) -> web.Response:
    id = uuid_in_path(request)
    try:
        await ask(request, "POST", f"/review/applications/{id}/{action}", json=dict(body), etag=one(form, "etag"))
    except REFUSALS as error:
        return await _refused(request, form, error, anchor)
    return see_other(f"/review/{id}?done={action}")


async def accept(request: web.Request) -> web.Response:
    """纳批, into the batch that was chosen or the newest."""
    form = await read_form(request)
    batch = one(form, "batch")
    return await _move(request, "accept", form, {"batch": batch} if batch else {}, "accept")


async def decide(request: web.Request) -> web.Response:
    """通过形式审查, 不予受理, 拟支持, 不予支持 or 公示无异议, as the button says."""
    form = await read_form(request)
    action, reason = one(form, "action"), one(form, "reason").strip()
    if action not in {"pass", "refuse", "propose", "decline", "approve"}:
        raise NotFound
    body: dict[str, Any] = {"reason": reason} if reason else {}
    # An empty amount is the guard's business, who has words for it.
    if action == "propose" and one(form, "amount_wan").strip():
        try:
            amount = amounts.read(one(form, "amount_wan"), unit="万元")
        except amounts.NotANumber as error:
            said = str(error) if isinstance(error, amounts.TwoReadings) else LINES["amount_wan"]
            return await _refused(request, form, Malformed(said, code="bad_amount"), action)
        text = f"{amount:f}"
        if 0 < amount < CONFIRMED_BELOW and one(form, "confirmed") != text:
            # An amount counts once whoever decides has read it in words.
            return await case.desk(request, typed={"amount_wan": text, "in_words": in_words(amount)})
        body["amount_wan"] = text
    return await _move(request, action, form, body, action)


async def give(request: web.Request) -> web.Response:
    """分配专家."""
    form = await read_form(request)
    id, body = uuid_in_path(request), {"experts": form.get("expert", [])}
    try:
        await ask(request, "PUT", f"/review/applications/{id}/experts", json=body, etag=one(form, "etag"))
    except REFUSALS as error:
        return await _refused(request, form, error, "experts")
    return see_other(f"/review/{id}?done=experts#stage")


async def note_objection(request: web.Request) -> web.Response:
    """登记异议."""
    form = await read_form(request)
    id = uuid_in_path(request)
    body = {name: one(form, name).strip() for name in ("objector", "contact", "text", "received_on")}
    try:
        await ask(request, "POST", f"/review/applications/{id}/objections", json=body)
    except REFUSALS as error:
        return await _refused(request, form, error, "objection")
    return see_other(f"/review/{id}?done=objection#stage")


async def settle_objection(request: web.Request) -> web.Response:
    """处理异议."""
    form = await read_form(request)
    id, objection = uuid_in_path(request), uuid_in_path(request, "objection")
    body = {"upheld": one(form, "upheld") == "1", "outcome": one(form, "outcome").strip()}
    try:
        await ask(request, "POST", f"/review/applications/{id}/objections/{objection}", json=body)
    except (*REFUSALS, NotFound) as error:
        return await _refused(request, form, error, "objection")
    return see_other(f"/review/{id}?done=settled#stage")
