"""Decide 申请开放材料 on the case's page."""

from aiohttp import web

from services.gateway.review import case_page
from services.gateway.web.calls import ask
from services.gateway.web.form_data import one, read_form
from shared.errors import Conflict, Invalid, Malformed, NotFound
from shared.http.app import see_other, uuid_in_path


async def decide(request: web.Request) -> web.Response:
    """The reviewer's yes or no."""
    form = await read_form(request)
    id, wanted = uuid_in_path(request), uuid_in_path(request, "request")
    action = "grant" if one(form, "action") == "grant" else "refuse"
    note = one(form, "note")
    try:
        path = f"/review/applications/{id}/unlock-requests/{wanted}/{action}"
        await ask(request, "POST", path, json={"note": note})
    except (Conflict, Invalid, Malformed, NotFound) as error:
        return await case_page.desk(request, error, 409, {f"unlock.{wanted}": note})
    return see_other(f"/review/{id}?done={'granted' if action == 'grant' else 'answered'}#unlock")
