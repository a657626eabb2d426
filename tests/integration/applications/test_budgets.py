"""What one enterprise makes others pay for is bounded: drafts, files, previews, withdrawals; nobody else waits for it."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.context import SETTINGS, STORE
from services.applications.filling import budgets
from services.applications.operations.reconcile import reconcile
from services.applications.outbox import outbox
from services.applications.tables.applications import Application, Attachment, Owed
from shared.messages import NOTIFY, RENDER_DOCUMENT
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.applications.test_reconcile import nobody

Sessions = async_sessionmaker[AsyncSession]
HONEST = factories.applicant(factories.ENTERPRISE_2)


def somebody(n: int) -> Any:
    """An enterprise of one's own for each test, so that none meets another's limit."""
    return factories.applicant((f"9111010800000{n:04d}X"[:18], f"企业{n}"))


async def withdraw(api: Api, who: Any, id: str) -> Any:
    return await api.call(
        "POST", f"/api/v1/applications/{id}/withdraw", who, json={}, headers={"If-Match": await api.etag(who, id)}
    )


async def test_an_application_is_withdrawn_a_few_times_an_hour_and_submitted_as_often_as_one_likes(
    api: Api, submitted: str, sessions: Sessions, server: TestServer
) -> None:
    who = factories.applicant()
    for _ in range(budgets.WITHDRAWALS):
        assert (await withdraw(api, who, submitted)).status == 200
        again = await api.submit(who, submitted)
        assert again.status == 200, await again.text()
    refused = await withdraw(api, who, submitted)
    problem = await refused.json()
    assert (refused.status, problem["type"]) == (429, "budget")
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert "分钟后再试" in problem["detail"]
    assert "已提交的内容有效" in problem["detail"]
    # It stands as it was submitted.
    view = await (await api.call("GET", f"/api/v1/applications/{submitted}", who)).json()
    assert view["state"] == "pending_acceptance"
    async with sessions.begin() as session:
        rows = list(await session.scalars(select(Owed).where(Owed.application_id == UUID(submitted))))
        mails = [row for row in rows if row.topic == NOTIFY]
        # What was taken back before anybody had begun is not sent, and its PDF comes after everybody else's.
        assert len([row for row in mails if row.done_at is None]) == 1
        assert {row.last_error for row in mails if row.done_at is not None} == {outbox.CANCELLED}
        bulk = [row for row in rows if row.topic == RENDER_DOCUMENT and row.priority == outbox.BULK]
        assert len(bulk) == budgets.WITHDRAWALS
    async with sessions.begin() as session:
        report = await reconcile(session, server.app[STORE], nobody)
    assert not [line for line in report.differences if "通知台账中没有" in line]


async def test_a_mail_that_is_being_sent_is_not_taken_back(api: Api, submitted: str, sessions: Sessions) -> None:
    async with sessions.begin() as session:
        at_work = Owed.application_id == UUID(submitted), Owed.topic == NOTIFY
        await session.execute(update(Owed).where(*at_work).values(attempt=uuid4()))
    assert (await withdraw(api, factories.applicant(), submitted)).status == 200
    async with sessions.begin() as session:
        [row] = await session.scalars(select(Owed).where(*at_work))
        assert row.done_at is None


async def test_drafts_are_bounded_in_a_round_and_the_reason_says_what_to_do(
    api: Api, round_id: str, server: TestServer
) -> None:
    who, most = somebody(1), server.app[SETTINGS].drafts_per_round
    made = [await api.create(who, round_id) for _ in range(most)]
    more = {"json": {"round_id": round_id}, "headers": {"Idempotency-Key": uuid4().hex}}
    refused = await api.call("POST", "/api/v1/applications", who, **more)
    problem = await refused.json()
    assert (refused.status, problem["type"]) == (409, "too_many_drafts")
    assert "删除" in problem["detail"]
    # Nobody else is concerned, and one that is deleted makes room.
    await api.create(HONEST, round_id)
    etag = await api.etag(who, made[0]["id"])
    gone = await api.call(
        "DELETE", f"/api/v1/applications/{made[0]['id']}", who, json={}, headers={"If-Match": etag}
    )
    assert gone.status == 204
    await api.create(who, round_id)


async def test_made_and_deleted_again_is_bounded_by_the_hour(
    api: Api, round_id: str, sessions: Sessions, server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "STARTED", 5 / server.app[SETTINGS].drafts_per_round)
    who = somebody(2)
    for _ in range(5):
        id = (await api.create(who, round_id))["id"]
        headers = {"If-Match": await api.etag(who, id)}
        await api.call("DELETE", f"/api/v1/applications/{id}", who, json={}, headers=headers)
    more = {"json": {"round_id": round_id}, "headers": {"Idempotency-Key": uuid4().hex}}
    refused = await api.call("POST", "/api/v1/applications", who, **more)
    assert (refused.status, (await refused.json())["type"]) == (429, "budget")
    async with sessions.begin() as session:
        long_ago = func.now() - budgets.HOUR
        mine = update(Application).where(Application.enterprise == who.enterprise)
        await session.execute(mine.values(created_at=long_ago))
    await api.create(who, round_id)


async def test_files_of_one_enterprise_are_bounded_together(
    api: Api, round_id: str, sessions: Sessions, server: TestServer
) -> None:
    who = somebody(3)
    first, second = [(await api.create(who, round_id))["id"] for _ in range(2)]
    kept = await api.upload(who, first, "project_content", "photos")
    whole = server.app[SETTINGS].enterprise_total_mb * 1024 * 1024
    async with sessions.begin() as session:
        await session.execute(update(Attachment).where(Attachment.id == UUID(kept)).values(size=whole))
    with pytest.raises(AssertionError, match="enterprise_total_too_large"):
        await api.upload(who, second, "project_content", "photos")
    other = (await api.create(HONEST, round_id))["id"]
    await api.upload(HONEST, other, "project_content", "photos")
    # What has ended years ago cannot be deleted, and takes no room.
    async with sessions.begin() as session:
        await session.execute(update(Application).where(Application.id == UUID(first)).values(state="approved"))
    await api.upload(who, second, "project_content", "photos")


async def test_many_previews_keep_no_honest_pdf_waiting(
    api: Api, round_id: str, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "PREVIEWS", 12)
    who = somebody(4)
    id = (await api.create(who, round_id))["id"]
    preview = f"/api/v1/applications/{id}/preview"
    for n in range(12):
        await api.save(who, id, "social_benefit", {"social_benefit": f"第 {n} 次"})
        assert (await api.call("POST", preview, who, json={})).status == 202
    await api.save(who, id, "social_benefit", {"social_benefit": "又一次"})
    refused = await api.call("POST", preview, who, json={})
    assert (refused.status, (await refused.json())["type"]) == (429, "budget")
    # The same content costs nothing, and is never refused.
    await api.save(who, id, "social_benefit", {"social_benefit": "第 3 次"})
    assert (await api.call("POST", preview, who, json={})).status == 202

    async def ahead() -> int:
        async with sessions.begin() as session:
            query = select(func.count()).where(
                Owed.application_id == UUID(id), Owed.priority <= outbox.WAITED_FOR, Owed.done_at.is_(None)
            )
            return int(await session.scalar(query) or 0)

    assert await ahead() == budgets.HURRIED
    # Somebody else's goes before all but those few.
    other = (await api.create(HONEST, round_id))["id"]
    answer = await api.call("POST", f"/api/v1/applications/{other}/preview", HONEST, json={})
    assert (await answer.json())["position"] <= budgets.HURRIED + 1 + await _others_waiting(sessions, id, other)
    # As they are made, whoever asks again is let forward.
    async with sessions.begin() as session:
        done = Owed.application_id == UUID(id), Owed.priority <= outbox.WAITED_FOR
        await session.execute(update(Owed).where(*done).values(done_at=func.now()))
    assert await ahead() == 0
    await api.save(who, id, "social_benefit", {"social_benefit": "第 11 次"})
    await api.call("POST", preview, who, json={})
    assert await ahead() == 1


async def _others_waiting(sessions: Sessions, *but: str) -> int:
    """What other tests of this module left in line before."""
    async with sessions.begin() as session:
        query = select(func.count()).where(
            Owed.topic == RENDER_DOCUMENT,
            Owed.done_at.is_(None),
            Owed.priority <= outbox.WAITED_FOR,
            Owed.application_id.not_in([UUID(id) for id in but]),
        )
        return int(await session.scalar(query) or 0)
