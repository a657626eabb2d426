"""Show the score sheets that are waited for (评审进度), those that are due first."""

from aiohttp import web

from services.gateway.web.calls import ask
from services.gateway.web.rendering import page
from shared.contract.decision import OpenSheet


async def show(request: web.Request) -> web.Response:
    """评审进度."""
    found = (await ask(request, "GET", "/review/score-sheets", list[OpenSheet])).body
    context = {"sheets": found, "late": sum(sheet.late for sheet in found)}
    return page(request, "review/score_sheets.html", context)
