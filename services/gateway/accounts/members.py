"""Know who belongs to an enterprise, what each may do for it, and who administers that.

The identity platform says who belongs to it. Everybody may do everything until somebody who administers says otherwise.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.accounts.invitations import renew_grants
from services.gateway.accounts.models import Account, SessionRow
from services.gateway.accounts.person import Person
from shared import clock, codes
from shared.errors import Conflict, NotFound
from shared.identity import Duty, Role

# Somebody who administers and has not signed in for so long does not keep others from administering.
AWAY = timedelta(days=90)
LABELS = {Duty.FILL: "填报", Duty.CHECK: "审核", Duty.SIGN: "签署"}


@dataclass(frozen=True)
class Member:
    """A person of an enterprise: what they may do for it, and when they were last seen."""

    account: UUID
    name: str
    duties: frozenset[str]
    administers: bool
    seen_at: datetime | None

    @property
    def labels(self) -> list[str]:
        return [label for duty, label in LABELS.items() if duty in self.duties]


async def of_enterprise(session: AsyncSession, enterprise: str) -> list[Member]:
    """List the people of an enterprise, those who administer first."""
    seen = select(func.max(SessionRow.last_seen_at)).where(SessionRow.account_id == Account.id).scalar_subquery()
    query = (
        select(Account, func.greatest(Account.attributes_at, seen))
        .where(Account.enterprise == enterprise, Account.disabled_at.is_(None))
        .order_by(Account.administers.desc(), Account.created_at, Account.id)
    )
    return [
        Member(a.id, a.name, frozenset(Duty) if a.all_duties is None else a.all_duties, a.administers, seen_at)
        for a, seen_at in await session.execute(query)
    ]


async def settle(session: AsyncSession, account: Account, person: Person, before: str | None) -> bool:
    """Settle at a sign-in what an account may do for its enterprise: whoever came from another one brings nothing along, and the legal
    person administers, as does whoever comes while nobody else does. Returns whether the person begins to administer."""
    if Role.APPLICANT not in account.roles or not account.enterprise:
        return False
    if before is not None and before != account.enterprise:
        account.duties, account.administers = None, False
        await session.flush()
        await renew_grants(session, account)
    if account.administers:
        return False
    legal = str(person.attributes.get("LEGAL_PERSON") or "")
    if legal != person.name:
        if await _administered(session, account.enterprise):
            return False
        # Of two who come at once, one is the first.
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(account.enterprise))))
        if await _administered(session, account.enterprise):
            return False
    account.administers = True
    return True


async def _administered(session: AsyncSession, enterprise: str) -> bool:
    """Tell whether somebody of an enterprise administers it and has not been away for long."""
    lately = Account.attributes_at > clock.now() - AWAY
    query = select(Account.id).where(
        Account.enterprise == enterprise, Account.administers, Account.disabled_at.is_(None), lately
    )
    return await session.scalar(query.limit(1)) is not None


async def _all_locked(session: AsyncSession, enterprise: str) -> Sequence[Account]:
    """Return the accounts of an enterprise, in the order in which everybody locks them."""
    query = select(Account).where(Account.enterprise == enterprise, Account.disabled_at.is_(None))
    return (await session.scalars(query.order_by(Account.id).with_for_update())).all()


async def change(
    session: AsyncSession, enterprise: str, id: UUID, duties: Collection[Duty], *, administers: bool
) -> Account:
    """Set what a member may do. `NotFound` for somebody else's people; `Conflict` where nobody would administer any more."""
    listed = await _all_locked(session, enterprise)
    found = next((a for a in listed if a.id == id), None)
    if found is None:
        raise NotFound("本单位没有这名成员。")
    if found.administers and not administers and not any(a.administers for a in listed if a is not found):
        raise Conflict(
            "本单位至少要有一名管理员。请先将另一名成员设为管理员，再取消此人的管理员身份。",
            code=codes.LAST_ADMINISTRATOR,
        )
    found.administers = administers
    found.duties = None if frozenset(duties) == frozenset(Duty) else sorted(duties)
    return found
