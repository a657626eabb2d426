"""Build the page of one case as the bureau reads it: everything of it, asked for at once."""

import asyncio
from typing import Any

from aiohttp import web

from services.gateway.review import case_view, opinion_places
from services.gateway.web.calls import Json, application, ask, asked_for, definition
from services.gateway.web.rendering import page
from shared import clock
from shared.errors import Conflict, DomainError, NotFound, TooMany


async def _viewer(request: web.Request, id: str, files: list[Json]) -> Json | None:
    """The attachment that is shown beside the materials: the one asked for, or the first."""
    wanted = request.query.get("file")
    found = next((f for f in files if f["id"] == wanted), files[0] if files and not wanted else None)
    if found is None:
        return None
    try:
        counted = await ask(request, "GET", f"/applications/{id}/attachments/{found['id']}/pages")
    except (Conflict, NotFound, TooMany) as error:
        return {**found, "pages": 0, "fault": error.detail}
    return {**found, "pages": counted.body["pages"], "fault": None}


def anchor(opinion: Json) -> str:
    """Where on the page an opinion's place stands."""
    if not opinion["section"]:
        return "opinions"
    field = (opinion["field"] or "").partition(".")[0]
    return f"p-{opinion['section']}-{field}" if field else f"m-{opinion['section']}"


async def _everything(request: web.Request, found: Json, *, whole: bool) -> Json:
    """All that a reviewer reads of a case, asked for at once. `whole`: nothing masked, which is recorded."""
    id, revision = found["id"], found["revision"]
    path, case = f"/applications/{id}", f"/review/applications/{id}"

    async def get(what: str, **query: str) -> Any:
        return (await ask(request, "GET", what, query=query or None)).body

    async def earlier(what: str) -> Any:
        return await get(f"{path}/revisions/{what}") if revision > 1 else None

    async def submitted() -> Any:
        read = f"{path}/revisions/{revision}"
        return (await ask(request, "POST", f"{read}/reveal", json={})).body if whole else await get(read)

    (
        form, snapshot, before, changes, opinions, checks, origins, others, timeline, phrases,
        stage, experts, letters, batches, wishes,
    ) = await asyncio.gather(
        definition(request, found),
        submitted(),
        earlier(str(revision - 1)),
        earlier(f"{revision}/changes"),
        get(f"{path}/opinions"),
        get(f"{path}/checks"),
        get(f"{case}/origins"),
        get(f"{case}/others"),
        get(f"{path}/timeline"),
        get("/review/phrases"),
        get(f"{case}/stage"),
        get(f"{case}/experts"),
        get(f"{path}/letters"),
        get("/review/batches", round=found["round_id"]),
        get(f"{path}/unlock-requests"),
    )  # fmt: skip
    materials = case_view.materials(
        form,
        snapshot["content"],
        earlier=before["content"] if before else None,
        changes=changes or [],
        opinions=opinions,
        origins=origins,
        checks=checks,
    )
    # What one may not see is named among the materials; there is nothing of it to look at.
    files = [f for f in case_view.files(materials) if not f.get("withheld")]
    return {
        "materials": materials,
        "files": files,
        "viewer": await _viewer(request, id, files),
        "changes": changes or [],
        "unasked": [c for c in changes or [] if not c["asked"]],
        "opinions": opinions,
        "whole": [o for o in opinions if not o["section"]],
        "checks": checks,
        "origins": origins,
        "others": others,
        "timeline": timeline,
        "groups": opinion_places.choices(form, snapshot["content"]),
        "phrases": phrases,
        "stage": stage,
        "experts": experts,
        "letters": letters,
        "batches": [b for b in batches if not b["closed_at"]],
        "wishes": asked_for(found, wishes, opinions),
        "details": [case_view.detail(e) for e in timeline["entries"]],
    }


async def desk(
    request: web.Request,
    error: DomainError | None = None,
    status: int = 200,
    typed: dict[str, str] | None = None,
    *,
    opine: str | None = None,
    stage_fault: str = "",
    whole: bool = False,
) -> web.Response:
    """The page of a case, with what went wrong and what was typed; `opine` is the place one writes an opinion on,
    `stage_fault` the form of the stages that was refused."""
    found = await application(request)
    everything = await _everything(request, found, whole=whole)
    wanted = opine if opine is not None else request.query.get("opine")
    mine = bool(found["lease"] and found["lease"]["mine"] and "return" in found["actions"])
    context = {
        "application": found,
        **everything,
        "whole": whole,
        "may_opine": mine,
        "opine": wanted if mine else None,
        "opine_label": opinion_places.label(everything["groups"], wanted) if wanted is not None else None,
        "error": error,
        "typed": typed or {},
        "done": request.query.get("done"),
        "stage_fault": stage_fault,
        "today": clock.today().isoformat(),
    }
    return page(request, "review/case.html", context, status=status)
