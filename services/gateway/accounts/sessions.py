"""Keep browser sessions: an opaque id in a cookie, the session in PostgreSQL.

Each gateway process remembers a session for some seconds, in its own memory, and uses it only while it knows that the session
has not changed: a session that was ended is refused everywhere within a second. No other program holds sessions, so none can make one.
"""

import hashlib
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from pydantic import AwareDatetime, BaseModel
from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.gateway.accounts.models import Account, Consent, SessionChange, SessionRow
from services.gateway.accounts.session_watch import Rights, SessionWatch
from shared import clock
from shared.identity import Actor, Agent, Duty, Role
from shared.sealing import CannotOpen, Keyring

# The notice about personal data that is in force (`templates/account_pages/consent.html`). A new text is a new version, and
# consent is asked for again.
CONSENT_VERSION = "2026-11"
# As long as somebody who fills in is silent between two requests: whoever is not remembered costs two statements.
REMEMBERED_SECONDS = 45
# How many sessions one process remembers: some 10 MB.
REMEMBERED = 10_000
# What triggers wrote down is of interest for one and a half minutes.
CHANGES_KEPT = timedelta(minutes=10)
# How often `last_seen_at` is written while somebody works.
SEEN_EVERY = timedelta(minutes=1)


_APPLICATION = re.compile(r"(?:/api/v1)?/applications/([0-9a-fA-F-]{36})(?:/|\Z)")


class Grant(BaseModel, frozen=True):
    """An application of another enterprise that an account was invited to."""

    application: UUID
    name: str
    enterprise: str
    enterprise_name: str


class Holder(BaseModel, frozen=True):
    """The person of an account, and what they may do."""

    account: UUID
    subject: str
    name: str
    roles: frozenset[Role]
    enterprise: str | None
    enterprise_name: str | None
    # What the person may do for the enterprise; None is everything.
    duties: frozenset[Duty] | None = None
    grants: tuple[Grant, ...] = ()

    @classmethod
    def of(cls, account: Account) -> "Holder":
        """The holder of an account, as its row is now."""
        return Holder(**_held(account))

    def may(self, duty: Duty) -> bool:
        """Whether the person has a duty in their own enterprise."""
        return self.duties is None or duty in self.duties

    def grant_in(self, path: str) -> Grant | None:
        """The invitation under which a path is asked for: None for everything but an application that one was invited to."""
        named = _APPLICATION.match(path) if self.grants else None
        return next((g for g in self.grants if named and str(g.application) == named[1].lower()), None)

    def actor(
        self, received_at: AwareDatetime, request_id: str, address: str, grant: Grant | None = None
    ) -> Actor:
        """The person as the other services see them; with a `grant` as an agent, who is named with the company they come from."""
        known = {
            "account": str(self.account),
            "roles": self.roles,
            "request_id": request_id,
            "address": address,
            "received_at": received_at,
        }
        if grant is None:
            return Actor(
                **known,
                name=self.name,
                enterprise=self.enterprise,
                enterprise_name=self.enterprise_name,
                duties=self.duties,
            )
        own, company = self.enterprise or "", self.enterprise_name or ""
        return Actor(
            **known,
            name=f"{self.name}（{company}，受托填报）",
            enterprise=grant.enterprise,
            enterprise_name=grant.enterprise_name,
            # Whoever is invited fills in; an application is submitted by its own enterprise.
            duties=frozenset({Duty.FILL}),
            agent=Agent(enterprise=own, enterprise_name=company, application=grant.application),
        )


class Session(Holder, frozen=True):
    """Who is signed in."""

    id_sha256: str
    id: UUID
    administers: bool = False
    csrf_token: str
    last_seen_at: AwareDatetime
    expires_at: AwareDatetime
    # Until the second factor is given, nothing but the page that asks for it opens.
    needs_factor: bool = False
    # Until an enterprise's person agreed to the notice, nothing but the notice opens.
    needs_consent: bool = False

    @property
    def rights(self) -> Rights:
        """What a request of this session may do, to notice when it changes."""
        invited = frozenset(str(grant.application) for grant in self.grants)
        return frozenset(self.roles), self.enterprise, self.duties, invited


