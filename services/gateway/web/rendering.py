"""Render templates into answers."""

import gzip
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import brotli
from aiohttp import hdrs, web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from services.gateway.web.assets import asset
from services.gateway.web.context import SESSION, SETTINGS
from services.gateway.web.form_data import page_token
from services.gateway.web.switches import SWITCHES
from shared import clock
from shared.contract.switches import SwitchesView
from shared.identity import Role
from shared.text import amounts, formatted

FOLDER = Path(__file__).parent.parent
# Smaller answers are not worth a browser's unpacking.
WORTH_COMPRESSING = 1024

TEMPLATES = Environment(
    loader=FileSystemLoader(FOLDER / "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def when(instant: str | datetime | None) -> str:
    """An instant as the office reads it."""
    if instant is None or instant == "":
        return ""
    return clock.show(_instant(instant))


def _instant(said: str | datetime) -> datetime:
    return datetime.fromisoformat(said) if isinstance(said, str) else said


def iso(instant: str | datetime) -> str:
    """An instant as scripts and `<time>` read it, to the second: HTML knows no microseconds."""
    return _instant(instant).isoformat(timespec="seconds")


def day(instant: str | datetime | None) -> str:
    """The date of an instant in Beijing."""
    return clock.show_date(_instant(instant)) if instant else ""


def last_day(until: str | datetime | None) -> str:
    """The last day of a period that ends with it."""
    return clock.show_date(clock.last_moment(_instant(until))) if until else ""


def left(instant: str | datetime, now: datetime | None = None) -> str:
    """The time until an instant, in its two largest units; scripts go on counting in the same words."""
    rest = _instant(instant) - (now or clock.now())
    if rest <= timedelta(0):
        return "已截止"
    seconds = int(rest.total_seconds())
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return f"还有 {days} 天 {hours} 小时"
    return f"还有 {hours} 小时 {minutes} 分" if hours else f"还有 {minutes} 分 {seconds % 60} 秒"


def size(count: int) -> str:
    """A file's size for people."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.1f} KB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MB"


def waited(instant: str | datetime | None) -> str:
    """How long somebody has waited since an instant, in whole days."""
    if not instant:
        return ""
    days = (clock.now() - _instant(instant)).days
    return f"已等待 {days} 天" if days else "今日申报"


def own_links(text: str, public_url: str) -> Markup:
    """A text whose addresses of this portal can be followed; nobody else's become links."""
    place = re.compile(re.escape(str(escape(public_url))) + r"[A-Za-z0-9/_-]*")
    return Markup(place.sub(r'<a href="\g<0>">\g<0></a>', str(escape(text))))  # noqa: S704 (escaped before)


TEMPLATES.filters.update(
    amount=amounts.show,
    blocks=formatted.blocks,
    own_links=own_links,
    size=size,
    when=when,
    day=day,
    iso=iso,
    last_day=last_day,
    left=left,
    waited=waited,
)
TEMPLATES.globals["asset"] = asset
# A page of one application, of the applicant's, the bureau's or an expert's.
_CASE = re.compile(r"/(?:applications|review|expert)/[0-9a-f-]{36}(?:/[a-z_/0-9-]*)?(?:\?[A-Za-z0-9_.=&%-]*)?")
ENDS_SOON = timedelta(minutes=15)
ROLE_LABELS = {
    Role.APPLICANT: "企业",
    Role.REVIEWER: "审核人员",
    Role.EXPERT: "评审专家",
    Role.DIRECTOR: "审定人员",
    Role.OFFICER: "业务管理人员",
    Role.FORM_EDITOR: "表单编制人员",
    Role.OPERATOR: "运维人员",
    Role.AUDITOR: "审计人员",
}


def frame() -> dict[str, Any]:
    """What every page's frame asks for, when nobody is signed in and nothing is out of the ordinary."""
    return {
        "session": None,
        "csrf_token": "",
        "roles": set(),
        "role_labels": ROLE_LABELS,
        "demo": False,
        "switches": SwitchesView(),
        "announcement": "",
        "arrived": None,
        "idle_minutes": 0,
        "here": "",
        "back": None,
        "unread": None,
        "confirmations": None,
        "unread_messages": None,
        "now_ms": int(clock.now().timestamp() * 1000),
        "ends_at": None,
    }


def came_from(request: web.Request) -> str | None:
    """Return the page of an application or a case from which somebody came here, if it is one of ours. A page with a form of its own
    hands it on as `back`."""
    site, _, path = request.headers.get("Referer", "").partition("://")[2].partition("/")
    found = request.query.get("back") or (f"/{path}" if site == request.host else "")
    return found if _CASE.fullmatch(found) and found.partition("?")[0] != request.path else None


def rendered(request: web.Request, template: str, context: dict[str, Any]) -> str:
    """A whole page for whoever is signed in."""
    session = request.get(SESSION)
    settings = request.app[SETTINGS]
    return TEMPLATES.get_template(template).render(
        {
            **frame(),
            "session": session,
            "csrf_token": page_token(session) if session else "",
            "roles": {role.value for role in session.roles} if session else set(),
            "demo": settings.stub_idp,
            "switches": request.app[SWITCHES].set,
            "announcement": request.app[SWITCHES].announcement(),
            "idle_minutes": settings.session_idle_minutes,
            "here": request.path,
            "back": came_from(request),
            # Said in time to save what is being written.
            "ends_at": session.expires_at if session and session.expires_at - clock.now() < ENDS_SOON else None,
            **context,
        }
    )


def page(request: web.Request, template: str, context: dict[str, Any], *, status: int = 200) -> web.Response:
    """The page as an answer, compressed as the browser likes it."""
    text = rendered(request, template, context)
    answer = web.Response(status=status, content_type="text/html", charset="utf-8")
    body, encoding = _compressed(text.encode(), request.headers.get(hdrs.ACCEPT_ENCODING, "").lower())
    answer.body = body
    answer.headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
    if encoding:
        answer.headers[hdrs.CONTENT_ENCODING] = encoding
    return answer


def _compressed(body: bytes, accepted: str) -> tuple[bytes, str | None]:
    # The form's token is masked anew each time: nobody can guess it from lengths, whatever else a page repeats.
    if len(body) < WORTH_COMPRESSING:
        return body, None
    if "br" in accepted:
        return bytes(brotli.compress(body, quality=4)), "br"
    return (gzip.compress(body, 5, mtime=0), "gzip") if "gzip" in accepted else (body, None)
