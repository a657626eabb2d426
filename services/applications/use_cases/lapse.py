"""逾期: a returned application whose correction deadline has passed. Found by the relay, from the database."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications import repository
from services.applications.use_cases.moving import load_facts, make_move
from services.applications.workflow import Action
from shared import clock
from shared.identity import Actor, Role


def system_actor() -> Actor:
    """The product itself."""
    return Actor(account="system", name="系统", roles=frozenset({Role.SYSTEM}), received_at=clock.now())


async def lapse_overdue(session: AsyncSession) -> int:
    """Let what is overdue lapse; how many did."""
    actor = system_actor()
    found = await repository.overdue(session)
    for application in found:
        facts = await load_facts(session, application, at=actor.received_at)
        await make_move(session, application, actor, Action.LAPSE, facts)
    return len(found)
