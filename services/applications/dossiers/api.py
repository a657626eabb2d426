"""Serve 卷宗 to reviewers and directors."""

from aiohttp import web

from services.applications.attachments.sending import send_file
from services.applications.core.audit import record
from services.applications.core.context import STORE, transaction
from services.applications.core.switches import must_be_on
from services.applications.dossiers import queries, requests
from services.applications.dossiers.names import part
from shared import codes
from shared.contract.dossiers import DossierInput
from shared.errors import Conflict
from shared.http.app import actor, answer, body, uuid_in_path


async def show_dossiers(request: web.Request) -> web.Response:
    """Return the case files that were asked for last."""
    async with transaction(request) as session:
        return answer(await requests.listed(session))


async def ask(request: web.Request) -> web.Response:
    """Ask for a case file; the one that is being made already is answered as it is."""
    async with transaction(request) as session:
        await must_be_on(session, "exports")
        return answer(requests.view(await requests.ask(session, actor(request), body(request, DossierInput))))


async def stop(request: web.Request) -> web.Response:
    """Stop making a case file, or take a finished one away."""
    async with transaction(request) as session:
        found = await requests.stop(session, actor(request), uuid_in_path(request))
        gone = queries.key_of(found.id) if found.state == "expired" else None
        shown = requests.view(found)
    if gone:
        await request.app[STORE].delete(gone)
    return answer(shown)


async def take(request: web.Request) -> web.StreamResponse:
    """Return a case file as a ZIP. Who took it is recorded."""
    async with transaction(request) as session:
        found = await queries.dossier(session, uuid_in_path(request))
        if found.state != "done" or found.size is None:
            raise Conflict("卷宗尚未生成完毕，或已过期删除。", code=codes.WRONG_STATE)
        of = found.application_id
        record(
            session, actor(request), "take_dossier", application_id=of, dossier=str(found.id), title=found.title
        )
    name = part(f"卷宗 {found.title}.zip")
    return await send_file(request, queries.key_of(found.id), name, media_type="application/zip", size=found.size)
