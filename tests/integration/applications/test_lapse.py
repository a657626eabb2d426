"""逾期未补正: found in the database once nobody's request can be on its way any more."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.codec import Codec
from services.applications.operations.lapse import GRACE, lapse_overdue
from services.applications.tables.applications import Application
from shared import clock
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api

Sessions = async_sessionmaker[AsyncSession]
WHO = factories.applicant()
REVIEWER = factories.staff(Role.REVIEWER)


@pytest.fixture
async def returned(api: Api, submitted: str) -> str:
    """An application returned with one opinion, answered."""
    opinions = [{"section": "contact", "field": "email", "text": "请核对邮箱"}]
    correct_by = (clock.now() + timedelta(days=5)).isoformat()
    answer = await api.act(REVIEWER, submitted, "return", correct_by=correct_by, opinions=opinions)
    assert answer.status == 200, await answer.text()
    path = f"/api/v1/applications/{submitted}/opinions"
    [opinion] = await (await api.call("GET", path, WHO)).json()
    answer = await api.call("PUT", f"{path}/{opinion['id']}", WHO, json={"reply": "已核对"})
    assert answer.status == 200, await answer.text()
    return submitted


async def due(sessions: Sessions, id: str, at: datetime) -> None:
    async with sessions.begin() as session:
        await session.execute(update(Application).where(Application.id == UUID(id)).values(correct_by=at))


async def lapse(sessions: Sessions) -> int:
    async with sessions.begin() as session:
        return await lapse_overdue(session, Codec(b"m" * 32))


async def state(api: Api, id: str) -> str:
    return str((await (await api.call("GET", f"/api/v1/applications/{id}", WHO)).json())["state"])


async def test_what_was_received_in_time_is_accepted_after_the_deadline(
    api: Api, sessions: Sessions, returned: str
) -> None:
    # Nothing was changed after it: what was, would count against an arrival in the past.
    deadline = clock.now()
    await due(sessions, returned, deadline)
    assert await lapse(sessions) == 0
    late = await api.submit(WHO, returned, received_at=deadline + timedelta(milliseconds=1))
    assert (late.status, (await late.json())["type"]) == (409, "correction_overdue")
    in_time = await api.submit(WHO, returned, received_at=deadline)
    assert in_time.status == 200, await in_time.text()


async def test_overdue_lapses_once_and_an_extension_brings_it_back(
    api: Api, sessions: Sessions, returned: str
) -> None:
    await due(sessions, returned, clock.now() - GRACE - timedelta(seconds=1))
    assert await lapse(sessions) == 1
    assert await lapse(sessions) == 0
    assert await state(api, returned) == "lapsed"
    found = await (await api.call("GET", f"/api/v1/applications/{returned}", WHO)).json()
    told = found["decided"]
    assert (told["action"], told["missed"], told["letter"]["name"]) == (
        "lapse", found["correct_by"], "退回补正通知书",
    )  # fmt: skip
    refused = await api.submit(WHO, returned)
    assert (refused.status, (await refused.json())["type"]) == (409, "wrong_state")
    until = (clock.now() + timedelta(days=2)).isoformat()
    extended = await api.act(REVIEWER, returned, "extend", correct_by=until, reason="材料仍在办理")
    assert extended.status == 200, await extended.text()
    assert (await extended.json())["decided"] is None
    assert (await api.submit(WHO, returned)).status == 200
