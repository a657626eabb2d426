"""Give out 生成PDF, 预览PDF and 下载待盖章承诺书: the file, or a page with its place in the queue, which reloads by itself."""

from typing import Any

from aiohttp import web

from services.gateway.web.backend import Answer
from services.gateway.web.calls import application, ask, revision_number
from services.gateway.web.context import SESSION
from services.gateway.web.form_data import read_form
from services.gateway.web.relay import relay
from services.gateway.web.rendering import page
from shared.contract.applications import DocumentStatus
from shared.http.app import answer, see_other, uuid_in_path
from shared.identity import Role


def _pdf(request: web.Request, n: int) -> str:
    return f"/api/v1/applications/{uuid_in_path(request)}/revisions/{n}/pdf"


def _look(request: web.Request) -> dict[str, str] | None:
    """A page that only looks where its document stands asks for nothing."""
    return {"look": "1"} if "look" in request.query else None


def _standing(found: Answer[Any]) -> DocumentStatus:
    """Where a document stands, by the service's answer: the file itself (200), or what is said of it."""
    return DocumentStatus(status="ready") if found.status == 200 else DocumentStatus.model_validate(found.body)


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
    status = await ask(request, "POST", path, DocumentStatus, query=_look(request))
    if status.status == 200 and "look" not in request.query:
        return see_other(_pdf(request, n))
    title = f"生成PDF：{found.project_name}（第 {n} 版）"
    back = "/projects" if Role.APPLICANT in request[SESSION].roles else None
    return _waiting(request, title, status.body, _pdf(request, n), back)


async def letter(request: web.Request) -> web.Response:
    """公文: the PDF, or its place in line."""
    id, letter_id = uuid_in_path(request), uuid_in_path(request, "letter")
    path = f"/applications/{id}/letters/{letter_id}"
    found = await ask(request, "GET", path, query=_look(request))
    if found.status == 200 and "look" not in request.query:
        return see_other(f"/api/v1{path}")
    body = _standing(found)
    back = f"/applications/{id}/view" if Role.APPLICANT in request[SESSION].roles else None
    return _waiting(request, "生成公文", body, f"/api/v1{path}", back)


async def preview(request: web.Request) -> web.StreamResponse:
    """预览PDF: what is saved so far, marked as a draft."""
    return await _of_what_is_saved(request, "POST", "preview", "预览PDF")


async def commitment(request: web.Request) -> web.StreamResponse:
    """下载待盖章承诺书: filled in with what is saved, for stamp and scan."""
    return await _of_what_is_saved(request, "GET", "commitment.pdf", "下载待盖章承诺书")


async def _of_what_is_saved(request: web.Request, method: str, name: str, title: str) -> web.StreamResponse:
    id = uuid_in_path(request)
    path = f"/applications/{id}/{name}"
    found = await ask(request, method, path, query=_look(request))
    if found.status == 200 and "look" not in request.query:
        return await relay(request, method, f"/api/v1{path}")
    body = _standing(found)
    return _waiting(request, title, body, request.path, f"/applications/{id}")


def _waiting(
    request: web.Request, title: str, status: DocumentStatus, location: str, back: str | None
) -> web.Response:
    """`back`: whence an applicant came; staff and experts go back to their case."""
    if "application/json" in request.headers.get("Accept", ""):
        return answer({**status.model_dump(mode="json"), "location": location})
    desk = "expert" if Role.EXPERT in request[SESSION].roles else "review"
    context = {
        "title": title,
        "status": status,
        "location": location,
        "back": back or f"/{desk}/{uuid_in_path(request)}",
    }
    return page(request, "applicant/pdf_wait.html", context)
