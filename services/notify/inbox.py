"""What an enterprise finds in its inbox, and the ledger as other services may read it."""

from uuid import UUID

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.notify.models import Notification
from shared.errors import Malformed, NotAllowed, NotFound
from shared.identity import Actor
from shared.messages import Deliveries, Delivery

PAGE = 20
LEDGER_PAGE = 500


def _scope(actor: Actor) -> str:
    """The one place that says whose notices an applicant sees."""
    if not actor.enterprise:
        raise NotAllowed
    return actor.enterprise


async def notices(session: AsyncSession, actor: Actor, cursor: str) -> tuple[list[Notification], str | None, int]:
    """A page, newest first; the cursor of the next; how many are unread."""
    mine = Notification.enterprise == _scope(actor)
    order = (Notification.occurred_at, Notification.event_id)
    query = select(Notification).where(mine).order_by(*(column.desc() for column in order)).limit(PAGE + 1)
    if cursor:
        last = await _by_id(session, actor, cursor)
        query = query.where(tuple_(*order) < (last.occurred_at, last.event_id))
    found = list(await session.scalars(query))
    unread = await session.scalar(select(func.count()).where(mine, Notification.read_at.is_(None)))
    more = len(found) > PAGE
    return found[:PAGE], str(found[PAGE - 1].event_id) if more else None, int(unread or 0)


async def _by_id(session: AsyncSession, actor: Actor, text: str) -> Notification:
    try:
        id = UUID(text)
    except ValueError:
        raise Malformed("翻页位置无效，请从第一页重新查看。", code="bad_cursor") from None
    return await notice(session, actor, id)


async def notice(session: AsyncSession, actor: Actor, id: UUID) -> Notification:
    """One of the actor's notices, or `NotFound`."""
    found = await session.scalar(
        select(Notification).where(Notification.event_id == id, Notification.enterprise == _scope(actor))
    )
    if found is None:
        raise NotFound("没有这条通知。")
    return found


async def mark_read(session: AsyncSession, actor: Actor, id: UUID) -> None:
    """Read once; reading again changes nothing."""
    await notice(session, actor, id)
    await session.execute(
        update(Notification)
        .where(Notification.event_id == id, Notification.read_at.is_(None))
        .values(read_at=func.now())
    )


async def deliveries(session: AsyncSession, application_id: UUID | None, after: UUID | None) -> Deliveries:
    """A page of the ledger in event-id order, of one application or of all."""
    query = select(Notification).order_by(Notification.event_id).limit(LEDGER_PAGE + 1)
    if application_id is not None:
        query = query.where(Notification.application_id == application_id)
    if after is not None:
        query = query.where(Notification.event_id > after)
    found = list(await session.scalars(query))
    page = [Delivery.model_validate({name: getattr(row, name) for name in Delivery.model_fields}) for row in found]
    more = len(found) > LEDGER_PAGE
    return Deliveries(items=page[:LEDGER_PAGE], next_after=page[LEDGER_PAGE - 1].event_id if more else None)
