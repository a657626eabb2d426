"""What the bureau does with an application besides returning it: 收回退回, 延长补正期限, 纳批 and every further move."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications import repository
from services.applications.models import Application
from services.applications.use_cases.moving import load_facts, make_move, must_match_or_tell
from services.applications.workflow import Action
from shared.identity import Actor


async def recall(session: AsyncSession, actor: Actor, id: UUID, version: str) -> Application:
    """收回退回, until the applicant has opened it. Its opinions are noted again, for a return still to come."""
    application = await repository.application(session, actor, id, lock=True)
    await must_match_or_tell(session, application, version)
    facts = await load_facts(session, application, at=actor.received_at, actor=actor.account)
    await make_move(
        session,
        application,
        actor,
        Action.RECALL,
        facts,
        round_trips=application.round_trips - 1,
        correct_by=None,
        unlocked=[],
        returned_from=None,
    )
    return application


async def extend(
    session: AsyncSession, actor: Actor, id: UUID, version: str, *, correct_by: datetime, reason: str
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
        details={"correct_by": correct_by.isoformat(), "reason": reason},
    )
    return application


async def decide(
    session: AsyncSession,
    actor: Actor,
    id: UUID,
    version: str,
    action: Action,
    *,
    reason: str = "",
    amount_wan: Decimal | None = None,
    publicity_until: datetime | None = None,
) -> Application:
    """Any other move of staff: accept, pass, refuse, propose (公示 `publicity_until`), decline, approve."""
    application = await repository.application(session, actor, id, lock=True)
    await must_match_or_tell(session, application, version)
    facts = await load_facts(session, application, at=actor.received_at, actor=actor.account)
    facts = replace(facts, reason=reason, amount_wan=amount_wan)
    changes: dict[str, Any] = {"lease_account": None, "lease_name": None, "lease_until": None}
    if action is Action.PROPOSE:
        changes["approved_wan"] = amount_wan
        changes["publicity_until"] = publicity_until
    details = {"reason": reason} if reason else {}
    if amount_wan is not None:
        details["amount_wan"] = f"{amount_wan:.2f}"
    await make_move(session, application, actor, action, facts, details=details, **changes)
    return application
