"""Notice every session that ended or changed, whoever ended it, and stop the requests that are still running in it.

Triggers of the database write each change into `session_changes`, and every gateway polls that table a few times a second.
Polling works through pgbouncer in transaction mode, where LISTEN does not.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.gateway.accounts.models import Account, SessionChange, SessionRow
from shared.database import BUSY

log = logging.getLogger(__name__)

# The name of its one connection: as many as there are gateway processes.
WATCHING = "gateway: changes of sessions"
# How often the table is polled, and how old a poll may be to be relied upon: together less than the promised second.
EVERY_SECONDS = 0.3
FRESH_SECONDS = 0.8
# How far back each poll reads: longer than any transaction that ends a session, and than a remembered session lives.
WINDOW = timedelta(seconds=90)
# Built once: it is asked three times a second.
_CHANGES = select(SessionChange.id, SessionChange.session_sha256).where(
    SessionChange.at > func.clock_timestamp() - WINDOW
)
# Roles, enterprise, duties (None: all), and the applications of others that the account was invited to.
Rights = tuple[frozenset[str], str | None, frozenset[str] | None, frozenset[str]]
End = Callable[[], None]


class SessionWatch:
    """Keeps the changes of the last one and a half minutes, and the running requests of each session."""

    def __init__(self, database: async_sessionmaker[AsyncSession]) -> None:
        self._database = database
        # By session: when the poll ended that was the first to show its latest change.
        self._changed: dict[str, float] = {}
        self._seen: frozenset[int] = frozenset()
        self._looked_at = float("-inf")
        self._going_on: dict[str, set[tuple[Rights, End]]] = {}

    @property
    def fresh(self) -> bool:
        """Whether the last poll is recent enough to rely on. Without one, no remembered session may be used."""
        return monotonic() - self._looked_at < FRESH_SECONDS

    def unchanged(self, id_sha256: str, since: float) -> bool:
        """Whether a session is known not to have changed since it was read, which began at `since` (monotonic seconds)."""
        return self.fresh and since > self._changed.get(id_sha256, float("-inf"))

    @contextmanager
    def during(self, id_sha256: str, rights: Rights, stop: End) -> Iterator[None]:
        """Call `stop` if the session ends, or its rights change, while the block lasts."""
        mine = (rights, stop)
        all_ = self._going_on.setdefault(id_sha256, set())
        all_.add(mine)
        try:
            yield
        finally:
            all_.discard(mine)
            if not all_ and self._going_on.get(id_sha256) is all_:
                del self._going_on[id_sha256]

    async def run(self) -> None:
        """Poll until cancelled."""
        known = True
        while True:
            try:
                await asyncio.wait_for(self.look(), timeout=5)
                known = True
            except BUSY as error:
                if known:
                    log.warning("changes of sessions are not known for now", extra={"reason": repr(error)})
                known = False
            except Exception:
                log.exception("changes of sessions are not known for now")
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Poll once: read the new changes, and stop the requests of sessions that ended or lost rights."""
        began = monotonic()
        missed = began - self._looked_at > WINDOW.total_seconds() / 2
        async with self._database() as session:
            # A glance needs no transaction, whose beginning and end are two more questions to the database.
            await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
            rows = (await session.execute(_CHANGES)).all()
            new = {key for id, key in rows if id not in self._seen}
            doubtful = [key for key in self._going_on if missed or key in new]
            rights = await _rights(session, doubtful) if doubtful else {}
        ended, changed = monotonic(), dict[str, float]()
        for id, key in rows:
            shown = self._changed.get(key, ended) if id in self._seen else ended
            changed[key] = max(shown, changed.get(key, shown))
        self._changed = changed
        self._seen = frozenset(id for id, _ in rows)
        # The poll knows what had been committed when it began.
        self._looked_at = began
        for key in doubtful:
            for had, stop in list(self._going_on.get(key, ())):
                if rights.get(key) != had:
                    stop()


async def _rights(session: AsyncSession, keys: Sequence[str]) -> dict[str, Rights]:
    """Read the rights of each session that is still live."""
    query = (
        select(SessionRow.id_sha256, Account)
        .join(Account, Account.id == SessionRow.account_id)
        .where(
            SessionRow.id_sha256.in_(keys),
            SessionRow.expires_at > func.now(),
            Account.disabled_at.is_(None),
        )
    )
    return {key: rights_of(account) for key, account in await session.execute(query)}


def rights_of(account: Account) -> Rights:
    """Return what an account's requests may do."""
    return (
        frozenset(account.roles),
        account.enterprise,
        account.all_duties,
        frozenset(grant["application"] for grant in account.grants),
    )
