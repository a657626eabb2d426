"""Wire the gateway: the public application, the internal one, and the resources they share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from aiohttp.typedefs import Handler
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker

from services.gateway import internal, registry, routes
from services.gateway.accounts.session_watch import WATCHING, SessionWatch
from services.gateway.accounts.sessions import Sessions
from services.gateway.api import live_events
from services.gateway.api.docs import DESCRIPTION, Description
from services.gateway.form.common_returns import COMMON_RETURNS, CommonReturns
from services.gateway.form.page_after import PAGES_AFTER, PagesAfter
from services.gateway.operator.audit_sealing import sealing
from services.gateway.public.notices import NOTICES, Notices
from services.gateway.settings import GatewaySettings
from services.gateway.signin.client import SIGN_IN, SignInClient
from services.gateway.web import arriving, assets, minutes
from services.gateway.web.access import ANYBODY, Page, entered, same_origin, security_headers, stamp
from services.gateway.web.arriving import UNREADY, Unready
from services.gateway.web.backend import Services
from services.gateway.web.cache import Cache
from services.gateway.web.context import (
    BROWSER_SESSIONS,
    CACHE,
    DATABASE,
    KEYS,
    LIMITS,
    OUTGOING,
    SERVICES,
    SETTINGS,
    WORKDAYS,
)
from services.gateway.web.ended_sessions import WATCH, note_streaming, watching_sessions
from services.gateway.web.error_pages import error_pages
from services.gateway.web.host_and_size import MAX_FORM, known_host
from services.gateway.web.limits import LIMITS as EVERY_LIMIT
from services.gateway.web.limits import Limits
from services.gateway.web.line import LINE, Line, adapting, hand_place, line
from services.gateway.web.outgoing import Outgoing
from services.gateway.web.profiles import PROFILES, Profiles
from services.gateway.web.resubmission import PROOFS, PROOFS_AT_ONCE, hand_ticket
from services.gateway.web.slow_readers import SLOW_READERS, SlowReaders
from services.gateway.web.switches import SWITCHES, Board, watching
from shared.database import BUSY, async_engine
from shared.http.app import CHECKS, HEALTH, add_route, base_app
from shared.http.intake import Intake
from shared.identity import Signer, Verifier
from shared.observability.metrics import SAMPLERS, watch_pool
from shared.overload.admission import AdmissionControl
from shared.sealing import Keyring
from shared.settings import load
from shared.workdays import WorkingDays

SERVICE = "gateway"
# Most of a request's time here is waiting for the service behind. How much comes to this door follows from the people who are in.
REQUESTS_AT_ONCE, REQUESTS_WAITING = 100, 400


def create_app(settings: GatewaySettings) -> web.Application:
    """Make the public application. Starting it also serves the internal application on its own port."""
    people = Line()
    door = AdmissionControl(
        SERVICE,
        places=REQUESTS_AT_ONCE,
        line=REQUESTS_WAITING,
        transfers=settings.gateway_transfers_at_once,
        note=people.crowd.level.note,
    )
    intake = Intake(arriving.senders, measured=True)
    app = base_app(
        SERVICE,
        Verifier(SERVICE, settings.trusted_keys, unbound=settings.accept_unbound_tokens),
        HEALTH,
        busy=BUSY,
        middlewares=[
            stamp,
            error_pages,
            known_host,
            same_origin,
            intake.middleware(),
            minutes.ready,
            line,
            door.middleware(arriving.ranked),
        ],
        max_body=MAX_FORM,
        edge=True,
    )
    app[SETTINGS] = settings
    app[SWITCHES] = Board()
    app[DESCRIPTION] = Description(routes.DESCRIBED)
    app[LINE] = people
    app[UNREADY] = Unready()
    app[minutes.MINUTES] = minutes.Minutes()
    app[PROOFS] = asyncio.Semaphore(PROOFS_AT_ONCE)
    app[SLOW_READERS] = SlowReaders()
    app[KEYS] = Keyring(settings.personal_keys)
    app[WORKDAYS] = WorkingDays(settings.workdays_file)
    for page in routes.table(development=settings.stub_idp):
        add_route(app, page.method, page.path, entered(page))
    add_route(app, "GET", "/static/{digest}/{name:.+}", assets.serve)
    app.on_response_prepare.append(security_headers(settings))
    app.on_response_prepare.append(hand_ticket)
    app.on_response_prepare.append(hand_place)
    app.on_response_prepare.append(note_streaming)
    app.on_response_prepare.append(minutes.count)
    app.cleanup_ctx.append(_limits)
    app.cleanup_ctx.append(_database)
    app.cleanup_ctx.append(minutes.keeping)
    app.cleanup_ctx.append(watching_sessions)
    app.cleanup_ctx.append(_http)
    app.cleanup_ctx.append(watching)
    app.cleanup_ctx.append(adapting)
    app.cleanup_ctx.append(_internal)
    app.cleanup_ctx.append(live_events.listening)
    app.on_shutdown.append(live_events.close_streams)
    app.cleanup_ctx.append(sealing)
    if settings.stub_idp:
        mount_stub(app, settings)
    return app


def mount_stub(app: web.Application, settings: GatewaySettings) -> None:
    """Serve the stub of the identity platform and of the registry, with the gateway's limits before each of its routes."""
    from services.gateway.stub_idp.app import PREFIX, StubRoute, StubSettings
    from services.gateway.stub_idp.app import create_app as create_stub

    limits = {limit.name: limit for limit in EVERY_LIMIT}

    def guard(route: StubRoute) -> Handler:
        limit = limits[route.limit]
        return entered(Page(route.method, route.path, route.handler, ANYBODY, limit=limit, files=route.files))

    # The platform is elsewhere where it is no stub.
    app[LINE].elsewhere = (f"{PREFIX}/",)
    app.add_subapp(PREFIX, create_stub(load(StubSettings, **dict(settings)), guard))


