"""Show what is to be supported (公示), for anybody to read."""

from itertools import groupby

from aiohttp import web

from services.gateway.web.context import SERVICES
from services.gateway.web.error_pages import prefers_json
from services.gateway.web.rendering import page
from shared.contract.decision import PublicityList
from shared.http.app import REQUEST_ID, answer


async def show(request: web.Request) -> web.Response:
    """The projects in 公示, by round; the same as JSON for programs that ask for it."""
    found = await request.app[SERVICES].tell(
        "applications", "/internal/publicity", request[REQUEST_ID], PublicityList
    )
    if prefers_json(request):
        return answer(found)
    rounds = [(title, list(items)) for title, items in groupby(found.items, key=lambda item: item.round_title)]
    return page(request, "public/publicity.html", {"rounds": rounds})
