"""Select 申报通知: versions of a round's notice, and their files."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.applications import Application
from services.applications.tables.notices import Notice, NoticeFile


async def notice(session: AsyncSession, round_id: UUID, number: int) -> Notice | None:
    """Return one version; None where the round has no such version, 0 among it."""
    return await session.get(Notice, (round_id, number)) if number else None


async def latest(session: AsyncSession, round_id: UUID) -> int:
    """Return the number of the version that was written last; 0 where there is none."""
    query = select(func.coalesce(func.max(Notice.number), 0)).where(Notice.round_id == round_id)
    return int(await session.scalar(query) or 0)


async def files(session: AsyncSession, round_id: UUID, ids: Iterable[str]) -> list[NoticeFile]:
    """Return files of a round by these ids, in this order; those that are not there are left out."""
    wanted = list(ids)
    if not wanted:
        return []
    query = select(NoticeFile).where(NoticeFile.round_id == round_id, NoticeFile.id.in_(map(UUID, wanted)))
    found = {str(file.id): file for file in await session.scalars(query)}
    return [found[id] for id in wanted if id in found]


async def count_files(session: AsyncSession, round_id: UUID) -> int:
    """Return how many files were uploaded for a round's notice, those that no version names among them."""
    query = select(func.count()).select_from(NoticeFile).where(NoticeFile.round_id == round_id)
    return int(await session.scalar(query) or 0)


async def answered(session: AsyncSession, application_id: UUID) -> list[tuple[str, str]]:
    """Return the questions of eligibility that were answered before an application was begun, with the answers."""
    kept = await session.scalar(select(Application.eligibility).where(Application.id == application_id))
    return [(each["label"], each["answer"]) for each in (kept or {}).get("answers", ())]
