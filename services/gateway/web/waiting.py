"""Show where a document stands: the file, or a page with its place in the queue, which reloads by itself."""

from typing import Any

from aiohttp import web

from services.gateway.web.backend import Answer
from services.gateway.web.calls import ask
from services.gateway.web.context import SESSION
from services.gateway.web.rendering import page
from shared.contract.applications import DocumentStatus
from shared.http.app import answer, see_other, uuid_in_path
from shared.identity import Role


def look(request: web.Request) -> dict[str, str] | None:
    """A page that only looks where its document stands asks for nothing."""
    return {"look": "1"} if "look" in request.query else None


def standing(found: Answer[Any]) -> DocumentStatus:
    """Where a document stands, by the service's answer: the file itself (200), or what is said of it."""
    return DocumentStatus(status="ready") if found.status == 200 else DocumentStatus.model_validate(found.body)


async def waiting(request: web.Request, path: str, title: str, back: str | None) -> web.Response:
    """The PDF that the API gives at `path`, or a page with its place in line."""
    found = await ask(request, "GET", path, query=look(request))
    if found.status == 200 and "look" not in request.query:
        return see_other(f"/api/v1{path}")
    return waiting_page(request, title, standing(found), f"/api/v1{path}", back)


def waiting_page(
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
