"""申请开放材料: asked for on the locked material's page, decided on the case's."""

from aiohttp import web

from services.gateway.form.section_page import locked
from services.gateway.review import case
from services.gateway.web.calls import ask
from services.gateway.web.form_data import one, read_form
from shared.errors import Conflict, Invalid, Malformed, NotFound
from shared.http.app import see_other, uuid_in_path


async def ask_for(request: web.Request) -> web.Response:
    """The applicant asks; what was typed comes back when it is refused."""
    form = await read_form(request)
    id, key, reason = uuid_in_path(request), one(form, "section"), one(form, "reason")
    try:
        body = {"section": key, "reason": reason}
        await ask(request, "POST", f"/applications/{id}/unlock-requests", json=body)
    except (Conflict, Invalid, Malformed) as error:
        return await locked(request, key, reason, error)
    return see_other(f"/applications/{id}/sections/{key}?done=asked")


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
        return await case.desk(request, error, 409, {f"unlock.{wanted}": note})
    return see_other(f"/review/{id}?done={'granted' if action == 'grant' else 'answered'}#unlock")
