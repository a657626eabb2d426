"""Templates to answers."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.gateway.context import SESSION, SETTINGS
from shared import clock
from shared.identity import Role

FOLDER = Path(__file__).parent.parent

TEMPLATES = Environment(
    loader=FileSystemLoader([FOLDER / "templates", FOLDER / "stub_idp" / "templates"]),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def when(instant: str | datetime | None) -> str:
    """An instant as the office reads it."""
    if instant is None or instant == "":
        return ""
    return clock.show(datetime.fromisoformat(instant) if isinstance(instant, str) else instant)


def day(instant: str | None) -> str:
    """The date of an instant in Beijing."""
    return clock.show_date(datetime.fromisoformat(instant)) if instant else ""


def last_day(until: str | None) -> str:
    """The last day of a period that ends with it: one that ends at midnight ends the day before."""
    return clock.show_date(datetime.fromisoformat(until) - timedelta(seconds=1)) if until else ""


def size(count: int) -> str:
    """A file's size for people."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.1f} KB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MB"


def waited(instant: str | None) -> str:
    """How long somebody has waited since an instant, in whole days."""
    if not instant:
        return ""
    days = (clock.now() - datetime.fromisoformat(instant)).days
    return f"已等待 {days} 天" if days else "今日申报"


TEMPLATES.filters["size"] = size
TEMPLATES.filters["waited"] = waited
TEMPLATES.filters["when"] = when
TEMPLATES.filters["day"] = day
TEMPLATES.filters["last_day"] = last_day
ROLE_LABELS = {
    Role.APPLICANT: "企业",
    Role.REVIEWER: "审核人员",
    Role.EXPERT: "评审专家",
    Role.DIRECTOR: "审定人员",
    Role.OPERATOR: "运维人员",
    Role.AUDITOR: "审计人员",
}


def page(request: web.Request, template: str, context: dict[str, Any], *, status: int = 200) -> web.Response:
    """A whole page for whoever is signed in."""
    session = request.get(SESSION)
    text = TEMPLATES.get_template(template).render(
        {
            "session": session,
            "csrf_token": session.csrf_token if session else "",
            "roles": {role.value for role in session.roles} if session else set(),
            "role_labels": ROLE_LABELS,
            "demo": request.app[SETTINGS].stub_idp,
            "here": request.path,
            **context,
        }
    )
    return web.Response(text=text, status=status, content_type="text/html")
