"""Build the web application: settings, engine, middlewares, routes."""

from collections.abc import AsyncIterator

from aiohttp import ClientSession, web
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker

from services.notify import metrics, unsubscribing
from services.notify.api import PUBLIC_URL, SESSIONS, SETTINGS, UNSUBSCRIBE_KEY
from services.notify.auditing import AUDITOR, Auditor
from services.notify.routes import ROUTES
from services.notify.settings import NotifySettings
from shared.database import BUSY, async_engine
from shared.http.app import CHECKS, base_app
from shared.http.intake import Intake
from shared.identity import Signer, Verifier
from shared.observability.metrics import SAMPLERS, watch_pool
from shared.overload.admission import AdmissionControl

SERVICE = "notify"


def create_app(settings: NotifySettings) -> web.Application:
    """The service as one aiohttp application. Nothing is connected before it starts."""
    door = AdmissionControl(
        SERVICE,
        places=settings.places,
        line=settings.requests_waiting,
        transfers=settings.transfers_at_once,
    )
    app = base_app(
        SERVICE,
        Verifier(SERVICE, settings.trusted_keys, unbound=settings.accept_unbound_tokens),
        ROUTES,
        busy=BUSY,
        middlewares=[Intake().middleware(), door.middleware()],
    )
    app[SETTINGS] = settings
    app[PUBLIC_URL] = str(settings.public_url)
    app[UNSUBSCRIBE_KEY] = unsubscribing.key_of(settings.signing_key)

    async def database(app: web.Application) -> AsyncIterator[None]:
        engine = async_engine(settings)
        app[SESSIONS] = async_sessionmaker(engine, expire_on_commit=False)

        async def check() -> None:
            async with engine.connect() as connection:
                await connection.execute(text("SELECT 1"))

        app[CHECKS]["database"] = check
        watch_pool(app, SERVICE, engine)
        app[SAMPLERS].append(metrics.sampler(app[SESSIONS]))
        yield
        await engine.dispose()

    async def auditor(app: web.Application) -> AsyncIterator[None]:
        async with ClientSession(trust_env=False) as http:
            signer = Signer(SERVICE, settings.signing_key)
            app[AUDITOR] = Auditor(http, signer, str(settings.applications_url))
            yield

    app.cleanup_ctx.append(database)
    app.cleanup_ctx.append(auditor)
    return app
