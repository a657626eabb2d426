"""Note that the applicant has seen a return: once, with its row in the audit."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.audit import record
from services.applications.tables.applications import Application
from services.applications.workflow import State
from shared import clock
from shared.identity import Actor, Role


async def mark_seen(session: AsyncSession, application: Application, actor: Actor) -> None:
    """Note that the applicant has opened a return, or changed anything after it: it can no longer be taken back (撤回退回)."""
    if actor.is_a(Role.APPLICANT) and application.state == State.RETURNED and application.return_seen_at is None:
        application.return_seen_at = clock.now()
        record(session, actor, "see_return", application_id=application.id, round_trip=application.round_trips)
        await session.flush()
