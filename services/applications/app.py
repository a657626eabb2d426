"""Wire the web application, and nothing else does."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import ClientSession, ClientTimeout, web
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker

from services.applications.attachments.clamd import Clamd
from services.applications.attachments.inspection import Inspector
from services.applications.attachments.page_images import Pictures
from services.applications.attachments.resources import INSPECTOR, PICTURES, SCANNER
from services.applications.attachments.uploads import remove_leftovers
from services.applications.core.codec import Codec
from services.applications.core.context import (
    CODEC,
    ENGINE,
    HINTS,
    PEERS,
    SESSIONS,
    SETTINGS,
    STORE,
    WORKDAYS,
    Peers,
)
from services.applications.core.peers import PROFILES, Profiles
from services.applications.operations import metrics
from services.applications.routes import ROUTES
from services.applications.settings import ApplicationsSettings
from services.applications.submission.expected import PACES, Paces
from services.applications.workbench.judge import JUDGE, Judge
from services.applications.workbench.known_forms import KNOWN_FORMS, KnownForms, ask_the_table
from shared.database import BUSY, async_engine
from shared.http.app import CHECKS, base_app
from shared.http.intake import Intake
from shared.identity import Signer, Verifier
from shared.live_hints import Hints, end
from shared.observability.metrics import SAMPLERS, watch_pool
from shared.overload.admission import AdmissionControl
from shared.store import Store
from shared.workdays import WorkingDays

SERVICE = "applications"


def create_app(settings: ApplicationsSettings) -> web.Application:
    """Return the service as one aiohttp application. Nothing is connected before it starts."""
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
        middlewares=[Intake().middleware(), door.middleware(), ask_the_table],
    )
    app[SETTINGS] = settings
    app[CODEC] = Codec(*settings.master_keys)
    app[WORKDAYS] = WorkingDays(settings.workdays_file)
    app[STORE] = Store.from_url(settings.store_url)
    app[PACES] = Paces()
    app.cleanup_ctx.append(_database)
    app.cleanup_ctx.append(_forms)
    app.cleanup_ctx.append(_peers)
    app.cleanup_ctx.append(_files)
    app.cleanup_ctx.append(_hints)
    return app


async def _database(app: web.Application) -> AsyncIterator[None]:
    engine = async_engine(app[SETTINGS])
    app[ENGINE] = engine
    app[SESSIONS] = async_sessionmaker(engine, expire_on_commit=False)

    async def check() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    app[CHECKS]["database"] = check
    watch_pool(app, SERVICE, engine)
    app[SAMPLERS].append(metrics.sampler(app[SESSIONS], app[SETTINGS]))
    yield
    await engine.dispose()


async def _forms(app: web.Application) -> AsyncIterator[None]:
    app[KNOWN_FORMS] = known = KnownForms(app[SESSIONS], app[SETTINGS])
    app[JUDGE] = Judge()
    task = asyncio.create_task(known.run())
    yield
    await end(task)
    await app[JUDGE].close()


async def _peers(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    async with ClientSession(timeout=ClientTimeout(total=10, connect=3)) as http:
        app[PEERS] = Peers(
            http, Signer(SERVICE, settings.signing_key), str(settings.gateway_url), str(settings.notify_url)
        )
        app[PROFILES] = Profiles()
        yield


async def _files(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    found = False

    async def bucket() -> None:
        nonlocal found
        # A bucket that is missing is a mistake in the settings, which a rollout should stop at. Once it was there, it may be away:
        # what people type needs no files.
        if not found:
            async for _ in app[STORE].list("preflight/"):
                break
            found = True

    app[CHECKS]["store"] = bucket
    remove_leftovers()
    app[SCANNER] = Clamd(settings.clamd_url, seconds=settings.clamd_seconds) if settings.clamd_url else None
    app[INSPECTOR] = Inspector(seconds=settings.inspection_seconds, workers=settings.inspectors)
    app[PICTURES] = Pictures(seconds=settings.inspection_seconds)
    yield
    await app[PICTURES].close()
    await app[INSPECTOR].close()


async def _hints(app: web.Application) -> AsyncIterator[None]:
    url = app[SETTINGS].redis_url
    signer = Signer(SERVICE, app[SETTINGS].signing_key)
    app[HINTS] = hints = Hints(url.get_secret_value() if url else None, signer)
    task = asyncio.create_task(hints.run())
    yield
    await end(task)
