"""A new master key: every application's own key is wrapped again, its values stay as they are."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.codec import Codec
from services.applications.models import Application
from services.applications.use_cases.lapse import system_actor
from services.applications.use_cases.recording import record

BATCH = 500


async def rewrap(sessions: async_sessionmaker[AsyncSession], codec: Codec) -> int:
    """How many were under another master key. It may be stopped and begun again, and people may go on working."""
    count, last = 0, None
    while True:
        async with sessions.begin() as session:
            query = select(Application.id, Application.wrapped_key).order_by(Application.id).limit(BATCH)
            found = (await session.execute(query.where(Application.id > last) if last else query)).all()
            changed = 0
            for id, wrapped in found:
                # A key that was forgotten stays so.
                new = codec.rewrap(id, wrapped) if wrapped else None
                if new is not None:
                    await session.execute(
                        update(Application)
                        .where(Application.id == id, Application.wrapped_key == wrapped)
                        .values(wrapped_key=new)
                    )
                    changed += 1
            if changed:
                record(session, system_actor(), "rewrap", count=changed)
        count += changed
        if not found:
            return count
        last = found[-1].id
