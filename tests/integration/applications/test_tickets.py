"""A 提交申请 that came in time, was sent away by overload, and came again after the round had closed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientResponse
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.submission.tickets import CLOCKS
from services.applications.tables.applications import Audit, Round
from shared import clock, tickets
from shared.identity import Actor, Signer
from shared.tickets import Ticket
from tests import factories
from tests.integration.applications.conftest import Api

GATEWAY = Signer("gateway", factories.private_key("gateway"))
Close = Callable[[], Awaitable[datetime]]


@pytest.fixture
def applicant() -> Actor:
    return factories.applicant()


@pytest.fixture
async def ready(api: Api, applicant: Actor, round_id: str) -> str:
    id = str((await api.create(applicant, round_id))["id"])
    await api.fill(applicant, id)
    return id


@pytest.fixture
async def close(sessions: async_sessionmaker[AsyncSession], round_id: str):  # type: ignore[no-untyped-def]
    """Closes the round half a second ago when asked to, and opens it again for the next test."""

    async def until(instant: datetime) -> datetime:
        async with sessions.begin() as session:
            await session.execute(update(Round).where(Round.id == UUID(round_id)).values(closes_at=instant))
        return instant

    yield lambda: until(clock.now() - timedelta(milliseconds=500))
    await until(clock.now() + timedelta(days=30))


async def again(
    api: Api, who: Actor, id: str, ticket: Ticket | None, signer: Signer = GATEWAY, **options: datetime
) -> ClientResponse:
    headers = {"If-Match": await api.etag(who, id), "Idempotency-Key": uuid4().hex}
    if ticket is not None:
        headers[tickets.HEADER] = tickets.issue(signer, ticket)
    return await api.call("POST", f"/api/v1/applications/{id}/submit", who, json={}, headers=headers, **options)


async def given(api: Api, who: Actor, id: str, **changes: object) -> Ticket:
    """The ticket that the gateway gives for the application as it is; the refusal came two seconds after the arrival."""
    assert who.enterprise is not None
    arrived = clock.now()
    usual = {
        "application": UUID(id),
        "version": (await api.etag(who, id)).strip('"'),
        "session": uuid4(),
        "enterprise": who.enterprise,
        "received_at": arrived,
        "ends_at": arrived + timedelta(seconds=2) + tickets.LIFETIME,
    }
    return Ticket.model_validate(usual | changes)


async def uses(sessions: async_sessionmaker[AsyncSession], id: str) -> list[dict[str, str]]:
    async with sessions() as session:
        rows = await session.scalars(
            select(Audit).where(Audit.application_id == UUID(id), Audit.action == "use_ticket").order_by(Audit.id)
        )
        return [row.details for row in rows]


async def test_first_arrival_counts(api: Api, applicant: Actor, sessions, ready: str, close: Close) -> None:  # type: ignore[no-untyped-def]
    ticket = await given(api, applicant, ready, received_at=clock.now() - timedelta(seconds=1))
    closed = await close()
    refused = await again(api, applicant, ready, None)
    assert refused.status == 409
    taken = await again(api, applicant, ready, ticket)
    assert taken.status == 200, await taken.text()
    receipt = (await taken.json())["receipt"]
    assert datetime.fromisoformat(receipt["received_at"]) == ticket.received_at < closed
    async with sessions() as session:
        row = await session.scalar(
            select(Audit).where(Audit.application_id == UUID(ready), Audit.action == "submit")
        )
    assert row is not None
    assert row.details["came_again_at"] > ticket.received_at.isoformat()
    # The use itself is written down, with the arrival that it claimed.
    [use] = await uses(sessions, ready)
    assert use == {"first_arrival": ticket.received_at.isoformat(), "ends_at": ticket.ends_at.isoformat()}


NOTHING = "nothing in the audit"


@pytest.mark.parametrize(
    ("case", "changes", "after", "ignored"),
    [
        ("of another application", {"application": uuid4()}, None, "other_application"),
        ("of another enterprise", {"enterprise": factories.ENTERPRISE_2[0]}, None, "other_enterprise"),
        ("of a version that is gone", {"version": "1"}, None, "other_version"),
        ("of a version that is to come", {"version": "99"}, None, "other_version"),
        ("whose ten minutes are over", {}, timedelta(minutes=10, seconds=3), NOTHING),
        ("whose first arrival was too late as well", {"received_at": "late"}, None, None),
    ],
)
async def test_a_ticket_that_counts_for_nothing(
    api: Api,
    applicant: Actor,
    sessions: async_sessionmaker[AsyncSession],
    ready: str,
    close: Close,
    case: str,
    changes: dict[str, object],
    after: timedelta | None,
    ignored: str | None,
) -> None:
    ticket = await given(api, applicant, ready, **{n: v for n, v in changes.items() if v != "late"})
    closed = await close()
    if changes.get("received_at") == "late":
        ticket = ticket.model_copy(update={"received_at": closed + timedelta(milliseconds=1)})
    # Somebody who comes again after the end: the gateway's stamp says so.
    options = {} if after is None else {"received_at": ticket.received_at + after}
    answer = await again(api, applicant, ready, ticket, **options)
    assert answer.status == 409, case
    assert [use.get("ignored") for use in await uses(sessions, ready)] == ([] if ignored is NOTHING else [ignored])


async def test_a_ticket_is_nothing_unless_the_gateway_signed_it(
    api: Api, applicant: Actor, sessions: async_sessionmaker[AsyncSession], ready: str, close: Close
) -> None:
    ticket = await given(api, applicant, ready)
    await close()
    for signer in (Signer("gateway", b"x" * 32), Signer("notify", factories.private_key("notify"))):
        assert (await again(api, applicant, ready, ticket, signer)).status == 409
    assert await uses(sessions, ready) == []


async def test_a_ticket_opens_nobody_elses_application(
    api: Api, applicant: Actor, sessions: async_sessionmaker[AsyncSession], ready: str, close: Close
) -> None:
    ticket = await given(api, applicant, ready)
    headers = {"If-Match": f'"{ticket.version}"', "Idempotency-Key": uuid4().hex}
    headers[tickets.HEADER] = tickets.issue(GATEWAY, ticket)
    await close()
    stranger = factories.applicant(factories.ENTERPRISE_2)
    answer = await api.call("POST", f"/api/v1/applications/{ready}/submit", stranger, json={}, headers=headers)
    assert answer.status == 404
    assert await uses(sessions, ready) == []


async def test_whoever_was_turned_away_from_the_page_saw_no_version(
    api: Api, applicant: Actor, sessions: async_sessionmaker[AsyncSession], ready: str, close: Close
) -> None:
    ticket = await given(api, applicant, ready, version="", received_at=clock.now() - timedelta(seconds=1))
    closed = await close()
    # The page is asked for again as of the first arrival, and says that nothing is missing.
    told = await api.call(
        "GET", f"/api/v1/applications/{ready}/problems", applicant, received_at=ticket.received_at
    )
    assert [p for p in await told.json() if p["severity"] == "error"] == []
    taken = await again(api, applicant, ready, ticket)
    assert taken.status == 200, await taken.text()
    assert datetime.fromisoformat((await taken.json())["receipt"]["received_at"]) == ticket.received_at < closed
    [use] = await uses(sessions, ready)
    assert "ignored" not in use


async def test_what_was_not_complete_then_is_not_now(
    api: Api, applicant: Actor, round_id: str, close: Close
) -> None:
    """Shed or not, an application with something missing is refused; the ticket only decides by which instant."""
    id = str((await api.create(applicant, round_id))["id"])
    ticket = await given(api, applicant, id, received_at=clock.now() - timedelta(milliseconds=900))
    await close()
    answer = await again(api, applicant, id, ticket)
    assert (answer.status, (await answer.json())["type"]) == (422, "incomplete")


async def test_a_renewed_ticket_counts_by_the_first_refusal(
    api: Api, applicant: Actor, sessions: async_sessionmaker[AsyncSession], ready: str, close: Close
) -> None:
    """However often it is sent away: the end stays, and a use after it is judged by its own arrival."""
    ticket = await given(api, applicant, ready, received_at=clock.now() - timedelta(seconds=1))
    await close()
    at_the_end = await again(api, applicant, ready, ticket, received_at=ticket.ends_at)
    assert at_the_end.status == 200, await at_the_end.text()


async def touch_section(api: Api, who: Actor, id: str) -> None:
    path = f"/api/v1/applications/{id}/sections/social_benefit"
    values = (await (await api.call("GET", path, who)).json())["saved"]
    await api.save(who, id, "social_benefit", values)


async def give_up_draft(api: Api, who: Actor, id: str) -> None:
    path = f"/api/v1/applications/{id}/sections/social_benefit"
    etag = (await api.call("GET", path, who)).headers["ETag"]
    kept = await api.call("PUT", f"{path}/draft", who, json={"values": {}}, headers={"If-Match": etag})
    gone = await api.call("DELETE", f"{path}/draft", who, headers={"If-Match": kept.headers["ETag"]})
    assert gone.status == 200


async def upload(api: Api, who: Actor, id: str) -> None:
    slot, section = next(iter(factories.REWARD_SLOTS.items()))
    await api.upload(who, id, section, slot)


async def no_change(api: Api, who: Actor, id: str) -> None:
    await api.call("GET", f"/api/v1/applications/{id}", who)


async def keep_draft(api: Api, who: Actor, id: str) -> None:
    """暂存 counts for nothing, so it takes nothing away; that it is there is said when the submission is judged."""
    path = f"/api/v1/applications/{id}/sections/social_benefit"
    etag = (await api.call("GET", path, who)).headers["ETag"]
    kept = await api.call("PUT", f"{path}/draft", who, json={"values": {}}, headers={"If-Match": etag})
    assert kept.status == 200


Change = Callable[[Api, Actor, str], Awaitable[None]]


@pytest.mark.parametrize("by_ticket", [True, False], ids=["a ticket", "a slow body"])
@pytest.mark.parametrize(
    ("change", "status"),
    [(no_change, 200), (keep_draft, 422), (touch_section, 409), (give_up_draft, 409), (upload, 409)],
)
@pytest.mark.parametrize("seen", [True, False], ids=["saw the page", "saw no page"])
async def test_nothing_may_be_changed_between_the_arrivals(
    api: Api,
    applicant: Actor,
    sessions: async_sessionmaker[AsyncSession],
    ready: str,
    close: Close,
    change: Change,
    status: int,
    by_ticket: bool,
    seen: bool,
) -> None:
    """Complete at the use and unchanged since the arrival is complete at the arrival. Whoever names a version that is still to
    come and goes on writing until it has come gains nothing, nor does whoever sends the body slowly meanwhile."""
    arrived = clock.now()
    # The two clocks may differ by so much; what comes later is later.
    await asyncio.sleep((CLOCKS + timedelta(milliseconds=100)).total_seconds())
    await change(api, applicant, ready)
    await close()
    if by_ticket:
        version = {} if seen else {"version": ""}
        answer = await again(
            api, applicant, ready, await given(api, applicant, ready, received_at=arrived, **version)
        )
        assert [use.get("ignored") for use in await uses(sessions, ready)] == [
            "changed" if status == 409 else None
        ]
    else:
        answer = await again(api, applicant, ready, None, received_at=arrived)
    assert answer.status == status, await answer.text()
