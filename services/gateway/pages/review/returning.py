"""退回补正: where the opinions are written."""

from datetime import datetime, time

from aiohttp import web

from services.gateway.forms import Values, one, read_form
from services.gateway.pages.asking import Json, application, ask, definition, see_other
from services.gateway.pages.rendering import page
from shared import clock
from shared.errors import Conflict, DomainError, Invalid, Malformed, Stale
from shared.web import uuid_in_path

ROWS = 3
MAX_ROWS = 100


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
