"""Notices that did not reach anybody, and sending one again by hand."""

from typing import Any

from aiohttp import web

from services.gateway.forms import one, read_form
from services.gateway.pages.asking import ask, see_other
from services.gateway.pages.rendering import page
from services.gateway.pages.review import case
from shared.errors import Conflict, DomainError, Invalid, Malformed, NotFound, Unavailable
from shared.web import uuid_in_path

REFUSALS = (Conflict, Invalid, Malformed, NotFound, Unavailable)


async def _resend(request: web.Request, email: str) -> None:
    body: dict[str, Any] = {"email": email} if email else {}
    await ask(request, "POST", f"/notifications/{uuid_in_path(request, 'event')}/resend", json=body)


async def resend(request: web.Request) -> web.Response:
    """重新发送, from the case's page."""
    email = one(await read_form(request), "email").strip()
    try:
        await _resend(request, email)
    except REFUSALS as error:
        return await case.desk(request, error, 409, {"email": email})
    return see_other(f"/review/{uuid_in_path(request)}?done=resent#notices")


async def _parked(
    request: web.Request, error: DomainError | None = None, typed: dict[str, str] | None = None, status: int = 200
) -> web.Response:
    found = (await ask(request, "GET", "/notifications/parked")).body
    context = {"parked": found, "error": error, "typed": typed or {}, "done": request.query.get("done")}
    return page(request, "notices_parked.html", context, status=status)


async def parked(request: web.Request) -> web.Response:
    """未能送达的通知, the latest first."""
    return await _parked(request)


async def resend_parked(request: web.Request) -> web.Response:
    """重新发送, from the list."""
    email = one(await read_form(request), "email").strip()
    try:
        await _resend(request, email)
    except REFUSALS as error:
        return await _parked(request, error, {str(uuid_in_path(request, "event")): email}, 409)
    return see_other("/notices/parked?done=resent")
