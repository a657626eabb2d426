"""The platform's pages: its templates, with what every one of them needs."""

from typing import Any

from aiohttp import web

from services.gateway.stub_idp.browsers import keep, new_captcha
from services.gateway.web.rendering import page

HOTLINE = "010-58511090"
MAILBOX = "yztyunwei@bjca.org.cn"


async def show(
    request: web.Request,
    template: str,
    context: dict[str, Any],
    *,
    errors: dict[str, str] | None = None,
    fault: str = "",
    captcha: bool = False,
) -> web.Response:
    """A page; 422 when something in its form is wrong. `captcha`: with a fresh one."""
    found = {"errors": errors or {}, "fault": fault, "hotline": HOTLINE, "mailbox": MAILBOX, **context}
    if captcha:
        found["captcha"] = await new_captcha(request)
    answer = page(request, template, found, status=422 if errors or fault else 200)
    return keep(request, answer)
