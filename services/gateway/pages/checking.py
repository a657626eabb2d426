"""材料间核对 on a page of its own, from which a script refreshes the panel beside a form."""

from aiohttp import web

from services.gateway.pages.asking import application, ask
from services.gateway.pages.rendering import page


async def checks(request: web.Request) -> web.Response:
    """Every cross-form check with both sides."""
    found = await application(request)
    listed = (await ask(request, "GET", f"/applications/{found['id']}/checks")).body
    return page(request, "checks.html", {"application": found, "checks": listed})
