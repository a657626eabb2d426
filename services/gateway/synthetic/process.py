"""Run the synthetic applicant's process: a walk every minute, its metrics, its session."""

import asyncio
import logging
import signal
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from aiohttp import ClientSession, DummyCookieJar
from prometheus_client import Counter, Gauge, start_http_server
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.gateway.accounts.models import Account, Consent
from services.gateway.accounts.reserved import SYNTHETIC_SUBJECT
from services.gateway.accounts.session_watch import SessionWatch
from services.gateway.accounts.sessions import CONSENT_VERSION, Arrival, Sessions
from services.gateway.settings import GatewaySettings
from services.gateway.synthetic import runs
from services.gateway.synthetic.walk import STEPS, Run, SignedOut, Walk
from shared import clock
from shared.database import BUSY, async_engine
from shared.identity import Role
from shared.sealing import Keyring
from shared.synthetic import ENTERPRISE, ENTERPRISE_NAME

log = logging.getLogger(__name__)

ADDRESS = "synthetic"
# The database.
AWAY: tuple[type[Exception], ...] = (*BUSY, OSError)
RUNS = Counter("gm_synthetic_runs", "Walks of the synthetic applicant", ["outcome"])
FAILING = Gauge("gm_synthetic_failing", "Walks that failed one after the other, up to now")
LAST = Gauge("gm_synthetic_last_run_seconds", "When the last walk ended (Unix time)")
TOOK = Gauge("gm_synthetic_step_seconds", "How long a step took in the last walk that reached it", ["step"])


class SyntheticApplicant:
    """The account, its session, and its walks."""

    def __init__(
        self,
        database: async_sessionmaker[AsyncSession],
        sessions: Sessions,
        http: ClientSession,
        settings: GatewaySettings,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._http = http
        self._settings = settings
        self._session_id: str | None = None

    async def walk(self) -> Run:
        """Walk once and keep how it went. What keeps it from signing in is a failure like any other."""
        try:
            run = await self._walked()
        except Exception as error:
            # Ends no process: one that begins anew would begin to count its failures anew, and wake nobody.
            run = Run("failed", "signed_in", f"{type(error).__name__}: {error}")
        self._show(run)
        with suppress(*AWAY):
            async with self._database.begin() as session:
                await runs.note(session, run)
        return run

    async def _walked(self) -> Run:
        for _ in range(2):
            if self._session_id is None:
                self._session_id = await self._sign_in()
            try:
                return await self._once(self._session_id)
            except SignedOut:
                self._session_id = None
        return Run("failed", "signed_in", "the session ended at once")

    async def _once(self, id: str) -> Run:
        settings = self._settings
        url = str(settings.synthetic_url or settings.public_url)
        name = "__Host-gm_session" if settings.https else "gm_session"
        assert settings.synthetic_email is not None
        return await Walk(self._http, url, {name: id}, settings.public_host, settings.synthetic_email).run()

    async def _sign_in(self) -> str:
        """Begin a session of the account; it is entered at the first time. No provider knows it, so none is asked."""
        async with self._database.begin() as session:
            row = {
                "id": uuid4(),
                "subject": SYNTHETIC_SUBJECT,
                "name": ENTERPRISE_NAME,
                "roles": [Role.APPLICANT],
                "enterprise": ENTERPRISE,
                "enterprise_name": ENTERPRISE_NAME,
                "administers": True,
                "attributes_at": clock.now(),
            }
            entered = insert(Account).values(row)
            # As old as its last session: nobody's retention forgets it.
            again = {"attributes_at": entered.excluded.attributes_at}
            await session.execute(entered.on_conflict_do_update(index_elements=[Account.subject], set_=again))
            id = await session.scalar(select(Account.id).where(Account.subject == SYNTHETIC_SUBJECT))
            assert id is not None
            agreed = {"account_id": id, "version": CONSENT_VERSION, "address": ADDRESS}
            await session.execute(insert(Consent).values(agreed).on_conflict_do_nothing())
        return await self._sessions.begin(id, Arrival(ADDRESS, ADDRESS), replaces=None)

    async def sign_out(self) -> None:
        """End its session."""
        if self._session_id is not None:
            with suppress(*AWAY):
                await self._sessions.end(self._session_id)

    @staticmethod
    def _show(run: Run) -> None:
        RUNS.labels(run.outcome).inc()
        LAST.set(clock.now().timestamp())
        for step, seconds in run.seconds.items():
            TOOK.labels(step).set(seconds)
        if run.outcome == "failed":
            FAILING.inc()
        elif run.outcome == "well":
            FAILING.set(0)
        level = logging.ERROR if run.outcome == "failed" else logging.INFO
        told = {
            "outcome": run.outcome,
            "step": run.step,
            "reason": run.reason,
            "took": round(sum(run.seconds.values()), 2),
        }
        log.log(level, "synthetic applicant", extra=told)


def run(settings: GatewaySettings) -> None:
    """Run the process until SIGTERM or SIGINT; the file of readiness is there meanwhile."""
    if settings.ready_file:
        Path(settings.ready_file).touch()
    try:
        asyncio.run(_walk_on(settings))
    finally:
        if settings.ready_file:
            Path(settings.ready_file).unlink(missing_ok=True)


async def _walk_on(settings: GatewaySettings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if settings.metrics_port:
        start_http_server(settings.metrics_port)
    for outcome in ("well", "turned_away", "failed"):
        RUNS.labels(outcome)
    for step in STEPS:
        TOOK.labels(step)
    engine = async_engine(settings.model_copy(update={"database_pool_size": 1}))
    database = async_sessionmaker(engine, expire_on_commit=False)
    sessions = Sessions(
        database,
        Keyring(settings.personal_keys),
        SessionWatch(database),
        idle=timedelta(minutes=settings.session_idle_minutes),
        absolute=timedelta(hours=settings.session_hours),
        second_factor=settings.second_factor,
        consent_required=settings.consent_required,
    )
    try:
        async with ClientSession(cookie_jar=DummyCookieJar(), trust_env=False) as http:
            applicant = SyntheticApplicant(database, sessions, http, settings)
            loop = asyncio.get_running_loop()
            while not stop.is_set():
                began = loop.time()
                walking = asyncio.ensure_future(applicant.walk())
                stopping = asyncio.ensure_future(stop.wait())
                await asyncio.wait({walking, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if not walking.done():
                    walking.cancel()
                stopping.cancel()
                with suppress(asyncio.CancelledError):
                    await walking
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), max(0.0, began + settings.synthetic_seconds - loop.time()))
            await applicant.sign_out()
    finally:
        await engine.dispose()
