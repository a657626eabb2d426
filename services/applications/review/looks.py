"""Remember how far each member of staff has seen a case, so that the list marks what is new and what has changed since."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.tables.applications import Application
from services.applications.tables.desk import CaseLook
from shared.identity import Actor

News = Literal["new", "changed", ""]
# Whoever goes to and fro between a case and its forms looks at it once.
ONE_LOOK = timedelta(minutes=5)


async def look(session: AsyncSession, actor: Actor, application: Application) -> datetime | None:
    """Note that the actor sees a case as it is now, and return when they looked at it before; None at the first time. Within five minutes it
    is one look: what was news a moment ago still is."""
    before = await session.get(CaseLook, (actor.account, application.id))
    at, since = actor.received_at, None
    if before is not None:
        again = at - before.at <= ONE_LOOK
        at, since = (before.at, before.since) if again else (at, before.at)
        if again and before.version == application.version:
            return since
    row = {
        "account": actor.account, "application_id": application.id, "version": application.version,
        "at": at, "since": since,
    }  # fmt: skip
    statement = insert(CaseLook).values(row)
    # Two pages of one person at once: the later look counts.
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[CaseLook.account, CaseLook.application_id],
            set_={name: statement.excluded[name] for name in ("version", "at", "since")},
        )
    )
    return since


async def news(session: AsyncSession, actor: Actor, cases: Sequence[Application]) -> Mapping[UUID, News]:
    """Return of each case whether the actor has never opened it, or it has changed since they did."""
    query = select(CaseLook.application_id, CaseLook.version).where(
        CaseLook.account == actor.account, CaseLook.application_id.in_([case.id for case in cases])
    )
    seen = {row[0]: row[1] for row in await session.execute(query)}
    return {
        case.id: "new" if case.id not in seen else "changed" if seen[case.id] < case.version else ""
        for case in cases
    }
