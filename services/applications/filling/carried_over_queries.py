"""Select the reports on values taken over. Who may ask is decided with the application."""

from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.carried_over import LeftOver, Report


async def left_over(session: AsyncSession, id: UUID) -> list[LeftOver]:
    """Return what is left over of an application's values and was not dismissed."""
    query = select(LeftOver).where(LeftOver.application_id == id, LeftOver.dismissed_at.is_(None))
    return list(await session.scalars(query.order_by(LeftOver.created_at, LeftOver.position)))


_LEFT_OVER = select(func.count()).where(
    LeftOver.application_id == bindparam("application"), LeftOver.dismissed_at.is_(None)
)


async def count_left_over(session: AsyncSession, id: UUID) -> int:
    return int(await session.scalar(_LEFT_OVER, {"application": id}) or 0)


async def reports(session: AsyncSession, id: UUID) -> list[Report]:
    """Return what became of values that were taken over, newest first."""
    query = select(Report).where(Report.application_id == id)
    return list(await session.scalars(query.order_by(Report.created_at.desc(), Report.id)))
