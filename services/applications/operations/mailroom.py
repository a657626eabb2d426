"""Run what the relay does for the bureau's people: tell what falls due, and owe the mails of what they were told."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from uuid import UUID

from aiohttp import ClientSession, ClientTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core import peers
from services.applications.core.context import Peers
from services.applications.operations import staff_mail, staff_news
from services.applications.settings import ApplicationsSettings
from shared import clock
from shared.identity import Role, Signer
from shared.workdays import WorkingDays

MAIL_SECONDS = 5.0
NEWS_SECONDS = 30.0


class Mailroom:
    """One relay's view of what is to be told; what it remembers only spares questions."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], known: Peers, settings: ApplicationsSettings
    ) -> None:
        self._sessions = sessions
        self._peers = known
        self._days = WorkingDays(settings.workdays_file)
        self._limit = settings.handling_working_days
        self._told: set[UUID] = set()
        self._parked: frozenset[UUID] = frozenset()
        # The day whose overdue cases were looked for, and how far.
        self._day: date | None = None
        self._after: UUID | None = None

    async def mail(self, now: datetime | None = None) -> int:
        """Owe the mails that are due; how many. `Unavailable` while the gateway does not answer: they wait."""
        now = now or clock.now()
        async with self._sessions() as session:
            due = await staff_mail.waiting(session, now, self._days.is_working)
        if not due:
            return 0
        addresses = await peers.staff_addresses(self._peers, sorted({account for account, _ in due}))
        owed = 0
        for account, way in due:
            async with self._sessions.begin() as session:
                owed += await staff_mail.owe(session, account, way, addresses.get(account), now)
        return owed

    async def news(self) -> None:
        """Tell what waits for a second person, what could not be delivered, and what is overdue."""
        async with self._sessions() as session:
            waiting = await staff_news.waiting_extensions(session, self._told)
        if waiting:
            accounts = await self._with(Role.OFFICER, Role.DIRECTOR)
            async with self._sessions.begin() as session:
                await staff_news.tell_late_asked(session, waiting, accounts)
            self._told |= {proposal.id for proposal, _ in waiting}
        mails = await peers.parked_mails(self._peers)
        if any(mail.event_id not in self._parked for mail in mails):
            reviewers = await self._with(Role.REVIEWER)
            async with self._sessions.begin() as session:
                await staff_news.tell_parked(session, mails, reviewers)
        self._parked = frozenset(mail.event_id for mail in mails)

    async def overdue(self) -> bool:
        """Go through some of the cases that the bureau has, once a working day; whether more are left."""
        now = clock.now()
        today = clock.date_of(now)
        if not self._limit or self._day == today or not self._days.is_working(today):
            return False
        async with self._sessions.begin() as session:
            self._after = await staff_news.tell_overdue(
                session, now, self._days.is_working, self._limit, self._after
            )
        if self._after is None:
            self._day = today
        return self._after is not None

    async def _with(self, *roles: Role) -> set[str]:
        return {member.account for role in roles for member in await peers.staff(self._peers, role)}


def peers_of(http: ClientSession, settings: ApplicationsSettings) -> Peers:
    """Return the way to the other services for a process that serves nobody."""
    signer = Signer("applications", settings.signing_key)
    return Peers(http, signer, str(settings.gateway_url), str(settings.notify_url))


async def keep(
    sessions: async_sessionmaker[AsyncSession],
    settings: ApplicationsSettings,
    stop: asyncio.Event,
    put_off: Callable[[str, Exception], None],
) -> None:
    """Until told to stop. A service that is away is waited for `put_off` says what could not be done.."""
    loop = asyncio.get_running_loop()
    news_at = 0.0
    async with ClientSession(timeout=ClientTimeout(total=10, connect=3)) as http:
        room = Mailroom(sessions, peers_of(http, settings), settings)
        while not stop.is_set():
            pause = MAIL_SECONDS
            try:
                if await room.overdue():
                    pause = 0.1
                await room.mail()
                if loop.time() >= news_at:
                    news_at = loop.time() + NEWS_SECONDS
                    await room.news()
            except Exception as error:
                put_off("mail to the bureau's people", error)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
