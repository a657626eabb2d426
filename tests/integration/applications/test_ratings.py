"""好差评: once, by its own enterprise, when a case has ended; the bureau reads scores and words, and no names."""

import asyncio
from uuid import UUID

import pytest
from aiohttp import ClientResponse
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.tables.applications import Application, Audit
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()
REVIEWER = factories.staff(Role.REVIEWER)


async def rate(api: Api, id: str, score: object, text: str = "", who: object = WHO) -> ClientResponse:
    return await api.call("PUT", f"/api/v1/applications/{id}/rating", who, json={"score": score, "text": text})  # type: ignore[arg-type]


@pytest.fixture
async def ended(submitted: str, sessions: async_sessionmaker[AsyncSession]) -> str:
    async with sessions.begin() as session:
        await session.execute(
            update(Application).where(Application.id == UUID(submitted)).values(state="rejected")
        )
    return submitted


async def test_rating_is_given_once_and_read_without_a_name(
    api: Api, ended: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    page = await (await api.call("GET", f"/api/v1/applications/{ended}/page", WHO)).json()
    assert (page["may_rate"], page["rating"]) == (True, None)
    said = "退回一次就说清楚了，<b>谢谢</b>"
    answers = await asyncio.gather(*(rate(api, ended, 4, said) for _ in range(3)))
    assert {answer.status for answer in answers} == {200}
    again = await rate(api, ended, 5, said)
    assert again.status == 409
    assert (await again.json())["type"].endswith("already_rated")
    page = await (await api.call("GET", f"/api/v1/applications/{ended}/page", WHO)).json()
    assert (page["rating"]["score"], page["rating"]["text"]) == (4, said)
    answer = await api.call("GET", "/api/v1/review/ratings", REVIEWER)
    text = await answer.text()
    found = await answer.json()
    assert found["rounds"][0]["counts"][1] >= 1
    assert found["latest"][0]["text"] == said
    assert factories.ENTERPRISE_1[1] not in text
    async with sessions.begin() as session:
        query = select(Audit.details).where(Audit.application_id == UUID(ended), Audit.action == "rate")
        assert list(await session.scalars(query)) == [{"score": 4}]


async def test_rating_waits_for_the_end(api: Api, submitted: str) -> None:
    answer = await rate(api, submitted, 5)
    assert answer.status == 409
    assert (await answer.json())["type"].endswith("wrong_state")


@pytest.mark.parametrize("score", [0, 6, "x", None])
async def test_rating_has_five_steps(api: Api, ended: str, score: object) -> None:
    assert (await rate(api, ended, score)).status == 400


async def test_rating_is_its_enterprises(api: Api, ended: str) -> None:
    assert (await rate(api, ended, 5, who=factories.applicant(factories.ENTERPRISE_2))).status == 404
    assert (await rate(api, ended, 5, who=REVIEWER)).status == 403
    assert (await rate(api, ended, 5, "字" * 501)).status == 400
    assert (await api.call("GET", "/api/v1/review/ratings", WHO)).status == 403
