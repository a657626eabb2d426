"""Take a case's decisions: 纳批, 通过, 不予受理, experts, 拟支持, 不予支持, 公示 and its objections. A refused form comes back as typed."""

from collections.abc import Mapping
from decimal import Decimal

from aiohttp import web

from services.gateway.review import case_page
from services.gateway.web.calls import ask
from services.gateway.web.form_data import Values, one, read_form, whole_number
from shared import codes
from shared.contract.sections import ApplicationView
from shared.errors import Conflict, DomainError, Invalid, Malformed, NotFound, Stale, Unavailable
from shared.http.app import see_other, uuid_in_path
from shared.text import amounts
from shared.text.capitals import in_words

REFUSALS = (Conflict, Stale, Invalid, Malformed, Unavailable)
# What is larger is refused by the contract.
AMOUNTS_BELOW, _FEN = 10**8, Decimal("0.01")
LINES = {
    "amount_wan": "拟支持金额应为大于 0 的数值（万元），最多两位小数。",
    "objector": "请填写异议人，100 字以内。",
    "contact": "请填写联系方式，100 字以内。",
    "text": "请填写异议内容，2000 字以内。",
    "outcome": "请填写处理结果，2000 字以内。",
    "received_on": "请选择收到日期。",
}


# What a form brings beside what a person typed.
_OURS = {"csrf_token", "etag", "confirmed", "in_words"}


async def _refused(request: web.Request, form: Values, error: DomainError, anchor: str) -> web.Response:
    typed = {name: values[0] for name, values in form.items() if name not in _OURS}
    if isinstance(error, Malformed):
        # The contract's names for what it could not read, in words for the person.
        fields = [str(e.get("field", "")).partition(".")[0] for e in error.extra.get("errors", [])]
        known = [LINES[f] for f in fields if f in LINES]
        error = Malformed("".join(known) or error.detail, code=error.code)
    status = 503 if isinstance(error, Unavailable) else 409
    return await case_page.desk(request, error, status, typed, stage_fault=anchor)


async def _move(
    request: web.Request, action: str, form: Values, body: Mapping[str, str], anchor: str
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


def _amount(text: str) -> Decimal:
    """Read an amount that can be decided; `NotANumber` with what is wrong with it."""
    try:
        amount = amounts.read(text, unit="万元")
    except amounts.Unclear:
        raise
    except amounts.NotANumber as error:
        raise amounts.NotANumber(LINES["amount_wan"]) from error
    if not 0 < amount < AMOUNTS_BELOW or amount != amount.quantize(_FEN):
        raise amounts.NotANumber(LINES["amount_wan"])
    return amount


async def _is_current(request: web.Request, form: Values) -> bool:
    """Whether the case is still as the page showed it; a move of one that is not is refused, with who did what since."""
    path = f"/applications/{uuid_in_path(request)}"
    return one(form, "etag") == str((await ask(request, "GET", path, ApplicationView)).body.version)


async def decide(request: web.Request) -> web.Response:
    """通过形式审查, 不予受理, 拟支持, 重新审定, 撤出公示, 不予支持 or 公示无异议, as the button says."""
    form = await read_form(request)
    action, reason = one(form, "action"), one(form, "reason").strip()
    if action not in {"pass", "refuse", "propose", "reconsider", "take_off", "decline", "approve"}:
        raise NotFound
    body: dict[str, str] = {"reason": reason} if reason else {}
    # An empty amount is the guard's business, who has words for it.
    if action == "propose" and one(form, "amount_wan").strip():
        try:
            text = f"{_amount(one(form, 'amount_wan')):f}"
        except amounts.NotANumber as error:
            return await _refused(request, form, Malformed(str(error), code=codes.BAD_AMOUNT), action)
        if one(form, "confirmed") != text and await _is_current(request, form):
            # An amount counts once whoever decides has read it in words, of the case as it was when it was typed.
            asked = {"amount_wan": text, "in_words": in_words(Decimal(text)), "etag": one(form, "etag")}
            return await case_page.desk(request, typed=asked)
        body["amount_wan"] = text
    return await _move(request, action, form, body, action)


async def give(request: web.Request) -> web.Response:
    """分配专家."""
    form = await read_form(request)
    id, days = uuid_in_path(request), one(form, "working_days")
    body = {"experts": form.get("expert", []), "working_days": whole_number(days) if days else None}
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
