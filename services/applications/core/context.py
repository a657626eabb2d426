"""Name the typed resources of the web application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import ClientSession, web
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from services.applications.core.codec import Codec
from services.applications.settings import ApplicationsSettings
from shared.identity import Signer
from shared.live_hints import Hint, Hints
from shared.overload.admission import turn
from shared.overload.breaker import Breaker
from shared.store import Store
from shared.workdays import WorkingDays

SETTINGS = web.AppKey("settings", ApplicationsSettings)
SESSIONS: web.AppKey[async_sessionmaker[AsyncSession]] = web.AppKey("sessions", async_sessionmaker)
ENGINE = web.AppKey("engine", AsyncEngine)
CODEC = web.AppKey("codec", Codec)
STORE = web.AppKey("store", Store)
WORKDAYS = web.AppKey("workdays", WorkingDays)
HINTS = web.AppKey("hints", Hints)


@dataclass(frozen=True)
class Peers:
    """The way to the other services: one HTTP session a process, and our signature."""

    http: ClientSession
    signer: Signer
    gateway_url: str
    notify_url: str
    gateway: Breaker = field(default_factory=lambda: Breaker("applications", "gateway"))
    notify: Breaker = field(default_factory=lambda: Breaker("applications", "notify"))


PEERS = web.AppKey("peers", Peers)


@asynccontextmanager
async def transaction(request: web.Request) -> AsyncIterator[AsyncSession]:
    """Give one transaction; it commits when the block ends and is undone when it raises. What it noted for live pages
    is told once it has committed."""
    async with turn(request), request.app[SESSIONS].begin() as session:
        yield session
    for told in hints_of(session):
        request.app[HINTS].tell(told)


def hints_of(session: AsyncSession) -> list[Hint]:
    """Return what use cases noted in a transaction (`audit.hint`)."""
    noted: list[Hint] = session.info.pop("hints", [])
    return noted