def _held(account: Account) -> dict[str, Any]:
    """What a row says of an account's person."""
    return {
        "account": account.id,
        "subject": account.subject,
        "name": account.name,
        "roles": frozenset(Role(role) for role in account.roles),
        "enterprise": account.enterprise,
        "enterprise_name": account.enterprise_name,
        "duties": account.all_duties,
        "grants": account.grants,
    }


@dataclass(frozen=True)
class Arrival:
    """How and from where a person signed in."""

    address: str
    agent: str
    credential: str | None = None
    id_token: str | None = None
    provider_session: str | None = None


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class Sessions:
    """Begin, find and end sessions."""

    def __init__(
        self,
        database: async_sessionmaker[AsyncSession],
        keys: Keyring,
        watch: SessionWatch,
        *,
        idle: timedelta,
        absolute: timedelta,
        second_factor: bool,
        consent_required: bool,
    ) -> None:
        self._database = database
        self._keys = keys
        self._watch = watch
        self._idle = idle
        self._absolute = absolute
        self._second_factor = second_factor
        self._consent_required = consent_required
        # By digest, the oldest first: when it was read (monotonic seconds), and the session.
        self._remembered: dict[str, tuple[float, Session]] = {}

    async def begin(self, account: UUID, arrival: Arrival, *, replaces: str | None) -> str:
        """Begin a session and return its id. The session it replaces ends: an id from before a sign-in is void after it."""
        id, own = secrets.token_urlsafe(32), uuid4()
        hint = arrival.id_token
        async with self._database.begin() as session:
            session.add(
                SessionRow(
                    id_sha256=digest(id),
                    id=own,
                    account_id=account,
                    csrf_token=secrets.token_urlsafe(32),
                    address=arrival.address,
                    agent=arrival.agent[:200],
                    credential=arrival.credential,
                    id_token=self._keys.seal(hint.encode(), own.bytes) if hint else None,
                    provider_session=arrival.provider_session,
                    expires_at=clock.now() + self._absolute,
                )
            )
            # Clean up here: a sign-in waits for the database anyway.
            await session.execute(delete(SessionRow).where(SessionRow.expires_at < func.now()))
            await session.execute(delete(SessionChange).where(SessionChange.at < func.now() - CHANGES_KEPT))
        if replaces:
            await self.end(replaces)
        return id

    async def raise_rights(self, id: str) -> str:
        """Give a session a new id after the second factor, and return it. The old id is void."""
        new = secrets.token_urlsafe(32)
        async with self._database.begin() as session:
            await session.execute(
                update(SessionRow)
                .where(SessionRow.id_sha256 == digest(id))
                .values(id_sha256=digest(new), csrf_token=secrets.token_urlsafe(32), factor_at=clock.now())
            )
        self._remembered.pop(digest(id), None)
        return new

    async def find(self, id: str) -> Session | None:
        """Find the session of an id; None when it is unknown, idle too long or too old, or its account is disabled."""
        if not 20 <= len(id) <= 100 or not id.isascii():
            return None
        key = digest(id)
        found = self._recall(key)
        began = time.monotonic()
        if found is None and (found := await self._load(key)) is not None:
            self._remember(found, began)
        now = clock.now()
        if found is None or now > found.expires_at or now - found.last_seen_at > self._idle:
            return None
        return found

    def forget(self, id_sha256: str) -> None:
        """Let this process read a session anew: what it may do has just changed."""
        self._remembered.pop(id_sha256, None)

    def remembered(self, id: str) -> Session | None:
        """The session of an id if this process remembers it; the database is not asked. What nobody here made is no id."""
        return self._recall(digest(id)) if id.isascii() else None

    def _recall(self, key: str) -> Session | None:
        """The remembered session, if it was read seconds ago and is known not to have changed since."""
        read_at, session = self._remembered.get(key, (0.0, None))
        lately = time.monotonic() < read_at + REMEMBERED_SECONDS
        return session if lately and self._watch.unchanged(key, read_at) else None

    def _remember(self, session: Session, read_at: float) -> None:
        """Keep a session that was read at an instant (monotonic) for `REMEMBERED_SECONDS`. What still waits for consent or for a second factor is read every time:
        another gateway may have just taken it."""
        key = session.id_sha256
        self._remembered.pop(key, None)
        if session.needs_consent or session.needs_factor:
            return
        if len(self._remembered) >= REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[key] = (read_at, session)

    async def _load(self, key: str) -> Session | None:
        async with self._database.begin() as session:
            row = (
                await session.execute(
                    select(SessionRow, Account, Consent.at)
                    .join(Account, Account.id == SessionRow.account_id)
                    .outerjoin(Consent, and_(Consent.account_id == Account.id, Consent.version == CONSENT_VERSION))
                    .where(SessionRow.id_sha256 == key, Account.disabled_at.is_(None))
                )
            ).one_or_none()
            if row is None:
                return None
            kept, account, agreed = row
            now = clock.now()
            if now - kept.last_seen_at > SEEN_EVERY and now - kept.last_seen_at <= self._idle:
                await session.execute(
                    update(SessionRow).where(SessionRow.id_sha256 == key).values(last_seen_at=now)
                )
                kept.last_seen_at = now
            held = _held(account)
            roles = held["roles"]
            return Session(
                **held,
                id_sha256=key,
                id=kept.id,
                administers=account.administers,
                csrf_token=kept.csrf_token,
                last_seen_at=kept.last_seen_at,
                expires_at=kept.expires_at,
                needs_consent=self._consent_required and Role.APPLICANT in roles and agreed is None,
                needs_factor=self._second_factor and kept.factor_at is None and roles != {Role.APPLICANT},
            )

    async def all_of(self, account: UUID) -> Sequence[SessionRow]:
        """Where an account is signed in, the latest first."""
        async with self._database.begin() as session:
            alive = SessionRow.last_seen_at > clock.now() - self._idle
            found = await session.scalars(
                select(SessionRow)
                .where(SessionRow.account_id == account, SessionRow.expires_at > func.now(), alive)
                .order_by(SessionRow.created_at.desc())
            )
            return found.all()

    async def end(self, id: str) -> str | None:
        """Sign out; the ID token to show to the provider, where there was one."""
        async with self._database.begin() as session:
            row = (
                await session.execute(
                    delete(SessionRow)
                    .where(SessionRow.id_sha256 == digest(id))
                    .returning(SessionRow.id, SessionRow.id_token)
                )
            ).one_or_none()
        self._remembered.pop(digest(id), None)
        if row is None or row.id_token is None:
            return None
        try:
            return self._keys.open(row.id_token, row.id.bytes).decode()
        except CannotOpen:
            return None

    async def end_at_provider(self, subject: str | None, provider_session: str | None) -> list[str]:
        """End what the provider says is over: one of its sessions, or all of somebody's; whose they were."""
        ended = select(SessionRow.id_sha256).join(Account, Account.id == SessionRow.account_id)
        if subject is not None:
            ended = ended.where(Account.subject == subject)
        if provider_session is not None:
            # A session that began without a name at the provider could be this one.
            named = SessionRow.provider_session == provider_session
            ended = ended.where(named if subject is None else or_(named, SessionRow.provider_session.is_(None)))
        async with self._database.begin() as session:
            gone = delete(SessionRow).where(SessionRow.id_sha256.in_(ended))
            rows = (await session.execute(gone.returning(SessionRow.id_sha256, SessionRow.account_id))).all()
            whose = select(Account.subject).where(Account.id.in_({account for _, account in rows}))
            subjects = list(await session.scalars(whose))
        for key, _ in rows:
            self._remembered.pop(key, None)
        return subjects

    async def end_of(self, account: UUID, *, one: UUID | None = None, but: UUID | None = None) -> int:
        """End an account's sessions: all, one by its name, or all but one; how many there were."""
        query = delete(SessionRow).where(SessionRow.account_id == account)
        if one is not None:
            query = query.where(SessionRow.id == one)
        if but is not None:
            query = query.where(SessionRow.id != but)
        async with self._database.begin() as session:
            ended = (await session.scalars(query.returning(SessionRow.id_sha256))).all()
        for key in ended:
            self._remembered.pop(key, None)
        return len(ended)
