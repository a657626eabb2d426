"""Keep views of the desk under the name that a member of staff gave each."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.desk import SavedFilter
from shared import codes
from shared.errors import Conflict, NotFound
from shared.identity import Actor

AT_MOST = 30


async def mine(session: AsyncSession, actor: Actor) -> list[SavedFilter]:
    """Return one's own, by name."""
    query = select(SavedFilter).where(SavedFilter.account == actor.account).order_by(SavedFilter.name)
    return list(await session.scalars(query))


async def keep(session: AsyncSession, actor: Actor, name: str, query: dict[str, Any]) -> SavedFilter:
    """Keep a view; one of the same name is replaced."""
    others = select(func.count()).where(SavedFilter.account == actor.account, SavedFilter.name != name)
    if int(await session.scalar(others) or 0) >= AT_MOST:
        raise Conflict(f"最多保存 {AT_MOST} 个常用筛选，请先删除不用的。", code=codes.TOO_MANY_FILTERS)
    row = {"id": uuid4(), "account": actor.account, "name": name, "query": query}
    statement = (
        insert(SavedFilter)
        .values(row)
        .on_conflict_do_update(index_elements=[SavedFilter.account, SavedFilter.name], set_={"query": query})
        .returning(SavedFilter)
    )
    return (await session.scalars(statement, execution_options={"populate_existing": True})).one()


async def forget(session: AsyncSession, actor: Actor, id: UUID) -> None:
    """Give up one's own; `NotFound` for anybody else's."""
    statement = delete(SavedFilter).where(SavedFilter.id == id, SavedFilter.account == actor.account)
    if (await session.execute(statement.returning(SavedFilter.id))).scalar_one_or_none() is None:
        raise NotFound("没有这个常用筛选。")