async def _database(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    engine = async_engine(settings)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    cache = Cache(settings.redis_url.get_secret_value())
    app[DATABASE] = sessions
    app[CACHE] = cache
    # A connection of its own: when all others are taken, what is remembered must still count.
    own = async_engine(settings.model_copy(update={"database_pool_size": 1}), WATCHING)
    app[WATCH] = watch = SessionWatch(async_sessionmaker(own))
    app[BROWSER_SESSIONS] = Sessions(
        sessions,
        app[KEYS],
        watch,
        idle=timedelta(minutes=settings.session_idle_minutes),
        absolute=timedelta(hours=settings.session_hours),
        second_factor=settings.second_factor,
        consent_required=settings.consent_required,
    )

    async def database() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def clocks() -> None:
        async with sessions.begin() as session:
            await internal.check_clock(session)

    async def look_at_the_clock() -> None:
        # Where a proxy asks /healthz, nobody asks /readyz.
        with suppress(RuntimeError):
            await clocks()

    app[SAMPLERS].append(look_at_the_clock)
    watch_pool(app, SERVICE, engine)
    # Redis is no condition: without it the gateway only asks the database more often.
    app[CHECKS].update(database=database, clock=clocks)
    yield
    await cache.close()
    await own.dispose()
    await engine.dispose()


async def _limits(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    app[LIMITS] = Limits(settings.redis_url.get_secret_value(), settings.rates)
    yield
    await app[LIMITS].close()


async def _http(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    # No cookie jar: calls for different people share this session. How many there are at once is the door's matter: nobody
    # who was let in waits here for a connection, which would look like a service that is away.
    async with ClientSession(
        connector=TCPConnector(limit=0),
        timeout=ClientTimeout(total=30, connect=3),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
    ) as http:
        app[OUTGOING] = outgoing = Outgoing(http)
        app[SERVICES] = Services(
            outgoing,
            Signer(SERVICE, settings.signing_key),
            {"applications": str(settings.applications_url), "notify": str(settings.notify_url)},
            waited=app[LINE].crowd.level.more,
            line_stands=lambda: app[LINE].crowd.line_stands,
        )
        app[SIGN_IN] = SignInClient(settings, outgoing)
        app[registry.REGISTRY] = known = registry.connect(settings, outgoing)
        app[COMMON_RETURNS] = CommonReturns()
        app[PAGES_AFTER] = PagesAfter()
        app[NOTICES] = Notices()
        app[PROFILES] = Profiles(app[DATABASE], app[KEYS], known.entry)
        yield


async def _internal(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    inner = base_app(
        SERVICE,
        Verifier(SERVICE, settings.trusted_keys, unbound=settings.accept_unbound_tokens),
        internal.ROUTES,
        busy=BUSY,
    )
    inner[PROFILES] = app[PROFILES]
    inner[DATABASE] = app[DATABASE]
    checks, samplers = app[CHECKS], app[SAMPLERS]
    inner[CHECKS].update(checks)
    inner[SAMPLERS].extend(samplers)
    runner = web.AppRunner(inner, access_log=None)
    await runner.setup()
    host, port = settings.gateway_internal_host, settings.gateway_internal_port
    await web.TCPSite(runner, host, port, reuse_port=settings.reuse_port).start()
    yield
    await runner.cleanup()
