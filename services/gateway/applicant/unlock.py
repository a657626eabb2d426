"""Ask for a locked material on its page (申请开放材料)."""

from aiohttp import web

from services.gateway.form.section_view import locked
from services.gateway.web.calls import ask
from services.gateway.web.form_data import one, read_form
from shared.contract.review import UnlockRequestView
from shared.errors import Conflict, Invalid, Malformed
from shared.http.app import see_other, uuid_in_path


async def ask_for(request: web.Request) -> web.Response:
    """The applicant asks; what was typed comes back when it is refused."""
    form = await read_form(request)
    id, key, reason = uuid_in_path(request), one(form, "section"), one(form, "reason")
    try:
        body = {"section": key, "reason": reason}
        await ask(request, "POST", f"/applications/{id}/unlock-requests", UnlockRequestView, json=body)
    except (Conflict, Invalid, Malformed) as error:
        return await locked(request, key, reason, error)
    return see_other(f"/applications/{id}/sections/{key}?done=asked")
