"""Show 查看申请 (what was submitted, what happened) and 退回意见 (what has to be corrected)."""

import asyncio

from aiohttp import web

from services.gateway.form import form_view, materials
from services.gateway.web.calls import Json, application, ask, definition, revision_number
from services.gateway.web.form_data import one, read_form
from services.gateway.web.rendering import page
from shared.errors import Conflict, Invalid, Malformed
from shared.http.app import see_other, uuid_in_path


async def view(request: web.Request) -> web.Response:
    """查看申请: any submitted revision, and what happened."""
    return await _view(request, whole=False)


async def reveal(request: web.Request) -> web.Response:
    """显示完整信息: the same page with nothing masked."""
    await read_form(request)
    return await _view(request, whole=True)


async def _view(request: web.Request, *, whole: bool) -> web.Response:
    found = await application(request)
    id = found["id"]
    timeline, revisions, letters = await asyncio.gather(
        ask(request, "GET", f"/applications/{id}/timeline"),
        ask(request, "GET", f"/applications/{id}/revisions"),
        ask(request, "GET", f"/applications/{id}/letters"),
    )
    wanted = request.query.get("revision")
    number = revision_number(wanted) if wanted else found["revision"]
    changes: list[Json] = []
    if number > 1:
        path = f"/applications/{id}/revisions/{number}/changes"
        listed = (await ask(request, "GET", path, query={} if whole else materials.MASKED)).body
        changes = materials.changed(await definition(request, found), listed)
    context = {
        "application": found,
        "materials": await materials.latest(request, found, number, whole=whole),
        "timeline": timeline.body,
        "letters": letters.body,
        "revisions": list(reversed(revisions.body)),
        "number": number,
        "changes": changes,
        "whole": whole,
    }
    return page(request, "applicant/view.html", context)


async def _opinions(
    request: web.Request, *, typed: dict[str, str] | None = None, fault: str | None = None, status: int = 200
) -> web.Response:
    found = await application(request)
    listed = (await ask(request, "GET", f"/applications/{found['id']}/opinions")).body
    letters = (await ask(request, "GET", f"/applications/{found['id']}/letters")).body
    sections = {s["key"]: s for s in (await definition(request, found))["sections"]}
    anchors = {o["id"]: form_view.anchor(sections[o["section"]], o) for o in listed if o["section"] in sections}
    context = {
        "application": found,
        "letters": letters,
        "opinions": listed,
        "anchors": anchors,
        "editable": {s["key"] for s in found["sections"] if s["editable"]},
        "open": sum(1 for o in listed if o["status"] == "open"),
        "typed": typed or {},
        "fault": fault,
        "done": request.query.get("done"),
    }
    return page(request, "applicant/opinions.html", context, status=status)


async def opinions(request: web.Request) -> web.Response:
    """退回意见, each with its answer."""
    return await _opinions(request)


async def answer_opinions(request: web.Request) -> web.Response:
    """Answers to opinions, all of the page's at once."""
    form = await read_form(request)
    id = uuid_in_path(request)
    listed = (await ask(request, "GET", f"/applications/{id}/opinions")).body
    typed = {o["id"]: one(form, f"reply.{o['id']}").strip() for o in listed}
    try:
        for opinion in listed:
            reply = typed[opinion["id"]]
            if reply and reply != (opinion["reply"] or ""):
                path = f"/applications/{id}/opinions/{opinion['id']}"
                await ask(request, "PUT", path, json={"reply": reply})
    except (Conflict, Invalid, Malformed) as error:
        return await _opinions(request, typed=typed, fault=error.detail, status=409)
    return see_other(f"/applications/{id}/opinions?done=answered")
