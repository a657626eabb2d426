"""Find the people of the bureau."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.gateway.accounts.models import Account
from shared.identity import Role
from shared.messages import StaffMember


async def with_role(session: AsyncSession, *roles: Role) -> list[StaffMember]:
    """Return everybody who may sign in with one of these roles, by name."""
    query = select(Account).where(Account.roles.overlap(roles), Account.disabled_at.is_(None))
    found = await session.scalars(query.order_by(Account.name, Account.id))
    return [StaffMember(account=str(a.id), name=a.name) for a in found]
