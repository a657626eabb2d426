"""What falls due is told once, by whichever relay looks first, and only while it still makes sense."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.codec import Codec
from services.applications.operations.reminders import CLOSING, CORRECTION, fall_due
from services.applications.tables.applications import Application, Extension, Owed, Round
from shared import clock
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api

Sessions = async_sessionmaker[AsyncSession]
WHO = factories.applicant()
REVIEWER = factories.staff(Role.REVIEWER)
CODEC = Codec(b"m" * 32)
CONTACT = factories.reward_values({slot: [] for slot in factories.REWARD_SLOTS})["contact"]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
async def alone(sessions: Sessions) -> AsyncIterator[None]:
    """Every test begins with nothing that falls due, and leaves nothing."""
    async with sessions.begin() as session:
        before = (await session.execute(select(Round.id, Round.closes_at))).all()
        await session.execute(update(Application).values(deleted_at=clock.now()))
    yield
    async with sessions.begin() as session:
        await session.execute(delete(Extension))
        for id, closes_at in before:
            await session.execute(update(Round).where(Round.id == id).values(closes_at=closes_at))


async def look(sessions: Sessions) -> int:
    async with sessions.begin() as session:
        return await fall_due(session, CODEC)


async def told(sessions: Sessions, id: str) -> list[dict[str, Any]]:
    due = ("correction_due", "return_unseen", "round_closing", "publicity_over")
    query = select(Owed).where(Owed.application_id == UUID(id)).order_by(Owed.created_at, Owed.id)
    async with sessions() as session:
        return [o.payload for o in await session.scalars(query) if o.payload.get("kind") in due]


async def put(sessions: Sessions, id: str, **values: Any) -> None:
    async with sessions.begin() as session:
        await session.execute(update(Application).where(Application.id == UUID(id)).values(**values))


@pytest.fixture
async def returned(api: Api, sessions: Sessions, submitted: str) -> str:
    """Returned five days ago with a deadline in five days, and looked at."""
    correct_by = (clock.now() + 5 * DAY).isoformat()
    answer = await api.act(
        REVIEWER, submitted, "return", correct_by=correct_by, opinions=[{"section": "contact", "text": "请核对"}]
    )
    assert answer.status == 200, await answer.text()
    then = clock.now() - 5 * DAY
    await put(sessions, submitted, returned_at=then, correct_set_at=then, return_seen_at=clock.now())
    return submitted


@pytest.fixture
async def draft(api: Api, sessions: Sessions, round_id: str) -> str:
    """A draft of five days ago that names its contact."""
    id = str((await api.create(WHO, round_id))["id"])
    await api.save(WHO, id, "contact", CONTACT)
    await put(sessions, id, created_at=clock.now() - 5 * DAY)
    return id


async def close_in(sessions: Sessions, round_id: str, left: timedelta) -> datetime:
    at = clock.now() + left
    async with sessions.begin() as session:
        await session.execute(update(Round).where(Round.id == UUID(round_id)).values(closes_at=at))
    return at


async def test_a_correction_is_reminded_of_three_days_and_one_day_before(
    sessions: Sessions, returned: str
) -> None:
    assert await look(sessions) == 0
    for left, days in ((3 * DAY - HOUR, 3), (DAY - HOUR, 1)):
        await put(sessions, returned, correct_by=clock.now() + left)
        assert await look(sessions) == 1
        assert await look(sessions) == 0
        assert (await told(sessions, returned))[-1]["days"] == days
    assert [t["to"]["email"] for t in await told(sessions, returned)] == ["lixiang@example.com"] * 2
    # Passed: that it was missed is told by the lapse.
    await put(sessions, returned, correct_by=clock.now() - HOUR)
    assert await look(sessions) == 0


async def test_nobody_is_reminded_of_what_was_just_said(sessions: Sessions, returned: str) -> None:
    await put(sessions, returned, correct_by=clock.now() + 2 * DAY, correct_set_at=clock.now())
    assert await look(sessions) == 0
    await put(sessions, returned, correct_by=clock.now() + DAY - HOUR)
    await put(sessions, returned, correct_set_at=clock.now() - DAY)
    assert await look(sessions) == 1
    # A prolonged deadline is another one.
    await put(sessions, returned, correct_by=clock.now() + DAY - 2 * HOUR)
    assert await look(sessions) == 1


async def test_after_an_outage_only_the_nearest_reminder_is_sent(sessions: Sessions, returned: str) -> None:
    """All relays were down while both became due."""
    await put(sessions, returned, correct_by=clock.now() + 5 * HOUR)
    assert await look(sessions) == 1
    assert [t["days"] for t in await told(sessions, returned)] == [1]
    assert await look(sessions) == 0


async def test_a_return_that_nobody_looked_at_is_pointed_out_after_three_days(
    api: Api, sessions: Sessions, returned: str
) -> None:
    await put(sessions, returned, return_seen_at=None, returned_at=clock.now() - 3 * DAY + HOUR)
    assert await look(sessions) == 0
    await put(sessions, returned, returned_at=clock.now() - 3 * DAY - HOUR)
    counts = await (await api.call("GET", "/api/v1/review/counts", REVIEWER)).json()
    assert counts["unseen"] == 1
    queue = await (await api.call("GET", "/api/v1/review/applications?unseen=1", REVIEWER)).json()
    assert [i["id"] for i in queue["items"]] == [returned]
    assert await look(sessions) == 1
    assert await look(sessions) == 0
    [reminder] = await told(sessions, returned)
    assert reminder["kind"] == "return_unseen"
    await api.call("GET", f"/api/v1/applications/{returned}/opinions", WHO)
    counts = await (await api.call("GET", "/api/v1/review/counts", REVIEWER)).json()
    assert counts["unseen"] == 0


async def test_a_round_that_closes_reminds_those_with_drafts(
    sessions: Sessions, draft: str, round_id: str
) -> None:
    for left, hours in ((3 * DAY - HOUR, 72), (DAY - HOUR, 24), (2 * HOUR, 3)):
        await close_in(sessions, round_id, left)
        assert await look(sessions) == 1
        assert await look(sessions) == 0
        last = (await told(sessions, draft))[-1]
        assert last["hours"] == hours
        # In the last day it lists what is missing; the contact is saved.
        assert ("企业基本情况：未填写" in last["missing"]) is (hours <= 24)
        assert not any(line.startswith("项目联系人") for line in last["missing"])
    await close_in(sessions, round_id, -HOUR)
    assert await look(sessions) == 0


async def test_a_late_acceptance_is_that_enterprises_close(sessions: Sessions, draft: str, round_id: str) -> None:
    await close_in(sessions, round_id, -HOUR)
    # In another second than any other test's close: a round's and an enterprise's reminder is owed once for each.
    until = clock.now() + DAY - 3 * HOUR
    async with sessions.begin() as session:
        session.add(
            Extension(
                round_id=UUID(round_id), enterprise=str(WHO.enterprise), until=until, reason="-", created_by="-"
            )
        )
    assert await look(sessions) == 1
    [reminder] = await told(sessions, draft)
    assert datetime.fromisoformat(reminder["closes_at"]) == until


async def test_who_names_no_contact_yet_is_found_by_the_account(
    api: Api, sessions: Sessions, round_id: str
) -> None:
    id = str((await api.create(WHO, round_id))["id"])
    await put(sessions, id, created_at=clock.now() - 5 * DAY, handler_name="经办人", handler_email="h@example.com")
    await close_in(sessions, round_id, 2 * HOUR)
    assert await look(sessions) == 1
    [reminder] = await told(sessions, id)
    assert (reminder["to"]["name"], reminder["to"]["email"]) == ("经办人", "h@example.com")


async def test_the_end_of_a_publicity_is_told_and_stands_on_the_desk(
    api: Api, sessions: Sessions, submitted: str
) -> None:
    await put(sessions, submitted, state="publicity", publicity_until=clock.now() - HOUR)
    counts = await (await api.call("GET", "/api/v1/review/counts", REVIEWER)).json()
    assert counts["over"] == 1
    assert await look(sessions) == 1
    assert await look(sessions) == 0
    assert [t["kind"] for t in await told(sessions, submitted)] == ["publicity_over"]


async def test_several_relays_double_nothing_and_miss_nothing(
    sessions: Sessions, draft: str, round_id: str
) -> None:
    async with sessions.begin() as session:
        one = await session.get_one(Application, UUID(draft))
        columns = {
            name: getattr(one, name)
            for name in ("round_id", "fund_type", "form_version", "enterprise", "enterprise_name", "created_by")
        }
        more = []
        for n in range(40):
            id = uuid4()
            more.append(
                Application(
                    id=id, state="draft", project_name=f"草稿{n}", wrapped_key=CODEC.new_key(id),
                    created_at=clock.now() - 5 * DAY, handler_email=f"{n}@example.com", **columns,
                )
            )  # fmt: skip
        session.add_all(more)
        ids = [draft, *(str(a.id) for a in more)]
    await close_in(sessions, round_id, DAY - 4 * HOUR)
    while sum(await asyncio.gather(*(look(sessions) for _ in range(4)))):
        pass
    for id in ids:
        assert len(await told(sessions, id)) == 1


def test_reminders_are_those_that_were_promised() -> None:
    assert set(CORRECTION) == {DAY, 3 * DAY}
    assert set(CLOSING) == {3 * HOUR, DAY, 3 * DAY}


async def test_an_enterprise_is_reminded_once_of_all_its_drafts(
    api: Api, sessions: Sessions, draft: str, round_id: str
) -> None:
    """A day before the close one reminder tells each contact of every draft; at three hours each draft has its own."""
    second, third = [str((await api.create(WHO, round_id))["id"]) for _ in range(2)]
    await api.save(WHO, second, "contact", CONTACT | {"project_name": "京绣屏风"})
    await api.save(WHO, third, "contact", CONTACT | {"email": "other@example.com"})
    for id in (second, third):
        await put(sessions, id, created_at=clock.now() - 4 * DAY)
    await close_in(sessions, round_id, DAY - 5 * HOUR)
    assert await look(sessions) == 2
    assert await look(sessions) == 0
    [first] = await told(sessions, draft)
    [other] = first["others"]
    assert (other["application_id"], other["project_name"]) == (second, "京绣屏风")
    assert any("未填写" in line for line in other["missing"])
    assert await told(sessions, second) == []
    [apart] = await told(sessions, third)
    assert (apart["to"]["email"], apart["others"]) == ("other@example.com", [])
    await close_in(sessions, round_id, 2 * HOUR)
    assert await look(sessions) == 3
