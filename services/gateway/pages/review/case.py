"""One case as the bureau reads it, and the lease that keeps two reviewers apart."""

from aiohttp import web

from services.gateway.forms import one, read_form
from services.gateway.pages.asking import application, ask, see_other
from services.gateway.pages.reading import latest
from services.gateway.pages.rendering import page
from shared.errors import Conflict, DomainError, Invalid, Stale
from shared.web import uuid_in_path


async def desk(
    request: web.Request, error: DomainError | None = None, status: int = 200, typed: dict[str, str] | None = None
) -> web.Response:
    """The page of a case, with what went wrong and what was typed."""
    found = await application(request)
    context = {
        "application": found,
        "materials": await latest(request, found),
        "opinions": (await ask(request, "GET", f"/applications/{found['id']}/opinions")).body,
        "timeline": (await ask(request, "GET", f"/applications/{found['id']}/timeline")).body,
        "error": error,
        "typed": typed or {},
        "done": request.query.get("done"),
    }
    return page(request, "review.html", context, status=status)


async def show(request: web.Request) -> web.Response:
    """One application as a reviewer reads it."""
    return await desk(request)


async def take(request: web.Request) -> web.Response:
    """领取办理: take the lease, renew it, or take it over with a reason."""
    form = await read_form(request)
    id, takeover, reason = uuid_in_path(request), one(form, "takeover") == "1", one(form, "reason")
    try:
        body = {"takeover": takeover, "reason": reason}
        await ask(request, "POST", f"/review/applications/{id}/lease", json=body)
    except (Conflict, Invalid) as error:
        return await desk(request, error, 409, {"reason": reason})
    return see_other(f"/review/{id}")


async def drop(request: web.Request) -> web.Response:
    """放回: let go of it."""
    await read_form(request)
    await ask(request, "DELETE", f"/review/applications/{uuid_in_path(request)}/lease", json={})
    return see_other("/review")


async def accept(request: web.Request) -> web.Response:
    """纳批."""
    form = await read_form(request)
    id = uuid_in_path(request)
    try:
        await ask(request, "POST", f"/review/applications/{id}/accept", json={}, etag=one(form, "etag"))
    except (Conflict, Stale, Invalid) as error:
        return await desk(request, error, 409)
    return see_other(f"/review/{id}?done=accept")
