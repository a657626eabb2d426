"""Render the stub's pages. Style sheet and scripts are the portal's, loaded by their addresses."""

from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.gateway.stub_idp.browsers import keep, new_captcha
from shared import clock

HOTLINE = "010-58511090"
MAILBOX = "yztyunwei@bjca.org.cn"

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def asset(name: str) -> str:
    """The address of the portal's newest file of that name: one without the portal's digest is not kept by browsers."""
    return f"/static/stub/{name}"


def when(instant: datetime) -> str:
    """An instant as the office reads it."""
    return clock.show(instant)


TEMPLATES.globals["asset"] = asset
TEMPLATES.filters["when"] = when


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
    found = {
        "errors": errors or {},
        "fault": fault,
        "hotline": HOTLINE,
        "mailbox": MAILBOX,
        "now_ms": int(clock.now().timestamp() * 1000),
        **context,
    }
    if captcha:
        found["captcha"] = await new_captcha(request)
    text = TEMPLATES.get_template(template).render(found)
    status = 422 if errors or fault else 200
    return keep(request, web.Response(text=text, content_type="text/html", charset="utf-8", status=status))
