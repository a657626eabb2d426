"""暂存 beside whoever else is at work on the same application: it waits for them, and never writes past them."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.context import ENGINE
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.applications.test_bad_input import problem

WHO = factories.applicant()
# A move as `make_move` writes it.
MOVED = "UPDATE applications.applications SET state = 'pending_acceptance', version = version + 1 WHERE id = :id"
KEPT = "SELECT draft FROM applications.sections WHERE application_id = :id AND key = 'contact'"
Sessions = async_sessionmaker[AsyncSession]


async def keep(api: Api, id: str, etag: str, email: str = "li@example.com") -> Any:
    path = f"/api/v1/applications/{id}/sections/contact/draft"
    return await api.call("PUT", path, WHO, json={"values": {"email": email}}, headers={"If-Match": etag})


@pytest.fixture
async def draft(api: Api, round_id: str) -> tuple[str, str]:
    """An application and its section's tag."""
    id = (await api.create(WHO, round_id))["id"]
    return id, (await api.call("GET", f"/api/v1/applications/{id}/sections/contact", WHO)).headers["ETag"]


async def test_a_move_under_way_is_waited_for(api: Api, sessions: Sessions, draft: tuple[str, str]) -> None:
    id, etag = draft
    async with sessions.begin() as session:
        await session.execute(text(MOVED), {"id": id})
        waiting = asyncio.create_task(keep(api, id, etag))
        await asyncio.sleep(0.5)
        assert not waiting.done()
    await problem(await waiting, 409, "wrong_state")
    async with sessions.begin() as session:
        assert await session.scalar(text(KEPT), {"id": id}) is None


async def test_a_move_that_is_given_up_stops_nobody(api: Api, sessions: Sessions, draft: tuple[str, str]) -> None:
    id, etag = draft
    async with sessions() as session:
        await session.execute(text(MOVED), {"id": id})
        waiting = asyncio.create_task(keep(api, id, etag))
        await asyncio.sleep(0.2)
        await session.rollback()
    assert (await waiting).status == 200
    async with sessions.begin() as session:
        assert await session.scalar(text(KEPT), {"id": id}) == {"email": "li@example.com"}


async def test_of_many_at_once_one_is_kept_and_the_others_are_told(api: Api, draft: tuple[str, str]) -> None:
    id, etag = draft
    answers = await asyncio.gather(*(keep(api, id, etag, f"li{n}@example.com") for n in range(6)))
    assert sorted(a.status for a in answers) == [200, 412, 412, 412, 412, 412]
    winner = await next(a for a in answers if a.status == 200).json()
    for answer in answers:
        if answer.status == 412:
            told = await answer.json()
            # Both copies as they are now: whoever was slower merges.
            assert told["current"]["draft"] == winner["values"]
            assert told["current"]["etag"] == winner["etag"]


async def test_it_takes_two_statements_and_no_lock_before_the_write(
    api: Api, server: Any, draft: tuple[str, str]
) -> None:
    id, etag = draft
    said: list[str] = []
    engine = server.app[ENGINE].sync_engine

    def note(_: Any, __: Any, statement: str, *rest: Any) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert (await keep(api, id, etag)).status == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    look, write = said
    assert look.startswith("SELECT")
    assert "FOR " not in look
    assert "sections.saved," not in look
    assert write.startswith("UPDATE applications.sections")
