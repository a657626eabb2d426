"""What the coming days need: by the drafts there are, by who took part the last time, and by extensions."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.operations import workers_ahead
from services.applications.tables.applications import Application, ClassExtension, Round
from shared import clock
from shared.identity import Role
from shared.overload.sizing import BEFORE, sizes
from tests import factories
from tests.integration.applications.conftest import Api

Sessions = async_sessionmaker[AsyncSession]
OPERATOR = factories.staff(Role.OPERATOR)
DAY = timedelta(days=1)


@pytest.fixture
async def calm(sessions: Sessions) -> AsyncIterator[None]:
    """No other round closes in these days."""
    far = clock.now() + 300 * DAY
    async with sessions.begin() as session:
        before = (await session.execute(select(Round.id, Round.closes_at))).all()
        await session.execute(update(Round).where(Round.opens_at < far).values(closes_at=far))
    yield
    async with sessions.begin() as session:
        for id, closes_at in before:
            await session.execute(update(Round).where(Round.id == id).values(closes_at=closes_at))
        await session.execute(update(ClassExtension).values(until=clock.now() - DAY))


async def round_(sessions: Sessions, title: str, opens: timedelta, closes: timedelta) -> UUID:
    now, id = clock.now(), uuid4()
    async with sessions.begin() as session:
        session.add(
            Round(
                id=id, fund_type="master_studio", form_version=1, title=title, parameters={}, opens_at=now + opens,
                closes_at=now + closes, published_at=now + opens,
            )
        )  # fmt: skip
    return id


async def drafts(sessions: Sessions, round_id: UUID, count: int, **values: Any) -> list[str]:
    """Applications of so many enterprises: rows alone."""
    named = [f"enterprise-{n}" for n in range(count)]
    async with sessions.begin() as session:
        session.add_all(
            Application(
                id=uuid4(), round_id=round_id, fund_type="master_studio", form_version=1, enterprise=name, enterprise_name=name,
                created_by="acc", wrapped_key=b"", unlocked=[], **{"state": "draft", **values},
            )
            for name in named
        )  # fmt: skip
    return named


async def shown(api: Api) -> dict[str, Any]:
    answer = await api.call("GET", "/api/v1/ops/overview", OPERATOR)
    assert answer.status == 200, await answer.text()
    return dict((await answer.json())["processes"])


async def test_plan_follows_drafts_the_round_before_and_extensions(
    api: Api, sessions: Sessions, calm: None
) -> None:
    assert (await shown(api))["planned"] == []
    last = await round_(sessions, "上一批", -400 * DAY, -300 * DAY)
    await drafts(sessions, last, 40, state="pending_acceptance", submitted_at=clock.now() - 310 * DAY)
    this = await round_(sessions, "这一批", -10 * DAY, 3 * DAY)
    await round_(sessions, "更远的一批", -1 * DAY, 30 * DAY)
    # Nobody has begun: as many as took part before.
    [one] = (await shown(api))["planned"]
    assert (one["titles"], one["enterprises"]) == (["这一批"], 40)
    closes = clock.now() + 3 * DAY
    assert abs(datetime.fromisoformat(one["since"]) - (closes - BEFORE)) < timedelta(minutes=1)
    expected = sizes(40)
    assert (one["gateway"], one["notify_worker"]) == (expected["gateway"], expected["notify-worker"])
    # More have begun than took part before.
    named = await drafts(sessions, this, 55)
    [one] = (await shown(api))["planned"]
    assert one["enterprises"] == 55
    async with sessions.begin() as session:
        session.add(
            ClassExtension(
                id=uuid4(), round_id=this, whom="listed", until=clock.now() + 5 * DAY, reason="拥堵", enterprises=named[:7],
                sha256="", confirmed_by="acc", confirmed_by_name="甲", confirmed_at=clock.now(),
            )
        )  # fmt: skip
    first, second = (await shown(api))["planned"]
    assert (first["enterprises"], second["titles"], second["enterprises"]) == (55, ["这一批（补时）"], 7)
    async with sessions() as session:
        found = await workers_ahead.planned(session)
    table = list(workers_ahead.lines(found))
    assert len(table) == 3
    assert table[1].split("\t")[2] == "55"
    commands = list(workers_ahead.kubectl(found))
    assert len([line for line in commands if line.startswith("#")]) == 4
    size = sizes(55)["gateway"]
    assert (
        f'kubectl -n gongmei patch hpa gateway --type merge -p \'{{"spec":{{"minReplicas":{size}}}}}\'' in commands
    )
    for who in (factories.applicant(), factories.staff(Role.REVIEWER)):
        assert (await api.call("GET", "/api/v1/ops/overview", who)).status == 403


async def test_processes_that_run_are_counted(api: Api) -> None:
    assert (await shown(api))["running"]["applications"] >= 1


def test_a_quiet_week_is_said_to_be_one() -> None:
    assert list(workers_ahead.lines([])) == ["未来 7 天没有批次截止，各进程按平时的数量运行。"]
    [line] = workers_ahead.kubectl([])
    assert line.startswith("# ")
