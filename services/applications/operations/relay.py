"""Relay owed rows as messages that wake a worker, and the calendar as what falls due.

Any number of relays may run. A message is only a wake-up: losing all of them costs a short wait, no work.
"""

import asyncio
import logging
import signal
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from aiohttp import ClientSession, ClientTimeout
from celery import Celery
from kombu.connection import Connection
from obstore.exceptions import BaseError
from opentelemetry.trace import SpanKind
from prometheus_client import start_http_server
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.attachments.clamd import Clamd
from services.applications.core import peers
from services.applications.core.codec import Codec
from services.applications.dossiers.worker import Dossiers
from services.applications.operations import mailroom, sweeping
from services.applications.operations.audit_heads import StoreHeads
from services.applications.operations.expert_reminders import remind_experts
from services.applications.operations.lapse import lapse_overdue, system_actor
from services.applications.operations.reminders import fall_due
from services.applications.outbox import outbox
from services.applications.review import case_list
from services.applications.sandbox.worker import Sandbox
from services.applications.settings import ApplicationsSettings
from services.applications.statistics import sums
from services.applications.tables.applications import AUDIT
from services.applications.workbench.known_forms import KnownForms
from shared.audit.heads import Sequencer, keep_sealing
from shared.celery import celery_app
from shared.database import BUSY, async_engine
from shared.errors import Unavailable
from shared.live_hints import end
from shared.messages import NOTIFY, RENDER_DOCUMENT, TOPICS, Delivery
from shared.observability import tracing
from shared.store import Store

log = logging.getLogger(__name__)

BATCH = 100
# Notices published and not finished: while workers rest, more would only lie in the broker.
NOTICES_WINDOW = 200
SCAN_SECONDS = 15.0
CALENDAR_SECONDS = 5.0
# As many as one look takes: there may be more.
FEW = 100
SEAL_SECONDS = 2.0
SANDBOX_SECONDS = 2.0
STATISTICS_SECONDS = 5.0
DOSSIERS_SECONDS = 2.0
DOSSIERS_TIDIED_SECONDS = 600.0
READY_SECONDS = 2.0
READY_TIMEOUT_SECONDS = 5.0
# The database, the broker, the scanner, the store or another service.
AWAY: tuple[type[Exception], ...] = (*BUSY, OSError, BaseError, Unavailable)
# None of these ends a relay.
BORNE: tuple[type[Exception], ...] = (*AWAY, DBAPIError)


