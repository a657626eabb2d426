"""The master key changes while people work: nothing is lost, and the old key opens nothing afterwards."""

from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications import repository
from services.applications.codec import Codec, Unreadable
from services.applications.forms.catalogue import form
from services.applications.models import Application, Audit
from services.applications.use_cases.rewrapping import rewrap

Sessions = async_sessionmaker[AsyncSession]
# The fixture's settings hold the first.
OLD, NEW = b"m" * 32, b"n" * 32


async def _mobile(sessions: Sessions, id: str, codec: Codec) -> str:
    async with sessions.begin() as session:
        application = await session.get_one(Application, UUID(id))
        section = await repository.section(session, application.id, "contact")
        known = form(application.fund_type, application.form_version)
        assert section.saved is not None
        values = codec.of(application.id, application.wrapped_key, known).open("contact", section.saved)
    return str(values["mobile"])


async def test_every_key_goes_under_the_new_master_key(submitted: str, sessions: Sessions) -> None:
    async with sessions.begin() as session:
        total = await session.scalar(select(func.count()).select_from(Application))
    assert await _mobile(sessions, submitted, Codec(OLD)) == "13800138000"
    # Before the new key is in use, every process can already open what it will wrap.
    ready = Codec(OLD, NEW)
    changing = Codec(NEW, OLD)
    assert await _mobile(sessions, submitted, changing) == "13800138000"
    assert await rewrap(sessions, changing) == total
    assert await rewrap(sessions, changing) == 0
    for codec in (Codec(NEW), ready):
        assert await _mobile(sessions, submitted, codec) == "13800138000"
    with pytest.raises(Unreadable):
        await _mobile(sessions, submitted, Codec(OLD))
    with pytest.raises(Unreadable):
        await rewrap(sessions, Codec(OLD))
    async with sessions.begin() as session:
        row = await session.scalar(select(Audit).where(Audit.action == "rewrap"))
    assert row is not None
    assert row.details == {"count": total}
