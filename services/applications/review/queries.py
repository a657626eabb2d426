"""Select what the review desk reads and changes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.applications import Application, Opinion, Round
from shared.errors import NotFound


async def opinion(session: AsyncSession, id: UUID, opinion_id: UUID) -> Opinion:
    query = select(Opinion).where(Opinion.application_id == id, Opinion.id == opinion_id).with_for_update()
    found = await session.scalar(query)
    if found is None:
        raise NotFound("未找到该条意见。")
    return found


async def opinions_of_closed_rounds(
    session: AsyncSession, fund_type: str, at: datetime
) -> Sequence[Row[str | None, str | None, str, int, int]]:
    """Select what was said at fields of a type's applications in rounds that had closed: section, field, text, how often, and to how many
    enterprises. Opinions that were noted and not sent are not among them."""
    query = (
        select(
            Opinion.section,
            Opinion.field,
            Opinion.text,
            func.count(),
            func.count(Application.enterprise.distinct()),
        )
        .join(Application, Application.id == Opinion.application_id)
        .join(Round, Round.id == Application.round_id)
        .where(
            Round.fund_type == fund_type,
            Round.closes_at < at,
            Opinion.field.is_not(None),
            Opinion.round_trip <= Application.round_trips,
        )
        .group_by(Opinion.section, Opinion.field, Opinion.text)
    )
    return (await session.execute(query)).all()
