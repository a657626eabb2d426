"""Name the gateway's typed resources, and what each request carries."""

from datetime import datetime
from uuid import UUID

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.gateway.accounts.sessions import Session, Sessions
from services.gateway.settings import GatewaySettings
from services.gateway.web.backend import Services
from services.gateway.web.cache import Cache
from services.gateway.web.limits import Limits
from services.gateway.web.outgoing import Outgoing
from shared.sealing import Keyring
from shared.workdays import WorkingDays

SETTINGS = web.AppKey("settings", GatewaySettings)
DATABASE: web.AppKey[async_sessionmaker[AsyncSession]] = web.AppKey("database", async_sessionmaker)
BROWSER_SESSIONS = web.AppKey("browser_sessions", Sessions)
CACHE = web.AppKey("cache", Cache)
SERVICES = web.AppKey("services", Services)
OUTGOING = web.AppKey("outgoing", Outgoing)
KEYS = web.AppKey("keys", Keyring)
WORKDAYS = web.AppKey("workdays", WorkingDays)
LIMITS = web.AppKey("limits", Limits)

RECEIVED_AT = web.RequestKey("received_at", datetime)
# The instant as of which a page is shown, where that is not the request's own: a first arrival.
AS_OF = web.RequestKey("as_of", datetime)
SESSION = web.RequestKey("session", Session)
# Whose place in line a request brought, before anybody has looked for its session.
ACCOUNT = web.RequestKey("account", UUID)
