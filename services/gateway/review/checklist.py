"""Save what a reviewer ticked of a case's 形式审查 list."""

from aiohttp import web

from services.gateway.review import case_page
from services.gateway.web.calls import ask
from services.gateway.web.form_data import one, read_form
from shared.contract.review import ChecklistView
from shared.errors import Conflict, Invalid, Malformed, Stale
from shared.http.app import see_other, uuid_in_path

MET = {"yes": True, "no": False}


async def save(request: web.Request) -> web.Response:
    """保存形式审查表; what was ticked comes back with what is wrong, and over what another tab saved only at a second press."""
    form = await read_form(request)
    id = uuid_in_path(request)
    lines = [name.removeprefix("note.") for name in form if name.startswith("note.")]
    typed = {name: one(form, name) for line in lines for name in (f"met.{line}", f"note.{line}")}
    ticks = {line: {"met": MET.get(typed[f"met.{line}"]), "note": typed[f"note.{line}"]} for line in lines}
    try:
        path = f"/review/applications/{id}/checklist"
        await ask(request, "PUT", path, ChecklistView, json={"ticks": ticks}, etag=one(form, "etag"))
    except (Conflict, Stale, Invalid, Malformed) as error:
        return await case_page.desk(request, error, 409, typed, at="checklist")
    return see_other(f"/review/{id}?done=checklist#checklist")
