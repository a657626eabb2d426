"""The operators' page: what is owed, how old it is, who works on it, when it will be done, what was parked."""

from aiohttp import web

from services.gateway.forms import one, read_form
from services.gateway.pages.asking import ask, see_other
from services.gateway.pages.rendering import page
from shared.web import uuid_in_path


async def overview(request: web.Request) -> web.Response:
    """Queues and parked jobs."""
    return page(request, "ops.html", {"overview": (await ask(request, "GET", "/ops/overview")).body})


async def requeue(request: web.Request) -> web.Response:
    """重新排队."""
    await read_form(request)
    await ask(request, "POST", f"/ops/parked/{uuid_in_path(request)}/requeue", json={})
    return see_other("/ops")


async def requeue_all(request: web.Request) -> web.Response:
    """全部重新排队."""
    form = await read_form(request)
    await ask(request, "POST", "/ops/parked/requeue", json={"topic": one(form, "topic", "")})
    return see_other("/ops")
