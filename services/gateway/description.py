"""`/api/v1/me`, and the description of the whole API, made from every service's own route table."""

from datetime import timedelta
from uuid import UUID

from aiohttp import web
from pydantic import AwareDatetime, BaseModel

from services.gateway import events
from services.gateway.access import SIGNED_IN
from services.gateway.auditing.reading import AccountAudit, read_accounts
from services.gateway.context import SERVICES, SESSION, SETTINGS
from services.gateway.forms import page_token
from services.gateway.pages.rendering import page
from shared import openapi
from shared.identity import Role
from shared.web import Route, answer

VERSION = "1.0.0"
METHODS = ("get", "post", "put", "patch", "delete")


class Unit(BaseModel):
    """The enterprise somebody acts for."""

    uscc: str
    name: str | None


class Me(BaseModel):
    """Who is signed in. `idle_until` and `expires_at` say when the session ends of itself."""

    account: UUID
    name: str
    roles: list[Role]
    enterprise: Unit | None
    csrf_token: str
    expires_at: AwareDatetime
    idle_until: AwareDatetime
    idle_minutes: int


async def me(request: web.Request) -> web.Response:
    """Who is signed in: account, roles, enterprise, and the `csrf_token` that every unsafe call must send."""
    session, idle = request[SESSION], request.app[SETTINGS].session_idle_minutes
    unit = Unit(uscc=session.enterprise, name=session.enterprise_name) if session.enterprise else None
    return answer(
        Me(
            account=session.account,
            name=session.name,
            roles=sorted(session.roles),
            enterprise=unit,
            csrf_token=page_token(session),
            expires_at=session.expires_at,
            idle_until=session.last_seen_at + timedelta(minutes=idle),
            idle_minutes=idle,
        )
    )


# What the gateway answers itself, for the description.
OWN = [
    Route("GET", "/api/v1/me", me, roles=SIGNED_IN, answer=Me),
    Route("GET", "/api/v1/events", events.stream, roles=SIGNED_IN, media_type="text/event-stream"),
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
