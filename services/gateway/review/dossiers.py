"""Show 卷宗: case files as a ZIP, asked for here, taken once they are done."""

from aiohttp import web

from services.gateway.web.calls import ask
from services.gateway.web.form_data import one, read_form
from services.gateway.web.rendering import page
from shared.contract.dossiers import Dossiers
from shared.errors import Conflict, DomainError, Malformed, NotFound, Unavailable
from shared.http.app import see_other, uuid_in_path

NOTICES = {"asked": "已开始生成卷宗，完成后可在此下载。", "stopped": "卷宗已停止或删除。"}


async def _page(request: web.Request, error: DomainError | None = None, status: int = 200) -> web.Response:
    found = (await ask(request, "GET", "/review/dossiers", Dossiers)).body
    done = None if error else NOTICES.get(request.query.get("done", ""))
    return page(request, "review/dossiers.html", {"found": found, "error": error, "done": done}, status=status)


async def show(request: web.Request) -> web.Response:
    """卷宗, the latest first."""
    return await _page(request)


async def begin(request: web.Request) -> web.Response:
    """生成卷宗: of an application, or of a round."""
    form = await read_form(request)
    body = {name: one(form, name) for name in ("application", "round") if one(form, name)}
    try:
        await ask(request, "POST", "/review/dossiers", json=body)
    except (Conflict, Malformed, NotFound) as error:
        return await _page(request, error, 409)
    except Unavailable as error:
        return await _page(request, error, 503)
    return see_other("/review/dossiers?done=asked")


async def stop(request: web.Request) -> web.Response:
    """停止, or 删除 of one that is done."""
    await read_form(request)
    try:
        await ask(request, "POST", f"/review/dossiers/{uuid_in_path(request)}/stop", json={})
    except Conflict as error:
        return await _page(request, error, 409)
    return see_other("/review/dossiers?done=stopped")
