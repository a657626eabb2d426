"""The review desk: a queue, a read view, 纳批 and 退回补正."""

from datetime import datetime, time

from aiohttp import web

from services.gateway.forms import Values, one, read_form
from services.gateway.pages.asking import Json, application, ask, definition, filters, see_other
from services.gateway.pages.reading import latest
from services.gateway.pages.rendering import page
from shared import clock
from shared.errors import Conflict, DomainError, Invalid, Malformed, Stale
from shared.web import uuid_in_path

ROWS = 3
MAX_ROWS = 100


async def queue(request: web.Request) -> web.Response:
    """Applications that were submitted, oldest first."""
    shown, query = filters(request, "state", "q", "cursor")
    found = (await ask(request, "GET", "/review/applications", query=query)).body
    return page(request, "review_queue.html", {"found": found, "query": shown})


async def _desk(
    request: web.Request, error: DomainError | None = None, status: int = 200, *, whole: bool = False
) -> web.Response:
    found = await application(request)
    context = {
        "application": found,
        "materials": await latest(request, found, whole=whole),
        "whole": whole,
        "opinions": (await ask(request, "GET", f"/applications/{found['id']}/opinions")).body,
        "timeline": (await ask(request, "GET", f"/applications/{found['id']}/timeline")).body,
        "error": error,
        "done": request.query.get("done"),
    }
    return page(request, "review.html", context, status=status)


async def desk(request: web.Request) -> web.Response:
    """One application as a reviewer reads it."""
    return await _desk(request)


async def reveal(request: web.Request) -> web.Response:
    """显示完整信息: numbers unmasked, which is recorded."""
    await read_form(request)
    return await _desk(request, whole=True)


async def take(request: web.Request) -> web.Response:
    """领取办理: take the lease, or renew it."""
    await read_form(request)
    id = uuid_in_path(request)
    try:
        await ask(request, "POST", f"/review/applications/{id}/lease", json={})
    except Conflict as error:
        return await _desk(request, error, 409)
    return see_other(f"/review/{id}")


async def drop(request: web.Request) -> web.Response:
    """放回: let go of it."""
    await read_form(request)
    id = uuid_in_path(request)
    await ask(request, "DELETE", f"/review/applications/{id}/lease", json={})
    return see_other("/review")


async def accept(request: web.Request) -> web.Response:
    """纳批."""
    form = await read_form(request)
    id = uuid_in_path(request)
    try:
        await ask(request, "POST", f"/review/applications/{id}/accept", json={}, etag=one(form, "etag"))
    except (Conflict, Stale, Invalid) as error:
        return await _desk(request, error, 409)
    return see_other(f"/review/{id}?done=accept")


async def _return_page(
    request: web.Request, rows: list[Json], day: str, error: DomainError | None = None, status: int = 200
) -> web.Response:
    found = await application(request)
    context = {
        "application": found,
        "form": await definition(request, found),
        "rows": rows,
        "day": day,
        "error": error,
        "today": clock.today().isoformat(),
    }
    return page(request, "review_return.html", context, status=status)


async def write_return(request: web.Request) -> web.Response:
    """退回补正: where the opinions are written."""
    return await _return_page(request, [{"place": "", "text": ""}] * ROWS, "")


def _rows(form: Values) -> list[Json]:
    places, texts = form.get("place", []), form.get("text", [])
    return [{"place": p, "text": t} for p, t in zip(places, texts, strict=False)][:MAX_ROWS]


def _deadline(day: str) -> datetime:
    """The end of the working afternoon of the chosen day in Beijing."""
    try:
        return datetime.combine(datetime.fromisoformat(day).date(), time(18), clock.SHANGHAI)
    except ValueError:
        raise Malformed("请选择补正期限。", code="deadline_required") from None


async def send_back(request: web.Request) -> web.Response:
    """退回补正, with every opinion at its place. One more row is added without losing what was written."""
    form = await read_form(request)
    id = uuid_in_path(request)
    rows, day = _rows(form), one(form, "correct_by")
    if one(form, "action") == "add":
        return await _return_page(request, [*rows, {"place": "", "text": ""}], day)
    opinions = []
    for row in rows:
        section, _, field = row["place"].partition(".")
        if row["text"].strip():
            opinions.append({"section": section or None, "field": field or None, "text": row["text"]})
    try:
        body = {"correct_by": _deadline(day).isoformat(), "opinions": opinions}
        await ask(request, "POST", f"/review/applications/{id}/return", json=body, etag=one(form, "etag"))
    except (Conflict, Stale, Invalid, Malformed) as error:
        return await _return_page(request, rows, day, error, 409)
    return see_other(f"/review/{id}?done=return")
