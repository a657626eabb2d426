"""Enter the account of a person who has signed in, and write audit rows of accounts."""

from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.gateway.accounts import attributes, members, role_rules
from services.gateway.accounts.models import Account, Audit
from services.gateway.accounts.person import Person
from services.gateway.accounts.reserved import RESERVED
from shared import clock, codes
from shared.errors import NotAllowed
from shared.identity import Role
from shared.observability import logs
from shared.sealing import Keyring


async def enter(session: AsyncSession, keys: Keyring, person: Person, address: str = "-") -> Account:
    """Find or make the account of a person who has just signed in, and keep the newest attributes of the platform.

    An enterprise's account is made at its first sign-in; staff must have been entered before. `NotAllowed` for
    everybody else, for a disabled account, and for one with roles that exclude each other.
    """
    if person.subject in RESERVED:
        raise NotAllowed("您的账号尚未开通本系统，请联系管理员。", code=codes.ACCOUNT_UNKNOWN)
    theirs = select(Account).where(Account.subject == person.subject).with_for_update()
    account = await session.scalar(theirs)
    if account is None:
        if not person.uscc:
            raise NotAllowed("您的账号尚未开通本系统，请联系管理员。", code=codes.ACCOUNT_UNKNOWN)
        # Two first sign-ins at once: the second finds the first one's account.
        row = {"id": uuid4(), "subject": person.subject, "name": person.name, "roles": [Role.APPLICANT]}
        await session.execute(insert(Account).values(row).on_conflict_do_nothing(index_elements=[Account.subject]))
        account = (await session.scalars(theirs)).one()
    if account.disabled_at is not None:
        raise NotAllowed("您的账号已停用，请联系管理员。", code=codes.ACCOUNT_DISABLED)
    role_rules.check(account.roles)
    account.name = person.name
    before = account.enterprise
    if Role.APPLICANT in account.roles:
        account.enterprise = person.uscc
        account.enterprise_name = person.enterprise_name
    account.sealed_attributes = attributes.seal(keys, account.id, person.attributes)
    account.attributes_at = clock.now()
    await session.flush()
    if await members.settle(session, account, person, before):
        note(session, "administration_begun", person.subject, address, enterprise=account.enterprise)
        await session.flush()
    return account


def note(
    session: AsyncSession, action: str, subject: str | None, address: str, *, result: str = "ok", **details: Any
) -> None:
    """Add an audit row: who, what, from where, with what result."""
    session.add(
        Audit(
            action=action,
            subject=subject,
            address=address,
            request_id=logs.request_id.get(),
            details=details,
            result=result,
        )
    )


async def refused(
    database: async_sessionmaker[AsyncSession], subject: str, address: str, method: str, route: str
) -> None:
    """Record that a signed-in person asked for something that their roles do not open."""
    async with database.begin() as session:
        note(session, "access_refused", subject, address, result="refused", method=method, route=route)
