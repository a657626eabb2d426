"""Select the runs of 政策沙盘, and what they are made over."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.applications import Application, Opinion, Owed, Revision, Round
from services.applications.tables.forms import SandboxRun
from services.applications.workflow import State
from shared.errors import NotFound

# Runs of a type that stay to be read.
KEPT = 20


async def run(session: AsyncSession, fund_type: str, id: UUID, *, lock: bool = False) -> SandboxRun:
    found = await session.get(SandboxRun, id, with_for_update=lock or None)
    if found is None or found.fund_type != fund_type:
        raise NotFound("没有这次推演，可能已被更新的推演替换。")
    return found


async def runs(session: AsyncSession, fund_type: str) -> Sequence[SandboxRun]:
    """Return a type's runs, newest first."""
    query = select(SandboxRun).where(SandboxRun.fund_type == fund_type)
    return (await session.scalars(query.order_by(SandboxRun.asked_at.desc(), SandboxRun.id))).all()


async def forget_old(session: AsyncSession, fund_type: str) -> None:
    """Keep the newest runs of a type."""
    ended = [run.id for run in (await runs(session, fund_type))[KEPT - 1 :] if run.ended_at]
    await session.execute(delete(SandboxRun).where(SandboxRun.id.in_(ended)))


async def claim(session: AsyncSession, now: datetime) -> SandboxRun | None:
    """Return the run that has waited longest, or one whose worker is gone; nobody else gets it meanwhile."""
    waits = SandboxRun.state == "waiting"
    left = and_(SandboxRun.state == "running", SandboxRun.attempt_until < now)
    query = select(SandboxRun).where(or_(waits, left)).order_by(SandboxRun.asked_at).limit(1)
    found: SandboxRun | None = await session.scalar(query.with_for_update(skip_locked=True))
    return found


async def others_wait(session: AsyncSession, now: datetime) -> bool:
    """Tell whether a document or a notice is owed."""
    owed = exists().where(
        Owed.done_at.is_(None), Owed.parked_at.is_(None), Owed.next_at < now + timedelta(seconds=30)
    )
    return bool(await session.scalar(select(owed)))


async def rounds(session: AsyncSession, fund_type: str) -> list[tuple[Round, int]]:
    """Return the published rounds of a type, newest first, with how many applications were handed in."""
    count = func.count(Application.id)
    query = (
        select(Round, count)
        .outerjoin(Application, and_(Application.round_id == Round.id, *_handed_in()))
        .where(Round.fund_type == fund_type, Round.published_at.is_not(None))
        .group_by(Round.id)
        .order_by(Round.closes_at.desc(), Round.id)
    )
    return [(round_, cases) for round_, cases in await session.execute(query)]


def _handed_in() -> tuple[ColumnElement[bool], ...]:
    """Of applications those that were handed in and not taken back."""
    return (Application.revision > 0, Application.deleted_at.is_(None), Application.state != State.DRAFT)


async def counted(session: AsyncSession, ids: Sequence[UUID]) -> tuple[int, int]:
    """Return how many applications of rounds can be judged, and how many were forgotten."""
    known = func.length(Application.wrapped_key) > 0
    query = select(func.count().filter(known), func.count().filter(~known)).where(
        Application.round_id.in_(ids), *_handed_in()
    )
    there, forgotten = (await session.execute(query)).one()
    return int(there), int(forgotten)


async def some(
    session: AsyncSession, ids: Sequence[UUID], after: UUID, limit: int
) -> Sequence[tuple[Application, Revision]]:
    """Return some applications of rounds with their latest revisions, by id, those after one."""
    query = (
        select(Application, Revision)
        .join(Revision, and_(Revision.application_id == Application.id, Revision.number == Application.revision))
        .where(Application.round_id.in_(ids), *_handed_in(), func.length(Application.wrapped_key) > 0)
        .where(Application.id > after)
        .order_by(Application.id)
        .limit(limit)
    )
    return [(application, revision) for application, revision in await session.execute(query)]


async def returned(session: AsyncSession, ids: Sequence[UUID]) -> list[tuple[int, str, str | None, int]]:
    """Return the places that opinions of returns named most often: version of the form, section, field, and how many applications."""
    count = func.count(Opinion.application_id.distinct())
    query = (
        select(Application.form_version, Opinion.section, Opinion.field, count)
        .join(Application, Application.id == Opinion.application_id)
        .where(
            Application.round_id.in_(ids),
            Opinion.section.is_not(None),
            Opinion.round_trip <= Application.round_trips,
        )
        .group_by(Application.form_version, Opinion.section, Opinion.field)
        .order_by(count.desc(), Opinion.section, Opinion.field)
        .limit(60)
    )
    return [(version, section or "", field, n) for version, section, field, n in await session.execute(query)]
