"""`/api/v1/me`, and the description of the whole API, made from every service's own route table."""

from datetime import timedelta

from aiohttp import web

from services.gateway import events
from services.gateway.auditing.reading import AccountAudit, read_accounts
from services.gateway.context import SERVICES, SESSION, SETTINGS
from services.gateway.pages.rendering import page
from shared import openapi
from shared.identity import Role
from shared.web import Route, answer

VERSION = "1.0.0"
METHODS = ("get", "post", "put", "patch", "delete")


async def me(request: web.Request) -> web.Response:
    """Who is signed in: account, roles, enterprise, and the `csrf_token` that every unsafe call must send."""
    session, idle = request[SESSION], request.app[SETTINGS].session_idle_minutes
    enterprise = {"uscc": session.enterprise, "name": session.enterprise_name} if session.enterprise else None
    return answer(
        {
            "account": str(session.account),
            "name": session.name,
            "roles": sorted(session.roles),
            "enterprise": enterprise,
            "csrf_token": session.csrf_token,
            "expires_at": session.expires_at.isoformat(),
            "idle_until": (session.last_seen_at + timedelta(minutes=idle)).isoformat(),
            "idle_minutes": idle,
        }
    )


# What the gateway answers itself, for the description.
OWN = [
    Route("GET", "/api/v1/me", me),
    Route("GET", "/api/v1/events", events.stream, media_type="text/event-stream"),
    Route(
        "GET",
        "/api/v1/audit/accounts",
        read_accounts,
        roles=frozenset({Role.AUDITOR}),
        answer=AccountAudit,
        query=("actor", "action", "since", "until", "cursor", "limit"),
    ),
]


async def _document(request: web.Request) -> dict[str, object]:
    services = request.app[SERVICES]
    parts = [await services.description(name) for name in ("applications", "notify")]
    return openapi.document([*parts, openapi.fragment(OWN)], "工美资金管理系统", VERSION)


async def openapi_json(request: web.Request) -> web.Response:
    """OpenAPI 3.1 of everything under `/api/v1`."""
    return answer(await _document(request))


async def docs(request: web.Request) -> web.Response:
    """The same, for people."""
    document = await _document(request)
    return page(request, "api_docs.html", {"document": document, "methods": METHODS})
