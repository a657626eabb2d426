"""常见退回原因: told from opinions of closed rounds, where there are many of them, in words that several enterprises were given."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.tables.applications import Application, Opinion, Round
from shared import clock
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()
OFTEN, ALSO, NAMED = "请填写开户行全称", "账号与开户许可证不一致", "请李响在承诺书上签字"
PLACE = {"section": "fund_plan", "field": "bank_name"}


@pytest.fixture
async def returned(api: Api, round_id: str, sessions: async_sessionmaker[AsyncSession]) -> list[UUID]:
    """Six drafts of six enterprises that were returned once."""
    found = []
    for number in range(6):
        who = factories.applicant((f"91110108000000{number:03d}X", f"第{number}家"), account=f"acc-{number}")
        found.append(UUID((await api.create(who, round_id))["id"]))
    async with sessions.begin() as session:
        await session.execute(update(Application).where(Application.id.in_(found)).values(round_trips=1))
    return found


async def say(
    sessions: async_sessionmaker[AsyncSession], of: list[UUID], text: str, times: int, trip: int = 1, **place: str
) -> None:
    async with sessions.begin() as session:
        for id in of:
            for _ in range(times):
                session.add(
                    Opinion(
                        id=uuid4(), application_id=id, round_trip=trip, text=text, author="rev", author_name="审核",
                        **(place or PLACE),
                    )
                )  # fmt: skip


async def close(sessions: async_sessionmaker[AsyncSession], round_id: str, ago: timedelta) -> None:
    async with sessions.begin() as session:
        at = clock.now() - ago
        await session.execute(
            update(Round).where(Round.id == UUID(round_id)).values(opens_at=at - timedelta(days=30), closes_at=at)
        )


async def told(api: Api) -> list[dict[str, Any]]:
    answer = await api.call("GET", "/api/v1/common-returns/reward", WHO)
    assert answer.status == 200
    return list(await answer.json())


async def test_common_returns(
    api: Api, round_id: str, returned: list[UUID], sessions: async_sessionmaker[AsyncSession]
) -> None:
    await say(sessions, returned, OFTEN, 3)
    # To one enterprise alone, however often: it may name somebody.
    await say(sessions, returned[:1], NAMED, 9)
    # A place with few opinions, and one without a text that several were given.
    await say(sessions, returned, "请补充", 3, section="contact", field="landline")
    await say(sessions, returned[:2], "换一份", 20, section="company", field="licence")
    # Noted, and not sent yet; of a whole material.
    await say(sessions, returned, "尚未发出", 4, trip=2)
    await say(sessions, returned, "整体", 4, section="fund_plan")
    await close(sessions, round_id, timedelta(days=-1))
    # The round is still open.
    assert await told(api) == []
    await close(sessions, round_id, timedelta(days=1))
    assert await told(api) == [{**PLACE, "texts": [OFTEN]}]
    await say(sessions, returned[:5], f" {ALSO}\n", 1)
    assert await told(api) == [{**PLACE, "texts": [OFTEN, ALSO]}]
    assert await (await api.call("GET", "/api/v1/common-returns/subsidy", WHO)).json() == []


async def test_common_returns_are_for_applicants(api: Api) -> None:
    answer = await api.call("GET", "/api/v1/common-returns/reward", factories.staff(Role.EXPERT))
    assert answer.status == 403
