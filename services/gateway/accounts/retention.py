"""Encrypt personal data under a new key, and delete what is past its retention period."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.accounts.accounts import note
from services.gateway.accounts.attributes import attributes, seal
from services.gateway.accounts.models import Account, SecondFactor, SessionRow, StaffMail
from services.gateway.settings import GatewaySettings
from shared import clock
from shared.identity import Role
from shared.sealing import Keyring

ADDRESS = "command"


async def rotate(session: AsyncSession, keys: Keyring) -> int:
    """Encrypt personal data anew under the newest key, and drop sessions' ID tokens. Returns how many rows were changed."""
    count = 0
    for account in await session.scalars(select(Account).where(Account.sealed_attributes.is_not(None))):
        if account.sealed_attributes and not keys.is_current(account.sealed_attributes):
            account.sealed_attributes = seal(keys, account.id, attributes(keys, account))
            count += 1
    for row in await session.scalars(select(SecondFactor)):
        if not keys.is_current(row.secret):
            context = b"second factor:" + row.account_id.bytes
            row.secret = keys.seal(keys.open(row.secret, context), context)
            count += 1
    await session.execute(update(SessionRow).values(id_token=None))
    note(session, "keys_rotated", None, ADDRESS, rows=count)
    return count


async def due(session: AsyncSession, settings: GatewaySettings) -> Sequence[Account]:
    """List the accounts that nobody has used for longer than the retention period."""
    before = clock.now() - timedelta(days=settings.retention_account_days)
    unused = and_(Account.roles.contains([Role.APPLICANT]), Account.attributes_at < before)
    return (
        await session.scalars(
            select(Account)
            .where(
                Account.sealed_attributes.is_not(None),
                or_(Account.disabled_at < before, unused),
                func.coalesce(Account.attributes_at, Account.created_at) < before,
            )
            .order_by(Account.created_at)
        )
    ).all()


async def forget(session: AsyncSession, accounts: Sequence[Account]) -> int:
    """Delete the personal data of accounts. The account's id stays, for the audit."""
    for account in accounts:
        account.sealed_attributes, account.name = None, "（已删除）"
        await session.execute(delete(StaffMail).where(StaffMail.account_id == account.id))
        account.disabled_at = account.disabled_at or clock.now()
        note(session, "retention", account.subject, ADDRESS)
    return len(accounts)
