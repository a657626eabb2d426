"""Keep where the bureau's people and the experts want mail. An address counts once a code that was sent to it came back."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.accounts.models import Account, StaffMail
from shared import clock, codes
from shared.errors import Conflict, TooMany
from shared.messages import StaffAddress

LASTS = timedelta(minutes=30)
# One code a minute, and so many guesses at each: 5 in a million.
PAUSE = timedelta(minutes=1)
GUESSES = 5


@dataclass(frozen=True)
class Address:
    """One's address, and another that waits for its code until `expires_at`."""

    email: str | None
    asked: str | None
    expires_at: datetime | None


async def _row(session: AsyncSession, account: UUID) -> StaffMail:
    await session.execute(insert(StaffMail).values(account_id=account).on_conflict_do_nothing())
    return await session.get_one(StaffMail, account, with_for_update=True, populate_existing=True)


def _digest(account: UUID, code: str) -> str:
    return hashlib.sha256(f"{account}:{code}".encode()).hexdigest()


async def of(session: AsyncSession, account: UUID) -> Address:
    """Return somebody's address; one that was not confirmed in time waits no more."""
    found = await session.get(StaffMail, account)
    if found is None:
        return Address(None, None, None)
    until = found.asked_at + LASTS if found.asked_at else None
    waits = found.asked is not None and until is not None and until > clock.now()
    return Address(found.email, found.asked if waits else None, until if waits else None)


async def ask(session: AsyncSession, account: UUID, email: str) -> tuple[str, datetime]:
    """Return a new code for an address, and until when it is good; an earlier code is void. `TooMany` within a minute of the last."""
    found = await _row(session, account)
    now = clock.now()
    if found.asked_at is not None and now - found.asked_at < PAUSE:
        left = PAUSE - (now - found.asked_at)
        raise TooMany("验证码刚刚发送过，请一分钟后再试。", retry_after=max(1, round(left.total_seconds())))
    code = f"{secrets.randbelow(10**6):06d}"
    found.asked, found.asked_at, found.misses = email, now, 0
    found.code_sha256 = _digest(account, code)
    return code, now + LASTS


async def confirm(session: AsyncSession, account: UUID, code: str) -> str | None:
    """Return the address that counts from now on; None for a wrong code. `Conflict` where none waits, or it was guessed at too often."""
    found = await _row(session, account)
    if found.asked is None or found.asked_at is None or clock.now() >= found.asked_at + LASTS:
        raise Conflict("没有待验证的邮箱，或验证码已失效，请重新发送验证码。", code=codes.NO_CODE)
    if found.misses >= GUESSES:
        raise Conflict("验证码错误次数过多，已失效，请重新发送验证码。", code=codes.NO_CODE)
    if not hmac.compare_digest(found.code_sha256 or "", _digest(account, code)):
        found.misses += 1
        return None
    found.email, found.verified_at = found.asked, clock.now()
    found.asked = found.code_sha256 = None
    return found.email


async def remove(session: AsyncSession, account: UUID) -> bool:
    """Forget somebody's address, and one that waits; whether there was any."""
    found = await _row(session, account)
    had = bool(found.email or found.asked)
    found.email = found.verified_at = found.asked = found.code_sha256 = None
    return had


def shortened(email: str) -> str:
    """Return an address as the audit keeps it: `l***@example.com`."""
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}***@{domain}"


async def known(session: AsyncSession, accounts: Sequence[UUID]) -> list[StaffAddress]:
    """Return the addresses of those among these who may sign in and have one."""
    query = (
        select(Account.id, Account.name, Account.roles, StaffMail.email)
        .join(StaffMail, StaffMail.account_id == Account.id)
        .where(Account.id.in_(accounts), Account.disabled_at.is_(None), StaffMail.email.is_not(None))
        .order_by(Account.id)
    )
    return [
        StaffAddress(account=str(id), name=name, email=email, roles=roles)
        for id, name, roles, email in await session.execute(query)
    ]
