"""服务承诺: counts of several gateways are one count, and a round's page says what its last hours were like."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import delete, func, select
from sqlalchemy import text as sql

from services.gateway.accounts.models import Account, AnswerMinute, TurnedAway
from services.gateway.web import minutes
from services.gateway.web.context import DATABASE
from services.gateway.web.minutes import MINUTES, Minutes
from tests.integration.gateway.conftest import Browser


@pytest.fixture
async def operator(gateway: TestServer) -> AsyncIterator[Browser]:
    made = Browser(gateway)
    yield await made.sign_in("yunwei")
    await made.http.close()


async def written(gateway: TestServer) -> dict[str, list[int]]:
    """All that was counted, by kind, after this gateway has written what it knows."""
    await minutes._write(gateway.app[MINUTES], gateway.app[DATABASE])
    async with gateway.app[DATABASE]() as session:
        rows = await session.execute(
            select(
                AnswerMinute.kind, func.sum(AnswerMinute.answered), func.sum(AnswerMinute.turned_away)
            ).group_by(AnswerMinute.kind)
        )
        return {kind: [int(n) for n in counts] for kind, *counts in rows}


async def text(browser: Browser, path: str) -> str:
    answer = await browser.go("GET", path)
    assert answer.status == 200, await answer.text()
    return unescape(await answer.text())


async def test_requests_are_counted(gateway: TestServer, browser: Browser) -> None:
    await browser.sign_in("qiye1")
    before = await written(gateway)
    for _ in range(3):
        await text(browser, "/projects")
    assert (await browser.go("GET", "/healthz")).status == 200
    after = await written(gateway)
    assert after["read"][0] - before["read"][0] == 3
    # Nothing else was asked for, and what only watches is not counted.
    assert {kind: n for kind, n in after.items() if kind != "read"} == {
        kind: n for kind, n in before.items() if kind != "read"
    }


async def test_gateways_that_write_at_once_add_up(gateway: TestServer, browser: Browser) -> None:
    await browser.sign_in("qiye1")
    async with gateway.app[DATABASE]() as session:
        account = await session.scalar(select(Account.id).where(Account.subject == "stub-qiye1"))
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(delete(TurnedAway))
    then = datetime.now(UTC) - timedelta(days=50)

    async def one() -> None:
        counted = Minutes()
        for n in range(30):
            counted.note("read", 503, 0.0, then.timestamp() + 60 * n, account)
        await minutes._write(counted, gateway.app[DATABASE])

    await asyncio.gather(*(one() for _ in range(5)))
    async with gateway.app[DATABASE].begin() as session:
        since = then - timedelta(minutes=1)
        old = AnswerMinute.minute.between(since, then + timedelta(minutes=31))
        assert await session.scalar(select(func.sum(AnswerMinute.turned_away)).where(old)) == 150
        assert (
            await session.scalar(select(func.sum(TurnedAway.times)).where(TurnedAway.account_id == account)) == 150
        )
        await session.execute(delete(AnswerMinute).where(old))
        await session.execute(delete(TurnedAway))


async def test_counts_that_are_too_old_are_deleted(gateway: TestServer) -> None:
    counted = Minutes()
    counted.note("read", 200, 0.0, (datetime.now(UTC) - timedelta(days=101)).timestamp())
    await minutes._write(counted, gateway.app[DATABASE])
    async with gateway.app[DATABASE].begin() as session:
        await minutes.tidy(session)
    async with gateway.app[DATABASE]() as session:
        oldest = await session.scalar(select(func.min(AnswerMinute.minute)))
    assert oldest is None or oldest > datetime.now(UTC) - timedelta(days=100)


async def test_database_that_is_away_loses_no_count(gateway: TestServer) -> None:
    class Away:
        def begin(self) -> Any:
            raise OSError("away")

    counted = Minutes()
    counted.note("read", 200, 0.0, datetime.now(UTC).timestamp())
    await minutes._write(counted, Away())  # type: ignore[arg-type]
    assert sum(cell.answered for cell in counted.cells.values()) == 1


async def test_gateway_that_ends_writes_what_it_has_counted(gateway: TestServer) -> None:
    counted, then = Minutes(), datetime.now(UTC) - timedelta(days=40)
    app = web.Application()
    app[MINUTES], app[DATABASE] = counted, gateway.app[DATABASE]
    app.cleanup_ctx.append(minutes.keeping)
    runner = web.AppRunner(app)
    await runner.setup()
    counted.note("submit", 200, 0.1, then.timestamp())
    await runner.cleanup()
    async with gateway.app[DATABASE].begin() as session:
        mine = AnswerMinute.minute.between(then - timedelta(minutes=1), then)
        assert await session.scalar(select(AnswerMinute.answered).where(mine)) == 1
        await session.execute(delete(AnswerMinute).where(mine))


async def test_page_of_a_round_says_what_its_last_hours_were_like(
    gateway: TestServer, browser: Browser, operator: Browser
) -> None:
    await browser.sign_in("qiye1")
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(delete(AnswerMinute))
        await session.execute(delete(TurnedAway))
    quiet = await text(operator, "/ops/slo")
    assert "没有服务不畅的时段" in quiet
    async with gateway.app[DATABASE]() as session:
        account = await session.scalar(select(Account).where(Account.subject == "stub-qiye1"))
    assert account is not None
    now = datetime.now(UTC).timestamp()
    counted = Minutes()
    for n in range(10):
        for _ in range(5):
            counted.note("write", 503, 0.0, now - 3600 + 60 * n, account.id)
    await minutes._write(counted, gateway.app[DATABASE])

    page = await text(operator, "/ops/slo")
    # Every write of the day was refused: nothing is left of that promise.
    assert "已用完" in page
    assert page.count("<svg") == 1
    rounds = await (await operator.go("GET", "/api/v1/rounds")).json()
    open_ = next(one["id"] for one in rounds if one["is_open"])
    shown = await text(operator, f"/ops/slo/{open_}")
    assert "服务不畅共 10 分钟，建议延长 <strong>30 分钟</strong>" in shown
    assert f"<td>{account.enterprise_name}</td><td>{account.enterprise}</td><td>50</td>" in shown
    assert f'href="/rounds/{open_}"' in shown
    # A round that closed before is not judged by what happened afterwards.
    closed = next(one["id"] for one in rounds if one["id"] != open_)
    ends = "UPDATE applications.rounds SET opens_at = now() - interval '9 d', closes_at = now() - interval '2 h' WHERE id = :id"
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(sql(ends), {"id": closed})
    assert "没有服务不畅的时段" in await text(operator, f"/ops/slo/{closed}")


async def test_only_operators_see_it(gateway: TestServer, browser: Browser, operator: Browser) -> None:
    unknown = await operator.go("GET", "/ops/slo/00000000-0000-4000-8000-000000000000")
    assert unknown.status == 404
    assert (await operator.go("GET", "/ops/slo/abc")).status == 404
    await browser.sign_in("qiye1")
    for path in ("/ops/slo", "/ops/slo/00000000-0000-4000-8000-000000000000"):
        assert (await browser.go("GET", path)).status == 403
