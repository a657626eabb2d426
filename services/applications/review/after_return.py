"""Change a return that was made: 撤回退回, 延长补正期限."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import proposals, repository
from services.applications.core.audit import record
from services.applications.core.codec import Codec
from services.applications.core.moves import load_facts, make_move, must_match_or_tell
from services.applications.documents import letters
from services.applications.outbox.events import about, owe
from services.applications.tables.applications import Application
from services.applications.tables.four_eyes import Proposal
from services.applications.workflow import Action, move
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


async def propose_extension(
    session: AsyncSession, actor: Actor, id: UUID, version: str, *, correct_by: datetime, reason: str
) -> Proposal:
    """Propose 延长补正期限, which another person confirms; nothing of the application changes. What could not be made is refused as
    `extend` does."""
    application = await repository.application(session, actor, id, lock=True)
    await must_match_or_tell(session, application, version)
    facts = await load_facts(session, application, at=actor.received_at, actor=actor.account)
    move(replace(facts, deadline=correct_by, reason=reason), Action.EXTEND, actor.roles)
    made = await proposals.propose(session, actor, "correction", id, until=correct_by, reason=reason.strip())
    record(
        session,
        actor,
        "propose_extension",
        application_id=id,
        correct_by=correct_by.isoformat(),
        reason=made.reason,
    )
    return made


async def extend(
    session: AsyncSession,
    codec: Codec,
    actor: Actor,
    id: UUID,
    version: str,
    *,
    correct_by: datetime,
    reason: str,
    proposed: Proposal | None = None,
) -> Application:
    """延长补正期限, also for what has lapsed. `proposed`: what the actor confirms."""
    application = await repository.application(session, actor, id, lock=True)
    await must_match_or_tell(session, application, version)
    facts = await load_facts(session, application, at=actor.received_at, actor=actor.account)
    facts = replace(
        facts, deadline=correct_by, reason=reason, proposed_by=proposed.proposed_by if proposed else ""
    )
    await make_move(
        session,
        application,
        actor,
        Action.EXTEND,
        facts,
        correct_by=correct_by,
        correct_set_at=actor.received_at,
        details={"correct_by": correct_by.isoformat(), "reason": reason, **proposals.said(proposed)},
    )
    event = CorrectionExtended(
        **await about(session, codec, application), correct_by=correct_by, reason=reason.strip()
    )
    await owe(session, event, f"{id}:{application.version}")
    return application
