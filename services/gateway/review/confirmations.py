"""Show 待我复核 (what waits for a second person) and 职责分离报告; confirm what somebody proposed, or refuse it."""

from dataclasses import dataclass

from aiohttp import web

from services.gateway.web.calls import ask
from services.gateway.web.context import SESSION
from services.gateway.web.form_data import one, read_form
from services.gateway.web.rendering import page
from shared import clock
from shared.contract.four_eyes import Confirmation, Confirmations, SeparationReport
from shared.errors import Conflict, DomainError, Invalid, Malformed, NotFound
from shared.http.app import see_other, uuid_in_path
from shared.identity import Role

KINDS = {
    "round": "申报批次",
    "round_change": "批次修改",
    "list": "公示与批复",
    "form": "表单",
    "late_acceptance": "单独延期",
    "class_extension": "补时",
    "correction": "延长补正期限",
    "resend": "改发通知",
}
NOTICES = {"confirmed": "已确认，即时生效。", "refused": "已退回，不再办理。", "withdrawn": "已撤回。"}
RULES = {
    "GM_PUBLICITY_BY_LIST": "公示、批复",
    "GM_ROUNDS_BY_TWO": "申报批次",
    "GM_FORMS_BY_TWO": "表单",
    "GM_EXTENSIONS_BY_TWO": "单独延期、补时、延长补正期限",
}
YEARS_BACK = 6


@dataclass(frozen=True)
class Line:
    """A thing that waits, and where it is looked at."""

    item: Confirmation
    kind: str
    href: str


def _line(item: Confirmation, roles: frozenset[Role]) -> Line:
    place = {
        "round": f"/rounds/{item.id}",
        "round_change": f"/rounds/{item.id}",
        "late_acceptance": f"/rounds/{item.id}",
        # Operators read there what it was measured by; who publishes rounds, the round.
        "class_extension": f"/ops/slo/{item.id}" if Role.OPERATOR in roles else f"/rounds/{item.id}",
        "list": f"/review/announcements/{item.id}",
        "form": f"/forms/{item.id}/edit",
        "correction": f"/review/{item.id}",
        # Operators agree where they read what could not be delivered.
        "resend": f"/review/{item.id}#notices"
        if Role.REVIEWER in roles or Role.DIRECTOR in roles
        else "/notices/parked",
    }[item.kind]
    return Line(item, KINDS[item.kind], place)


async def _page(
    request: web.Request, error: DomainError | None = None, typed: dict[str, str] | None = None, status: int = 200
) -> web.Response:
    found = (await ask(request, "GET", "/confirmations", Confirmations)).body
    roles = frozenset(request[SESSION].roles)
    context = {
        "mine": [_line(item, roles) for item in found.mine],
        "own": [_line(item, roles) for item in found.own],
        "confirmations": len(found.mine),
        "error": error,
        "typed": typed or {},
        "done": NOTICES.get(request.query.get("done", "")),
    }
    return page(request, "review/confirmations.html", context, status=status)


async def show(request: web.Request) -> web.Response:
    """What may be confirmed by whoever looks, and what they prepared that waits for others."""
    return await _page(request)


async def act(request: web.Request) -> web.Response:
    """确认, 退回 with a reason, or 撤回 of one's own."""
    form = await read_form(request)
    id, action, reason = uuid_in_path(request), one(form, "action"), one(form, "reason").strip()
    try:
        if action == "confirm":
            await ask(request, "POST", f"/confirmations/{id}/confirm", json={})
            return see_other("/confirmations?done=confirmed")
        await ask(request, "POST", f"/confirmations/{id}/refuse", json={"reason": reason})
    except (Conflict, Invalid, Malformed, NotFound) as error:
        return await _page(request, error, {str(id): reason}, 409)
    return see_other(f"/confirmations?done={'withdrawn' if action == 'withdraw' else 'refused'}")


async def report(request: web.Request) -> web.Response:
    """职责分离报告 of a year."""
    this = clock.today().year
    query = {"year": request.query["year"]} if request.query.get("year") else {}
    error = None
    try:
        found = (await ask(request, "GET", "/separation", SeparationReport, query=query)).body
    except Malformed as fault:
        error, found = fault, (await ask(request, "GET", "/separation", SeparationReport)).body
    context = {
        "report": found,
        "years": sorted({found.year, *range(this - YEARS_BACK, this + 1)}, reverse=True),
        "rules": [(RULES[name], on) for name, on in found.rules.items()],
        "error": error,
    }
    return page(request, "review/separation.html", context, status=400 if error else 200)
