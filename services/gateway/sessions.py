"""Browser sessions: an opaque id in a cookie, the session in PostgreSQL, a copy in a cache for speed.

Redis stopped or flushed signs nobody out. A copy lives for seconds only, so that a session ended while Redis
was away is gone soon after it is back.
"""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from pydantic import AwareDatetime, BaseModel
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.gateway.cache import Cache
from services.gateway.models import Account, SessionRow
from shared import clock
from shared.identity import Actor, Role

COPY_SECONDS = 20
# How often `last_seen_at` is written while somebody works.
SEEN_EVERY = timedelta(minutes=1)


class Session(BaseModel, frozen=True):
    """Who is signed in."""

    id_sha256: str
    account: UUID
    name: str
    roles: frozenset[Role]
    enterprise: str | None
    enterprise_name: str | None
    csrf_token: str
    last_seen_at: AwareDatetime
    expires_at: AwareDatetime

    def actor(self, received_at: AwareDatetime, request_id: str) -> Actor:
        """The person as the other services see them."""
        return Actor(
            account=str(self.account),
            name=self.name,
            roles=self.roles,
            enterprise=self.enterprise,
            enterprise_name=self.enterprise_name,
            request_id=request_id,
            received_at=received_at,
        )


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class Sessions:
    """Begin, find and end sessions."""

    def __init__(
        self, database: async_sessionmaker[AsyncSession], cache: Cache, *, idle: timedelta, absolute: timedelta
    ) -> None:
        self._database = database
        self._cache = cache
        self._idle = idle
        self._absolute = absolute

    async def begin(self, account: UUID, *, replaces: str | None) -> str:
        """A new session's id. The one it replaces ends: an id from before a sign-in is worth nothing after it."""
        id = secrets.token_urlsafe(32)
        async with self._database.begin() as session:
            session.add(
                SessionRow(
                    id_sha256=digest(id),
                    account_id=account,
                    csrf_token=secrets.token_urlsafe(32),
                    expires_at=clock.now() + self._absolute,
                )
            )
            # Housekeeping at the moment when somebody waits for the database anyway.
            await session.execute(delete(SessionRow).where(SessionRow.expires_at < func.now()))
        if replaces:
            await self.end(replaces)
        return id

    async def find(self, id: str) -> Session | None:
        """The session of an id, unless it is unknown, idle too long, too old, or its account disabled."""
        if not 20 <= len(id) <= 100 or not id.isascii():
            return None
        key = digest(id)
        copy = await self._cache.get(_key(key))
        if copy is not None:
            found: Session | None = Session.model_validate_json(copy)
        else:
            found = await self._load(key)
            if found is not None:
                await self._cache.put(_key(key), found.model_dump_json(), COPY_SECONDS)
        now = clock.now()
        if found is None or now > found.expires_at or now - found.last_seen_at > self._idle:
            return None
        return found

    async def _load(self, key: str) -> Session | None:
        async with self._database.begin() as session:
            row = (
                await session.execute(
                    select(SessionRow, Account)
                    .join(Account, Account.id == SessionRow.account_id)
                    .where(SessionRow.id_sha256 == key, Account.disabled_at.is_(None))
                )
            ).one_or_none()
            if row is None:
                return None
            kept, account = row
            now = clock.now()
            if now - kept.last_seen_at > SEEN_EVERY and now - kept.last_seen_at <= self._idle:
                await session.execute(
                    update(SessionRow).where(SessionRow.id_sha256 == key).values(last_seen_at=now)
                )
                kept.last_seen_at = now
            return Session(
                id_sha256=key,
                account=account.id,
                name=account.name,
                roles=frozenset(Role(role) for role in account.roles),
                enterprise=account.enterprise,
                enterprise_name=account.enterprise_name,
                csrf_token=kept.csrf_token,
                last_seen_at=kept.last_seen_at,
                expires_at=kept.expires_at,
            )

    async def end(self, id: str) -> None:
        """Sign out."""
        async with self._database.begin() as session:
            await session.execute(delete(SessionRow).where(SessionRow.id_sha256 == digest(id)))
        await self._cache.drop(_key(digest(id)))


def _key(id_sha256: str) -> str:
    return f"gm:session:{id_sha256}"
