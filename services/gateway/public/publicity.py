"""Show what is to be supported (公示) and what was decided (批复), for anybody to read."""

import re
from itertools import groupby

from aiohttp import web

from services.gateway.web.context import SERVICES
from services.gateway.web.error_pages import prefers_json
from services.gateway.web.rendering import page
from shared.contract.announcements import Published
from shared.contract.decision import PublicityList
from shared.errors import NotFound
from shared.http.app import REQUEST_ID, answer, uuid_in_path


async def show(request: web.Request) -> web.Response:
    """Every 公示 and 批复 of a year, and the projects that were published by themselves, by round; the same as JSON for programs that ask for it."""
    year = request.query.get("year", "")
    if year and not re.fullmatch(r"[1-8][0-9]{3}", year):
        raise NotFound("没有这一年的公示和批复。")
    query = {"year": year} if year else None
    services, id = request.app[SERVICES], request[REQUEST_ID]
    found = await services.tell("applications", "/internal/publicity", id, PublicityList, query=query)
    if prefers_json(request):
        return answer(found)
    singly = [item for item in found.items if item.announcement is None]
    rounds = [(title, list(items)) for title, items in groupby(singly, key=lambda item: item.round_title)]
    return page(request, "public/publicity.html", {"found": found, "rounds": rounds})


async def show_one(request: web.Request) -> web.Response:
    """One 公示 or 批复: text, days, list; the same as JSON for programs that ask for it."""
    path = f"/internal/publicity/{uuid_in_path(request)}"
    found = await request.app[SERVICES].tell("applications", path, request[REQUEST_ID], Published)
    if prefers_json(request):
        return answer(found)
    paragraphs = [line for line in found.text.splitlines() if line.strip()]
    return page(request, "public/announcement.html", {"found": found, "paragraphs": paragraphs})


async def pdf(request: web.Request) -> web.Response:
    """The paper of a 公示 or 批复."""
    path = f"/internal/publicity/{uuid_in_path(request)}/pdf"
    content, named = await request.app[SERVICES].file("applications", path, request[REQUEST_ID])
    return web.Response(body=content, headers={**named, "X-Content-Type-Options": "nosniff"})
