"""Select what falls due."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.applications import Application
from services.applications.workflow import State


async def overdue(session: AsyncSession, at: datetime, limit: int = 100) -> list[Application]:
    """Returned applications whose correction deadline had passed at `at`, each locked, those in work left out."""
    query = (
        select(Application)
        .where(Application.state == State.RETURNED, Application.correct_by < at)
        .where(Application.deleted_at.is_(None))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(await session.scalars(query))
