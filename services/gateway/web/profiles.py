"""Know what an account and the legal-person registry say of an applicant: for prefilling a form, and beside its values."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from uuid import UUID

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.gateway.accounts import attributes
from services.gateway.accounts.models import Account
from shared import clock
from shared.errors import NotFound, Unavailable
from shared.http import profile_header
from shared.messages import Profile
from shared.sealing import Keyring
from shared.synthetic import ENTERPRISE

# An answer is good for as long as somebody looks at one page after the other; a registry that did not answer is not waited for
# again by each of them.
FRESH_SECONDS, REST_SECONDS = 60.0, 15.0
MAX_KNOWN = 2000


class Profiles:
    """Accounts' profiles, as headers those of the last minute. `entry` asks the registry; `Unavailable` when it does not answer."""

    def __init__(
        self,
        database: async_sessionmaker[AsyncSession],
        keys: Keyring,
        entry: Callable[[str], Awaitable[dict[str, str]]],
    ) -> None:
        self._database = database
        self._keys = keys
        self._entry = entry
        self._known: OrderedDict[UUID | str, tuple[float, str]] = OrderedDict()

    async def of(self, id: UUID) -> Profile:
        """Return an account's profile, asked for just now; `NotFound` for an account that is not there."""
        async with self._database.begin() as session:
            account = await session.get(Account, id)
        if account is None:
            raise NotFound
        entry, answered = await self._registered(account.enterprise)
        said = {k: v for k, v in attributes.attributes(self._keys, account).items() if isinstance(v, str)}
        personal = {k: v for k, v in said.items() if k.startswith("BLR_")}
        # The platform itself passes on some of the registry's attributes; an entry of the registry goes before.
        found = {k: v for k, v in said.items() if k.isupper() and k not in personal} | entry
        fetched_at = clock.now() if entry else account.attributes_at
        return Profile(
            registry=found,
            registry_fetched_at=fetched_at if found else None,
            registry_answered=answered,
            account=personal,
            account_fetched_at=account.attributes_at if personal else None,
        )

    async def of_enterprise(self, enterprise: str) -> Profile:
        """Return what the registry alone says of an enterprise, for an agent who acts for it."""
        entry, answered = await self._registered(enterprise)
        return Profile(
            registry=entry,
            registry_fetched_at=clock.now() if entry else None,
            registry_answered=answered,
            account={},
            account_fetched_at=None,
        )

    async def _registered(self, enterprise: str | None) -> tuple[dict[str, str], bool]:
        """Return the registry's entry, and whether the registry answered."""
        if not enterprise or enterprise == ENTERPRISE:
            return {}, True
        try:
            return await self._entry(enterprise), True
        except Unavailable:
            return {}, False

    async def header(self, id: UUID | str, *, anew: bool = False) -> str:
        """Return the header that lets a profile travel with a call: that of an account, or of an enterprise (its 统一社会信用代码). It is
        at most a minute old unless asked for `anew`; empty where it is too large, and the service asks for it instead."""
        now = time.monotonic()
        until, known = self._known.get(id, (0.0, ""))
        if now < until and not anew:
            return known
        profile = await (self.of(id) if isinstance(id, UUID) else self.of_enterprise(id))
        text = profile_header.written(profile)
        self._known[id] = now + (FRESH_SECONDS if profile.registry_answered else REST_SECONDS), text
        self._known.move_to_end(id)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return text


PROFILES = web.AppKey("profiles", Profiles)
