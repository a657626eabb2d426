"""暂存 beside whoever else is at work on the same application: it waits for them, and never writes past them."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.context import ENGINE
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.applications.locks import until_waited_for
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
        await until_waited_for(session)
        assert not waiting.done()
    await problem(await waiting, 409, "wrong_state")
    async with sessions.begin() as session:
        assert await session.scalar(text(KEPT), {"id": id}) is None


async def test_a_move_that_is_given_up_stops_nobody(api: Api, sessions: Sessions, draft: tuple[str, str]) -> None:
    id, etag = draft
    async with sessions() as session:
        await session.execute(text(MOVED), {"id": id})
        waiting = asyncio.create_task(keep(api, id, etag))
        await until_waited_for(session)
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


async def test_it_takes_two_statements_and_no_lock_before_the_write_and_afterwards_one(
    api: Api, server: Any, draft: tuple[str, str]
) -> None:
    id, etag = draft
    said: list[str] = []
    engine = server.app[ENGINE].sync_engine

    def note(_: Any, __: Any, statement: str, *rest: Any) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        first = await keep(api, id, etag)
        again = await keep(api, id, first.headers["ETag"], "wang@example.com")
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert (first.status, again.status) == (200, 200)
    look, write, only = said
    assert look.startswith("SELECT")
    assert "FOR " not in look
    assert "sections.saved," not in look
    assert write.startswith("UPDATE applications.sections")
    assert only == write
    shown = await api.call("GET", f"/api/v1/applications/{id}/sections/contact", WHO)
    assert shown.headers["ETag"] == again.headers["ETag"]
    assert (await shown.json())["draft"] == {"email": "wang@example.com"}


# What happens between two 暂存 of one section, and how the second is answered: as if nothing had been remembered.
MEANWHILE = {
    "handed in": (MOVED, 409),
    "deleted": ("UPDATE applications.applications SET deleted_at = now() WHERE id = :id", 404),
    "kept by somebody else": ("UPDATE applications.sections SET etag = etag + 1 WHERE application_id = :id", 412),
    "saved elsewhere": ("UPDATE applications.applications SET version = version + 1 WHERE id = :id", 200),
    "registry asked again": (
        "UPDATE applications.applications SET registry_asked_at = now() WHERE id = :id", 200
    ),
    "round changed": (
        "UPDATE applications.rounds SET version = version + 1"
        " WHERE id = (SELECT round_id FROM applications.applications WHERE id = :id)", 200
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", MEANWHILE)
async def test_what_is_remembered_of_a_draft_is_compared_before_it_counts(
    api: Api, sessions: Sessions, draft: tuple[str, str], what: str
) -> None:
    id, etag = draft
    tag = (await keep(api, id, etag)).headers["ETag"]
    change, status = MEANWHILE[what]
    async with sessions.begin() as session:
        await session.execute(text(change), {"id": id})
    answer = await keep(api, id, tag, "wang@example.com")
    assert answer.status == status
    async with sessions.begin() as session:
        kept = await session.scalar(text(KEPT), {"id": id})
    assert kept == {"email": "wang@example.com" if status == 200 else "li@example.com"}


async def test_what_is_remembered_of_a_draft_is_nobody_elses(api: Api, draft: tuple[str, str]) -> None:
    id, etag = draft
    tag = (await keep(api, id, etag)).headers["ETag"]
    path, other = f"/api/v1/applications/{id}/sections/contact/draft", factories.applicant(factories.ENTERPRISE_2)
    body: dict[str, Any] = {"json": {"values": {"email": "x@example.com"}}, "headers": {"If-Match": tag}}
    await problem(await api.call("PUT", path, other, **body), 404, "not_found")
    assert (await keep(api, id, tag)).status == 200


async def test_a_move_under_way_is_waited_for_by_whoever_looks_at_nothing(
    api: Api, sessions: Sessions, draft: tuple[str, str]
) -> None:
    id, etag = draft
    tag = (await keep(api, id, etag)).headers["ETag"]
    async with sessions.begin() as session:
        await session.execute(text(MOVED), {"id": id})
        waiting = asyncio.create_task(keep(api, id, tag, "wang@example.com"))
        await asyncio.sleep(0.3)
        assert not waiting.done()
    await problem(await waiting, 409, "wrong_state")
