"""Ask staff for a second factor: a TOTP (RFC 6238), enrolled at the first sign-in, each code taken once."""

from datetime import timedelta
from uuid import UUID

import pyotp
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.accounts.models import SecondFactor
from shared import clock, codes
from shared.errors import NotAllowed
from shared.sealing import Keyring
from shared.text import identifiers

STEP = 30
# Telephones' clocks may be one step off.
WINDOW = 1
MAX_FAILURES = 5
LOCK = timedelta(minutes=15)
ISSUER = "工美资金管理系统"


class FactorLocked(NotAllowed):
    """动态口令连续错误次数过多，已锁定 15 分钟，请稍后再试。"""

    code = codes.FACTOR_LOCKED


def _context(account: UUID) -> bytes:
    return b"second factor:" + account.bytes


async def of(session: AsyncSession, keys: Keyring, account: UUID) -> tuple[SecondFactor, str]:
    """An account's factor and its secret (base32); a fresh one, not yet confirmed, when it has none."""
    row = await session.get(SecondFactor, account, with_for_update=True)
    if row is None:
        made = {
            "account_id": account,
            "secret": keys.seal(pyotp.random_base32().encode(), _context(account)),
            "last_step": 0,
            "failures": 0,
        }
        # Two windows at once: both show the first one's secret.
        await session.execute(insert(SecondFactor).values(made).on_conflict_do_nothing())
        row = await session.get_one(SecondFactor, account, with_for_update=True)
    return row, keys.open(row.secret, _context(account)).decode()


async def check(session: AsyncSession, keys: Keyring, account: UUID, code: str) -> bool:
    """Whether a code is right and new. Five wrong ones lock (`FactorLocked`); the transaction must be committed
    either way. The first right one confirms the enrolment."""
    row, secret = await of(session, keys, account)
    now = clock.now()
    if row.locked_until and row.locked_until > now:
        raise FactorLocked
    totp = pyotp.TOTP(secret, interval=STEP)
    # Telephones show it in two groups.
    typed = identifiers.plain(code[:60])
    step = int(now.timestamp()) // STEP
    for candidate in range(step - WINDOW, step + WINDOW + 1):
        if candidate > row.last_step and pyotp.utils.strings_equal(totp.generate_otp(candidate), typed):
            row.last_step, row.failures, row.locked_until = candidate, 0, None
            row.confirmed_at = row.confirmed_at or now
            return True
    row.failures += 1
    if row.failures >= MAX_FAILURES:
        row.failures, row.locked_until = 0, now + LOCK
    return False


def address(secret: str, name: str) -> str:
    """`otpauth://…`, for an authenticator's camera."""
    return pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=name, issuer_name=ISSUER)
