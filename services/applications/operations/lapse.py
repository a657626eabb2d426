"""Lapse (逾期) a returned application whose correction deadline has passed. The relay finds it in the database."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.codec import Codec
from services.applications.core.moves import load_facts, make_move
from services.applications.operations import queries
from services.applications.outbox.events import about, owe
from services.applications.workflow import Action
from shared import clock
from shared.identity import Actor, Role
from shared.messages import CorrectionMissed

# Deadlines are judged by the gateway's stamp: what it received in time may still be waiting for us, and must find
# its application as it was. No request lives as long as this.
GRACE = timedelta(minutes=2)


def system_actor() -> Actor:
    """Return the product itself."""
    return Actor(account="system", name="系统", roles=frozenset({Role.SYSTEM}), received_at=clock.now())


async def lapse_overdue(session: AsyncSession, codec: Codec) -> int:
    """Let what is overdue lapse, and tell; how many did."""
    actor = system_actor()
    found = await queries.overdue(session, actor.received_at - GRACE)
    for application in found:
        facts = await load_facts(session, application, at=actor.received_at)
        assert application.correct_by is not None
        await make_move(session, application, actor, Action.LAPSE, facts)
        event = CorrectionMissed(**await about(session, codec, application), correct_by=application.correct_by)
        await owe(session, event, f"{application.id}:{application.correct_by.isoformat()}")
    return len(found)
