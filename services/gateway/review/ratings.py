"""Show the bureau how its work was rated (好差评)."""

from aiohttp import web

from services.gateway.web.calls import ask
from services.gateway.web.rendering import page
from shared.contract.ratings import Ratings


async def show(request: web.Request) -> web.Response:
    """Each round's ratings, and the latest words."""
    found = (await ask(request, "GET", "/review/ratings", Ratings)).body
    return page(request, "review/ratings.html", {"found": found})
