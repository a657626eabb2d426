"""Group cases into batches (审核批) that are taken in together. 纳批 puts a case into the round's newest open batch unless
told otherwise."""

from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import round_queries
from services.applications.core.audit import record
from services.applications.tables.applications import Application
from services.applications.tables.decision import Batch
from shared import clock, codes
from shared.errors import Conflict, FieldError, Invalid, NotFound
from shared.identity import Actor

# Lists show how many cases each batch has, the desk on every page; an exact number would cost what there is to count.
COUNT_UP_TO = 1000


async def listed(session: AsyncSession, round_id: UUID | None = None) -> list[tuple[Batch, int]]:
    """Batches, the newest first, and how many cases each has, counted no further than `COUNT_UP_TO`."""
    some = (
        select(Application.id)
        .where(
            Application.batch_id == Batch.id,
            Application.deleted_at.is_(None),
            Application.submitted_at.is_not(None),
        )
        .limit(COUNT_UP_TO)
        .correlate(Batch)
        .subquery()
        .lateral()
    )
    counted = select(func.count()).select_from(some).correlate(Batch).scalar_subquery()
    query = select(Batch, counted).order_by(Batch.created_at.desc(), Batch.id)
    if round_id is not None:
        query = query.where(Batch.round_id == round_id)
    return [(row[0], int(row[1])) for row in await session.execute(query)]


async def open_in(session: AsyncSession, round_id: UUID) -> list[Batch]:
    """Return the batches of a round that cases can be taken into, the newest first."""
    query = select(Batch).where(Batch.round_id == round_id, Batch.closed_at.is_(None))
    return list(await session.scalars(query.order_by(Batch.created_at.desc(), Batch.id)))


async def make(session: AsyncSession, actor: Actor, round_id: UUID, name: str) -> Batch:
    """Return a new batch; `Conflict` when the round has one of this name."""
    await round_queries.round_(session, round_id)
    made: Batch | None = await session.scalar(
        insert(Batch)
        .values(id=uuid4(), round_id=round_id, name=name, created_by=actor.account)
        .on_conflict_do_nothing(index_elements=[Batch.round_id, Batch.name])
        .returning(Batch)
    )
    if made is None:
        raise Conflict("本批次下已有同名的审核批。", code=codes.BATCH_EXISTS)
    record(session, actor, "make_batch", round=str(round_id), batch=str(made.id), name=name)
    return made


async def close(session: AsyncSession, actor: Actor, id: UUID) -> Batch:
    """Close a batch: nothing more is taken into it, what is in it goes on."""
    found = await session.get(Batch, id, with_for_update=True)
    if found is None:
        raise NotFound("没有这个审核批。")
    if found.closed_at is None:
        found.closed_at = clock.now()
        record(session, actor, "close_batch", batch=str(id), name=found.name)
        await session.flush()
    return found


async def for_case(session: AsyncSession, actor: Actor, application: Application, wanted: UUID | None) -> Batch:
    """Return the batch a case is taken into: the one named, else the round's newest open one, else its first."""
    if wanted is not None:
        found = await session.get(Batch, wanted, with_for_update={"read": True})
        if found is None or found.round_id != application.round_id:
            message = "没有这个审核批，或它不属于该申请的申报批次"
            raise Invalid([FieldError(field="batch", code=codes.UNKNOWN_BATCH, message=message)])
        if found.closed_at is not None:
            raise Conflict("该审核批已封批，请选择其他审核批。", code=codes.BATCH_CLOSED)
        return found
    query = (
        select(Batch)
        .where(Batch.round_id == application.round_id, Batch.closed_at.is_(None))
        .order_by(Batch.created_at.desc(), Batch.id)
        .limit(1)
        .with_for_update(read=True)
    )
    if (newest := await session.scalar(query)) is not None:
        return newest
    known = await session.scalar(
        select(func.count()).select_from(Batch).where(Batch.round_id == application.round_id)
    )
    name = f"第 {int(known or 0) + 1} 批"
    # Two who take the very first case of a round in at once: the second finds the first one's batch.
    await session.execute(
        insert(Batch)
        .values(id=uuid4(), round_id=application.round_id, name=name, created_by=actor.account)
        .on_conflict_do_nothing(index_elements=[Batch.round_id, Batch.name])
    )
    return (
        await session.scalars(select(Batch).where(Batch.round_id == application.round_id, Batch.name == name))
    ).one()
