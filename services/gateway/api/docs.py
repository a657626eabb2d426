"""Serve `/api/v1/me`, and the description of the whole API, made from every service's own route table."""

import asyncio
import gzip
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from aiohttp import web
from markupsafe import Markup
from pydantic import AwareDatetime, BaseModel

from services.gateway.web.context import SERVICES, SESSION, SETTINGS
from services.gateway.web.form_data import page_token
from services.gateway.web.rendering import TEMPLATES, page
from shared.http import openapi
from shared.http.app import Route, answer
from shared.identity import Role
from shared.text.json_text import dumps

VERSION = "1.0.0"
KEPT_SECONDS = 300.0
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


@dataclass(frozen=True)
class Made:
    """An answer for everybody, made once: as it is, and compressed."""

    media_type: str
    plain: bytes
    gzip: bytes
    etag: str

    @classmethod
    def of(cls, media_type: str, plain: bytes) -> "Made":
        return cls(
            media_type, plain, gzip.compress(plain, mtime=0), f'W/"{hashlib.sha256(plain).hexdigest()[:32]}"'
        )

    def answer(self, request: web.Request) -> web.Response:
        headers = {"ETag": self.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if request.headers.get("If-None-Match") == self.etag:
            return web.Response(status=304, headers=headers)
        packed = "gzip" in request.headers.get("Accept-Encoding", "").lower()
        if packed:
            headers["Content-Encoding"] = "gzip"
        body = self.gzip if packed else self.plain
        return web.Response(body=body, headers=headers, content_type=self.media_type, charset="utf-8")


class Description:
    """The description of the API, made once for all who ask: the services change only when they are started anew."""

    def __init__(self, own: Sequence[Route]) -> None:
        """`own`: what the gateway answers itself."""
        self._own = own
        self._making = asyncio.Lock()
        self._until = 0.0
        self._made: tuple[Made, Markup] | None = None

    async def made(self, request: web.Request) -> tuple[Made, Markup]:
        """For programs, and what a page for people shows of it."""
        async with self._making:
            if self._made is None or time.monotonic() > self._until:
                services = request.app[SERVICES]
                parts = [await services.description(name) for name in ("applications", "notify")]
                # Beside the event loop: half a second of it would be everybody's.
                self._made = await asyncio.to_thread(self._make, parts)
                self._until = time.monotonic() + KEPT_SECONDS
            return self._made

    def _make(self, parts: list[dict[str, Any]]) -> tuple[Made, Markup]:
        document = openapi.document([*parts, openapi.fragment(self._own)], "工美资金管理系统", VERSION)
        text = TEMPLATES.get_template("api/operations.html").render(document=document, methods=METHODS)
        # A template of ours, which escapes what it is given.
        return Made.of("application/json", dumps(document)), Markup(text)  # noqa: S704


DESCRIPTION = web.AppKey("description", Description)


async def openapi_json(request: web.Request) -> web.Response:
    """OpenAPI 3.1 of everything under `/api/v1`."""
    return (await request.app[DESCRIPTION].made(request))[0].answer(request)


async def docs(request: web.Request) -> web.Response:
    """The same, for people: whoever is signed in keeps the menu."""
    return page(request, "api/api_docs.html", {"operations": (await request.app[DESCRIPTION].made(request))[1]})
