"""A 提交申请 that came in time, was sent away by overload, and came again after the round had closed."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientResponse
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.models import Audit, Round
from shared import clock, tickets
from shared.identity import Actor, Signer
from shared.tickets import Ticket
from tests import factories
from tests.integration.applications.conftest import Api

GATEWAY = Signer("gateway", factories.private_key("gateway"))


@pytest.fixture
def applicant() -> Actor:
    return factories.applicant()


@pytest.fixture
async def ready(api: Api, applicant: Actor, round_id: str) -> str:
    id = str((await api.create(applicant, round_id))["id"])
    await api.fill(applicant, id)
    return id


async def close(sessions: async_sessionmaker[AsyncSession], round_id: str) -> None:
    async with sessions.begin() as session:
        await session.execute(
            update(Round).where(Round.id == UUID(round_id)).values(closes_at=clock.now() - timedelta(seconds=1))
        )


@pytest.fixture
async def closed(sessions: async_sessionmaker[AsyncSession], round_id: str):  # type: ignore[no-untyped-def]
    """Closes the round when asked to, and opens it again for the next test."""
    yield lambda: close(sessions, round_id)
    async with sessions.begin() as session:
        later = clock.now() + timedelta(days=30)
        await session.execute(update(Round).where(Round.id == UUID(round_id)).values(closes_at=later))


async def again(api: Api, who: Actor, id: str, ticket: Ticket | None) -> ClientResponse:
    headers = {"If-Match": await api.etag(who, id), "Idempotency-Key": uuid4().hex}
    if ticket is not None:
        headers[tickets.HEADER] = tickets.issue(GATEWAY, ticket)
    return await api.call("POST", f"/api/v1/applications/{id}/submit", who, json={}, headers=headers)


async def test_first_arrival_counts(api: Api, applicant: Actor, sessions, ready: str, closed) -> None:  # type: ignore[no-untyped-def]
    arrived = clock.now() - timedelta(seconds=1)
    version = (await api.etag(applicant, ready)).strip('"')
    await closed()
    refused = await again(api, applicant, ready, None)
    assert refused.status == 409
    taken = await again(
        api, applicant, ready, Ticket(application=UUID(ready), version=version, received_at=arrived)
    )
    assert taken.status == 200, await taken.text()
    receipt = (await taken.json())["receipt"]
    assert receipt["received_at"].startswith(arrived.isoformat()[:22])
    async with sessions() as session:
        row = await session.scalar(
            select(Audit).where(Audit.application_id == UUID(ready), Audit.action == "submit")
        )
    assert row is not None
    assert row.details["came_again_at"] > arrived.isoformat()


async def test_ticket_of_another_application_or_version_counts_for_nothing(
    api: Api,
    applicant: Actor,
    ready: str,
    closed,  # type: ignore[no-untyped-def]
) -> None:
    version = (await api.etag(applicant, ready)).strip('"')
    arrived = clock.now()
    await closed()
    for ticket in (
        Ticket(application=uuid4(), version=version, received_at=arrived),
        Ticket(application=UUID(ready), version="1", received_at=arrived),
    ):
        assert (await again(api, applicant, ready, ticket)).status == 409


async def test_nothing_may_be_written_between_the_arrivals(
    api: Api,
    applicant: Actor,
    ready: str,
    closed,  # type: ignore[no-untyped-def]
) -> None:
    """Whoever names a version that is still to come, and goes on writing until it has come, gains nothing."""
    to_come = int((await api.etag(applicant, ready)).strip('"')) + 1
    ticket = Ticket(application=UUID(ready), version=str(to_come), received_at=clock.now() - timedelta(seconds=10))
    await closed()
    values = (
        await (await api.call("GET", f"/api/v1/applications/{ready}/sections/social_benefit", applicant)).json()
    )["saved"]
    await api.save(applicant, ready, "social_benefit", values)
    assert (await api.etag(applicant, ready)).strip('"') == ticket.version
    refused = await again(api, applicant, ready, ticket)
    assert refused.status == 409
