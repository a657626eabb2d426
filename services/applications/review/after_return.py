"""Change a return that was made: 撤回退回, 延长补正期限."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.codec import Codec
from services.applications.core.moves import load_facts, make_move, must_match_or_tell
from services.applications.documents import letters
from services.applications.outbox.events import about, owe
from services.applications.tables.applications import Application
from services.applications.workflow import Action
from shared.identity import Actor
from shared.messages import CorrectionExtended, ReturnRecalled


async def recall(session: AsyncSession, codec: Codec, actor: Actor, id: UUID, version: str) -> Application:
    """撤回退回, until the applicant has opened it. Its opinions are noted again, for a return still to come; its letter is
    taken back, and the applicant is told."""
    application = await repository.application(session, actor, id, lock=True)
    await must_match_or_tell(session, application, version)
    facts = await load_facts(session, application, at=actor.received_at, actor=actor.account)
    trip = application.round_trips
    await make_move(
        session,
        application,
        actor,
        Action.RECALL,
        facts,
        round_trips=trip - 1,
        correct_by=None,
        returned_at=None,
        correct_set_at=None,
        unlocked=[],
        returned_from=None,
    )
    await letters.take_back(session, application, trip)
    event = ReturnRecalled(**await about(session, codec, application))
    await owe(session, event, f"{id}:{application.version}")
    return application


async def extend(
    session: AsyncSession,
    codec: Codec,
    actor: Actor,
    id: UUID,
    version: str,
    *,
    correct_by: datetime,
    reason: str,
) -> Application:
    """延长补正期限, also for what has lapsed."""
    application = await repository.application(session, actor, id, lock=True)
    await must_match_or_tell(session, application, version)
    facts = await load_facts(session, application, at=actor.received_at, actor=actor.account)
    facts = replace(facts, deadline=correct_by, reason=reason)
    await make_move(
        session,
        application,
        actor,
        Action.EXTEND,
        facts,
        correct_by=correct_by,
        correct_set_at=actor.received_at,
        details={"correct_by": correct_by.isoformat(), "reason": reason},
    )
    event = CorrectionExtended(
        **await about(session, codec, application), correct_by=correct_by, reason=reason.strip()
    )
    await owe(session, event, f"{id}:{application.version}")
    return application
