"""Unsubscribe an address from reminders, by the link that each carries; mails about decisions still go.

The link in a reminder carries the address and a keyed digest of it, so that nobody can unsubscribe another.
"""

import base64
import binascii
import hashlib
import hmac

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from services.notify.models import Unsubscribed

_LENGTH = 16


def key_of(signing_key: bytes) -> bytes:
    """A key for this purpose alone."""
    return hmac.digest(signing_key, b"unsubscribe", "sha256")


def _digest(key: bytes, address: str) -> bytes:
    return hmac.new(key, address.encode(), hashlib.sha256).digest()[:_LENGTH]


def plain(address: str) -> str:
    """An address as it is compared."""
    return address.strip().lower()


def link(key: bytes, address: str, public_url: str) -> str:
    """Where this address unsubscribes."""
    said = plain(address)
    token = base64.urlsafe_b64encode(_digest(key, said) + said.encode()).decode().rstrip("=")
    return f"{public_url.rstrip('/')}/unsubscribe/{token}"


def address_of(key: bytes, token: str) -> str | None:
    """The address in a token, or None for anything that `link` did not make."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        said = raw[_LENGTH:].decode()
    except (binascii.Error, ValueError):
        return None
    return said if said and hmac.compare_digest(raw[:_LENGTH], _digest(key, said)) else None


async def set_unsubscribed(session: AsyncSession, address: str, *, wanted: bool) -> None:
    """From now on no reminders by mail, or reminders again."""
    if wanted:
        await session.execute(insert(Unsubscribed).values(address=address).on_conflict_do_nothing())
    else:
        await session.execute(delete(Unsubscribed).where(Unsubscribed.address == address))


async def is_unsubscribed(session: AsyncSession, address: str) -> bool:
    return await session.get(Unsubscribed, address) is not None


def among(session: Session, addresses: list[str]) -> set[str]:
    """Which of these have unsubscribed."""
    known = [plain(a) for a in addresses]
    return set(session.scalars(select(Unsubscribed.address).where(Unsubscribed.address.in_(known))))
