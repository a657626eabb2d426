"""List notices that could not be delivered, and send one again."""

from aiohttp import web

from services.gateway.review import case_page
from services.gateway.web.calls import ask
from services.gateway.web.form_data import one, read_form
from services.gateway.web.rendering import page
from shared.contract.notify import ParkedNotice
from shared.errors import Conflict, DomainError, Invalid, Malformed, NotFound, Unavailable
from shared.http.app import see_other, uuid_in_path
from shared.messages import Delivery

REFUSALS = (Conflict, Invalid, Malformed, NotFound, Unavailable)


async def _resend(request: web.Request, typed: dict[str, str]) -> str:
    """Send it again, or propose another address; which of the two it came to."""
    body = {name: value for name, value in typed.items() if value}
    path = f"/notifications/{uuid_in_path(request, 'event')}/resend"
    done = await ask(request, "POST", path, Delivery, json=body)
    return "proposed" if done.body.state != "pending" else "resent"


async def _typed(request: web.Request) -> dict[str, str]:
    form = await read_form(request)
    return {name: one(form, name).strip() for name in ("email", "reason", "channel")}


async def resend(request: web.Request) -> web.Response:
    """重新发送, from the case's page."""
    typed = await _typed(request)
    try:
        done = await _resend(request, typed)
    except REFUSALS as error:
        return await case_page.desk(
            request, error, 409, {"email": typed["email"], "resend_reason": typed["reason"]}
        )
    return see_other(f"/review/{uuid_in_path(request)}?done={done}#notices")


async def _parked(
    request: web.Request, error: DomainError | None = None, typed: dict[str, str] | None = None, status: int = 200
) -> web.Response:
    found = (await ask(request, "GET", "/notifications/parked", list[ParkedNotice])).body
    context = {"parked": found, "error": error, "typed": typed or {}, "done": request.query.get("done")}
    return page(request, "review/failed_mails.html", context, status=status)


async def parked(request: web.Request) -> web.Response:
    """未能送达的通知, the latest first."""
    return await _parked(request)


async def resend_parked(request: web.Request) -> web.Response:
    """重新发送, from the list."""
    typed = await _typed(request)
    try:
        done = await _resend(request, typed)
    except REFUSALS as error:
        event = str(uuid_in_path(request, "event"))
        return await _parked(request, error, {event: typed["email"], f"{event}.reason": typed["reason"]}, 409)
    return see_other(f"/notices/parked?done={done}")
