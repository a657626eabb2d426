"""Give out 生成PDF, 预览PDF and 下载待盖章承诺书: the file, or a page with its place in the queue, which reloads by itself."""

from aiohttp import web

from services.gateway.web.calls import application, ask, revision_number
from services.gateway.web.context import SESSION
from services.gateway.web.form_data import read_form
from services.gateway.web.relay import relay
from services.gateway.web.waiting import look, standing, waiting, waiting_page
from shared.contract.applications import DocumentStatus
from shared.http.app import see_other, uuid_in_path
from shared.identity import Role


def _pdf(request: web.Request, n: int) -> str:
    return f"/api/v1/applications/{uuid_in_path(request)}/revisions/{n}/pdf"


async def make(request: web.Request) -> web.Response:
    """生成PDF: ask for it, before those made ahead."""
    await read_form(request)
    n = revision_number(request.match_info["n"])
    path = f"/applications/{uuid_in_path(request)}/revisions/{n}/pdf"
    found = await ask(request, "POST", path, DocumentStatus)
    return see_other(_pdf(request, n) if found.body.status == "ready" else request.path)


async def wait(request: web.Request) -> web.Response:
    """The PDF of a revision, or its place in line."""
    found = await application(request)
    n = revision_number(request.match_info["n"])
    path = f"/applications/{found.id}/revisions/{n}/pdf"
    status = await ask(request, "POST", path, DocumentStatus, query=look(request))
    if status.status == 200 and "look" not in request.query:
        return see_other(_pdf(request, n))
    title = f"生成PDF：{found.project_name}（第 {n} 版）"
    back = "/projects" if Role.APPLICANT in request[SESSION].roles else None
    return waiting_page(request, title, status.body, _pdf(request, n), back)


async def receipt(request: web.Request) -> web.Response:
    """回执PDF: the receipt of one submission as a paper."""
    id, n = uuid_in_path(request), revision_number(request.match_info["n"])
    return await waiting(
        request, f"/applications/{id}/revisions/{n}/receipt.pdf", "生成回执PDF", f"/applications/{id}/receipt/{n}"
    )


async def case_in_short(request: web.Request) -> web.Response:
    """项目简表: a revision in short, for a meeting."""
    id, n = uuid_in_path(request), revision_number(request.match_info["n"])
    return await waiting(request, f"/applications/{id}/revisions/{n}/brief.pdf", "生成项目简表", f"/review/{id}")


async def letter(request: web.Request) -> web.Response:
    """公文: the PDF, or its place in line."""
    id, letter_id = uuid_in_path(request), uuid_in_path(request, "letter")
    back = f"/applications/{id}/view" if Role.APPLICANT in request[SESSION].roles else None
    return await waiting(request, f"/applications/{id}/letters/{letter_id}", "生成公文", back)


async def empty_form(request: web.Request) -> web.Response:
    """下载空白表: the form of a round, empty, to read before one begins."""
    return await waiting(request, f"/rounds/{uuid_in_path(request)}/form.pdf", "生成空白表", "/projects/new")


async def preview(request: web.Request) -> web.StreamResponse:
    """预览PDF: what is saved so far, marked as a draft."""
    return await _of_what_is_saved(request, "POST", "preview", "预览PDF")


async def commitment(request: web.Request) -> web.StreamResponse:
    """下载待盖章承诺书: filled in with what is saved, for stamp and scan."""
    return await _of_what_is_saved(request, "GET", "commitment.pdf", "下载待盖章承诺书")


async def _of_what_is_saved(request: web.Request, method: str, name: str, title: str) -> web.StreamResponse:
    id = uuid_in_path(request)
    path = f"/applications/{id}/{name}"
    found = await ask(request, method, path, query=look(request))
    if found.status == 200 and "look" not in request.query:
        return await relay(request, method, f"/api/v1{path}")
    body = standing(found)
    return waiting_page(request, title, body, request.path, f"/applications/{id}")
