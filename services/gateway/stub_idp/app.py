"""Wire the stub, and nothing else does."""

from collections.abc import AsyncIterator, Callable

from aiohttp import ClientSession, DummyCookieJar, web
from aiohttp.typedefs import Handler
from sqlalchemy.ext.asyncio import async_sessionmaker

from services.gateway.stub_idp import mails
from services.gateway.stub_idp.context import DATABASE, HTTP, SETTINGS, WORKDAYS
from services.gateway.stub_idp.routes import PREFIX, ROUTES, StubRoute
from services.gateway.stub_idp.settings import StubSettings
from shared.database import async_engine
from shared.http.app import add_route
from shared.workdays import WorkingDays


def create_app(settings: StubSettings, guard: Callable[[StubRoute], Handler]) -> web.Application:
    """The stub's application, to be mounted below `PREFIX`. `guard` makes the handler of a route: whoever mounts the stub puts its
    own rules (limits, size of bodies) before it, and turns the `DomainError`s that handlers raise into answers."""
    app = web.Application()
    app[SETTINGS] = settings
    app[WORKDAYS] = WorkingDays(settings.workdays_file)
    for route in ROUTES:
        add_route(app, route.method, route.path.removeprefix(PREFIX), guard(route))
    app.cleanup_ctx.append(_resources)
    app.cleanup_ctx.append(mails.sweeping)
    return app


async def _resources(app: web.Application) -> AsyncIterator[None]:
    engine = async_engine(app[SETTINGS])
    app[DATABASE] = async_sessionmaker(engine, expire_on_commit=False)
    async with ClientSession(cookie_jar=DummyCookieJar()) as http:
        app[HTTP] = http
        yield
    await engine.dispose()


__all__ = ["PREFIX", "StubRoute", "StubSettings", "create_app"]
