"""Name the typed resources of the stub, and tell whose address a request comes from."""

from aiohttp import ClientSession, web
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.gateway.stub_idp.settings import StubSettings
from shared.http import addresses
from shared.workdays import WorkingDays

SETTINGS = web.AppKey("stub_settings", StubSettings)
DATABASE: web.AppKey[async_sessionmaker[AsyncSession]] = web.AppKey("stub_database", async_sessionmaker)
HTTP = web.AppKey("stub_http", ClientSession)
WORKDAYS = web.AppKey("stub_workdays", WorkingDays)


def line(request: web.Request) -> tuple[str, bool]:
    """The address that failed passwords count for, and whether it is exempt from being locked."""
    settings = request.app[SETTINGS]
    address = addresses.client_address(request, settings.proxy_networks)
    return addresses.line(address), addresses.within(address, settings.allowed_networks)