class Relay:
    """One relay's loops."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        broker: Celery,
        settings: ApplicationsSettings,
        *,
        notices_window: int = NOTICES_WINDOW,
    ) -> None:
        self._sessions = sessions
        self._broker = broker
        self._settings = settings
        self._connection: Connection | None = None
        self._codec = Codec(settings.master_key)
        self._windows = {RENDER_DOCUMENT: settings.documents_window, NOTIFY: notices_window}

    async def pass_on(self) -> int:
        """Publish what is due; how many messages went out."""
        sent = 0
        async with self._sessions() as session:
            # A glance needs no transaction, whose beginning and end are two more questions to the database.
            await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
            due = await outbox.due(session)
        for topic in due:
            async with self._sessions.begin() as session:
                ids = await outbox.claim(
                    session,
                    topic,
                    limit=BATCH,
                    lease=timedelta(seconds=self._settings.publish_lease_seconds),
                    window=self._windows.get(topic),
                )
                traces = await outbox.traces(session, ids) if ids and tracing.recording() else {}
            if not ids:
                continue
            # In a thread: a broker that hangs must not stop this loop's timers.
            published = await asyncio.to_thread(self._publish, topic, ids, traces)
            sent += len(published)
            left = [id for id in ids if id not in published]
            if left:
                async with self._sessions.begin() as session:
                    await outbox.unpublished(session, left)
        return sent

    def _publish(self, topic: str, ids: list[UUID], traces: dict[UUID, str]) -> set[UUID]:
        published: set[UUID] = set()
        try:
            if self._connection is None:
                self._connection = self._broker.connection_for_write()
            producer = self._broker.amqp.Producer(self._connection, auto_declare=False)
            for id in ids:
                with tracing.span(f"publish {topic}", SpanKind.PRODUCER, of=tracing.parent(traces.get(id))):
                    self._broker.send_task(
                        TOPICS[topic].task,
                        args=[str(id)],
                        task_id=str(id),
                        queue=TOPICS[topic].queue,
                        producer=producer,
                        retry=False,
                        headers=tracing.headers(),
                    )
                published.add(id)
        except Exception as error:
            # Whatever kept the broker from taking it, the row is still owed and due again at once.
            log.warning(
                "broker does not take messages",
                extra={"reason": repr(error), "left": len(ids) - len(published)},
            )
            self.disconnect()
        return published

    def disconnect(self) -> None:
        """Forget the connection; the next batch opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.release()

    async def reaches(self) -> bool:
        """Whether database and broker answer. An idle relay would not notice that either has gone."""
        try:
            async with asyncio.timeout(READY_TIMEOUT_SECONDS):
                async with self._sessions() as session:
                    await session.execute(text("SELECT 1"))
                await asyncio.to_thread(self._call_broker)
        except Exception as error:
            log.warning("relay is not ready", extra={"reason": repr(error)})
            return False
        return True

    def _call_broker(self) -> None:
        with self._broker.connection_for_write() as connection:
            connection.connect()

    async def fall_due(self) -> int:
        """Turn what the calendar brought into moves and news."""
        async with self._sessions.begin() as session:
            lapsed = await lapse_overdue(session, self._codec)
        async with self._sessions.begin() as session:
            reminded = await remind_experts(session)
        async with self._sessions.begin() as session:
            return lapsed + reminded + await fall_due(session, self._codec)

    async def count(self) -> None:
        """Draw the desk's counts together."""
        async with self._sessions.begin() as session:
            await case_list.draw_counts_together(session)

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop. A database that is away is waited for."""
        loop = asyncio.get_running_loop()
        calendar_at = 0.0
        while not stop.is_set():
            pause = self._settings.relay_interval_seconds
            try:
                if loop.time() >= calendar_at:
                    found = await self.fall_due()
                    await self.count()
                    # Many that fell due together, or during an outage, are not told at the pace of the clock.
                    calendar_at = loop.time() + (0.0 if found >= FEW else CALENDAR_SECONDS)
                if await self.pass_on() >= BATCH:
                    pause = 0.0
            except BORNE as error:
                _put_off("passing on", error)
                pause = 1.0
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)


async def show_ready(relay: Relay, file: Path, stop: asyncio.Event) -> None:
    """Keep the file there while the relay reaches what it hands over between."""

    def show(ready: bool) -> None:
        if ready:
            file.touch()
        else:
            file.unlink(missing_ok=True)

    while not stop.is_set():
        show(await relay.reaches())
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), READY_SECONDS)
    show(False)


def _put_off(what: str, error: Exception) -> None:
    """What is away is waited for. Anything else is a mistake of ours: it ends no process, and is told as one."""
    if isinstance(error, AWAY):
        log.warning(f"{what} was put off", extra={"reason": repr(error)})
    else:
        log.error(f"{what} was put off", exc_info=error)


async def tidy(
    sessions: async_sessionmaker[AsyncSession], settings: ApplicationsSettings, stop: asyncio.Event
) -> None:
    """Beside the hand-over, never in its way: scan what waits for a scanner, sweep what nothing keeps."""
    store = Store.from_url(settings.store_url)
    scanner = Clamd(settings.clamd_url, seconds=settings.clamd_seconds) if settings.clamd_url else None
    loop = asyncio.get_running_loop()
    sweep_at = loop.time() + min(60.0, settings.orphan_sweep_minutes * 60)
    while not stop.is_set():
        try:
            while (
                scanner is not None and not stop.is_set() and await sweeping.scan_waiting(sessions, store, scanner)
            ):
                pass
            if loop.time() >= sweep_at:
                sweep_at = loop.time() + settings.orphan_sweep_minutes * 60
                await sweeping.sweep(sessions, store, timedelta(minutes=settings.orphan_grace_minutes))
        except BORNE as error:
            _put_off("tidying", error)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), min(SCAN_SECONDS, settings.orphan_sweep_minutes * 60))


async def seal_audit(
    sessions: async_sessionmaker[AsyncSession], settings: ApplicationsSettings, stop: asyncio.Event
) -> None:
    """Give what the audit gained its places in the chain, and anchor its head in the store."""
    heads = StoreHeads(Store.from_url(settings.store_url))
    sequencer = Sequencer(sessions, AUDIT, settings.audit_key, heads)
    while not stop.is_set():
        pause = SEAL_SECONDS
        try:
            pause = await keep_sealing(sequencer)
        except BORNE as error:
            _put_off("sealing the audit", error)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


async def try_policies(
    sessions: async_sessionmaker[AsyncSession], settings: ApplicationsSettings, stop: asyncio.Event
) -> None:
    """Judge what 政策沙盘 was asked for, one run after another, behind everything that people or papers wait for."""
    sandbox = Sandbox(sessions, Codec(settings.master_key))
    while not stop.is_set():
        try:
            while not stop.is_set() and await sandbox.work(stop):
                pass
        except BORNE as error:
            _put_off("a sandbox", error)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), SANDBOX_SECONDS)


async def gather_dossiers(
    sessions: async_sessionmaker[AsyncSession], settings: ApplicationsSettings, stop: asyncio.Event
) -> None:
    """Put together the case files that were asked for, and remove those whose time is over."""
    async with ClientSession(timeout=ClientTimeout(total=10, connect=3)) as http:
        known = mailroom.peers_of(http, settings)

        async def mails(id: UUID) -> list[Delivery] | None:
            return await peers.deliveries(known, id)

        dossiers = Dossiers(sessions, Store.from_url(settings.store_url), mails, system_actor)
        await asyncio.gather(*(_gather(dossiers, stop, of_rounds=of_rounds) for of_rounds in (False, True)))


async def _gather(dossiers: Dossiers, stop: asyncio.Event, *, of_rounds: bool) -> None:
    loop = asyncio.get_running_loop()
    tidy_at = 0.0
    while not stop.is_set():
        try:
            while not stop.is_set() and await dossiers.work(stop, of_rounds=of_rounds):
                pass
            if not of_rounds and loop.time() >= tidy_at:
                tidy_at = loop.time() + DOSSIERS_TIDIED_SECONDS
                await dossiers.tidy()
        except Exception as error:
            _put_off("a case file", error)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), DOSSIERS_SECONDS)


async def keep_statistics(sessions: async_sessionmaker[AsyncSession], stop: asyncio.Event) -> None:
    """Follow the audit with the sums of 统计."""
    while not stop.is_set():
        pause = STATISTICS_SECONDS
        try:
            async with sessions.begin() as session:
                found = await sums.step(session)
            # A batch that was full has another behind it; others come first.
            pause = 0.2 if found else STATISTICS_SECONDS
        except Exception as error:
            _put_off("the statistics", error)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


async def know_forms(known: KnownForms, stop: asyncio.Event) -> None:
    """Know what is published: what falls due is told by the form of its case."""
    task = asyncio.create_task(known.run())
    await stop.wait()
    await end(task)


async def run(settings: ApplicationsSettings) -> None:
    """The relay process: until SIGTERM or SIGINT."""
    tracing.configure("relay", settings.traces_url, settings.traces_share)
    engine = async_engine(settings)
    broker = celery_app("applications", settings.broker_url.get_secret_value())
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if settings.metrics_port:
        start_http_server(settings.metrics_port)
    log.info("relay ready")
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    relay = Relay(sessions, broker, settings)
    beside = [
        tidy(sessions, settings, stop),
        seal_audit(sessions, settings, stop),
        know_forms(KnownForms(sessions, settings, name="relay: form versions"), stop),
        try_policies(sessions, settings, stop),
        mailroom.keep(sessions, settings, stop, _put_off),
        keep_statistics(sessions, stop),
        gather_dossiers(sessions, settings, stop),
    ]
    if settings.ready_file:
        beside.append(show_ready(relay, Path(settings.ready_file), stop))
    tidying = asyncio.gather(*beside)
    try:
        await relay.run(stop)
    finally:
        await tidying
        relay.disconnect()
        broker.close()
        await engine.dispose()
