"""Remind experts before and after the day by which they score, and tell whoever gave them the case that it has passed. Whichever relay looks
first finds it in the database; each reminder is told once."""

from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.messages.tell import tell
from services.applications.operations.lapse import system_actor
from services.applications.tables.applications import Application
from services.applications.tables.decision import Assessment
from services.applications.workflow import State

BEFORE = timedelta(days=2)
# What `Assessment.reminded` says.
SOON, LATE = 1, 2
AT_ONCE = 200


async def remind_experts(session: AsyncSession) -> int:
    """Tell what has fallen due since the last look; how many sheets it was about. After an outage only the later of two is told."""
    actor = system_actor()
    now = actor.received_at
    query = (
        select(Assessment)
        .join(Application, Application.id == Assessment.application_id)
        .where(
            Assessment.submitted_at.is_(None),
            or_(
                (Assessment.reminded < SOON) & (Assessment.due_at <= now + BEFORE),
                (Assessment.reminded < LATE) & (Assessment.due_at <= now),
            ),
            Application.state == State.EXPERT_REVIEW,
            Application.deleted_at.is_(None),
        )
        .limit(AT_ONCE)
        .with_for_update(of=Assessment, skip_locked=True)
    )
    found = list(await session.scalars(query))
    for sheet in found:
        assert sheet.due_at is not None
        late = sheet.due_at <= now
        await tell(session, actor, [sheet.account], "score_late" if late else "score_due", sheet.application_id)
        if late:
            await tell(session, actor, [sheet.assigned_by], "expert_late", sheet.application_id)
        sheet.reminded = LATE if late else SOON
    return len(found)
