"""Put together the case files that were asked for, one after another, behind everything that people or papers wait for."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.audit import record
from services.applications.dossiers import queries
from services.applications.dossiers.archive import Archive, Write
from services.applications.dossiers.case import Writer
from services.applications.dossiers.names import Names
from services.applications.tables.dossiers import Dossier
from shared import clock
from shared.errors import Unavailable
from shared.identity import Actor
from shared.messages import Delivery
from shared.store import Store

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)
KEPT = timedelta(days=7)
AGAIN = "通知服务没有响应，将自动重试"
TROUBLE = "汇集时出错，将自动重试"
BROKEN = "汇集中断次数过多，请检查系统后重新生成"
Mails = Callable[[UUID], Awaitable[list[Delivery] | None]]


class _Lost(Exception):
    """Somebody stopped it, or another process works on it."""


class _Stopped(Exception):
    """This process ends."""


class Dossiers:
    """Works on one case file after another. `mails`: asks notify for an application's notices."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], store: Store, mails: Mails, actor: Callable[[], Actor]
    ) -> None:
        self._sessions = sessions
        self._store = store
        self._mails = mails
        self._actor = actor

    async def work(self, stop: asyncio.Event, *, of_rounds: bool = False) -> bool:
        """Work on the case file that has waited longest, of one case or of a round: nobody waits for a round's hours with one case. Tell whether there was one. What is told to `stop` gives it back, to be begun anew."""
        attempt = uuid4()
        async with self._sessions.begin() as session:
            dossier = await queries.claim(session, clock.now(), of_rounds=of_rounds)
            if dossier is None:
                return False
            if dossier.attempts >= queries.ATTEMPTS:
                # It may be what ends its process.
                dossier.state, dossier.fault, dossier.ended_at = "failed", BROKEN, clock.now()
                return True
            dossier.state, dossier.attempt, dossier.attempt_until = "running", attempt, clock.now() + LEASE
            dossier.attempts += 1
            dossier.done = dossier.missing = 0
            dossier.fault = None
            ids = await queries.cases_of(session, dossier)
            dossier.total = len(ids)
        try:
            async with self._store.writing(queries.key_of(dossier.id)) as write:
                archive = await self._gather(dossier, attempt, ids, write, stop)
        except _Lost:
            return True
        except _Stopped:
            await self._keep(dossier.id, attempt, state="waiting", attempts=dossier.attempts - 1)
            return False
        except Unavailable as error:
            await self._keep(
                dossier.id, attempt, state="waiting", attempts=dossier.attempts - 1, fault=error.detail
            )
            raise
        except Exception as error:
            # Whatever one case's file makes it raise ends neither the relay nor the turn of the others.
            log.error("a case file broke off", extra={"dossier": str(dossier.id)}, exc_info=error)
            await self._keep(dossier.id, attempt, state="waiting", fault=TROUBLE)
            return False
        ended = {
            "state": "done",
            "size": archive.size,
            "sha256": archive.sha256,
            "missing": len(archive.missing),
            "ended_at": clock.now(),
            "expires_at": clock.now() + KEPT,
        }
        if not await self._keep(dossier.id, attempt, **ended):
            await self._store.delete(queries.key_of(dossier.id))
        return True

    async def _gather(
        self, dossier: Dossier, attempt: UUID, ids: list[UUID], write: Write, stop: asyncio.Event
    ) -> Archive:
        """Return the whole ZIP, gone out. `_Stopped` when told to stop, `_Lost` where it is somebody else's or nobody's any more."""
        archive, names = Archive(write), Names()
        writer = Writer(archive, names, self._store)
        for n, id in enumerate(ids, 1):
            if stop.is_set():
                raise _Stopped
            async with self._sessions() as session:
                found = await queries.material(session, id)
            mails = await self._mails(id)
            if mails is None:
                raise Unavailable(AGAIN)
            await writer.add(found, mails)
            lease = clock.now() + LEASE
            if not await self._keep(
                dossier.id, attempt, done=n, missing=len(archive.missing), attempt_until=lease
            ):
                raise _Lost
        await archive.close(
            {
                "about": dossier.title,
                "made_at": clock.show(clock.now()),
                "asked_by": dossier.asked_by_name,
                "cases": str(len(ids)),
            }
        )
        return archive

    async def _keep(self, id: UUID, attempt: UUID, **values: Any) -> bool:
        """Keep how far one has come; tell whether it is still ours."""
        mine = (Dossier.id == id, Dossier.attempt == attempt, Dossier.state == "running")
        async with self._sessions.begin() as session:
            kept = await session.execute(update(Dossier).where(*mine).values(**values).returning(Dossier.id))
            return kept.first() is not None

    async def tidy(self) -> None:
        """Remove the files of those whose time is over, and what nobody names."""
        async with self._sessions.begin() as session:
            for id in await queries.expire(session):
                record(session, self._actor(), "expire_dossier", dossier=str(id))
        # What stands there is looked at before those that are to: one that is finished in between is left.
        there = {key async for page in self._store.list(queries.FOLDER) for key in page}
        async with self._sessions() as session:
            kept = await queries.kept(session)
        for key in there - kept:
            await self._store.delete(key)
        self._store.remove_begun(queries.FOLDER, kept)
