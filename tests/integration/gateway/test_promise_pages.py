"""服务承诺: counts of several gateways are one count, and a round's page says what its last hours were like."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from sqlalchemy import delete, func, select
from sqlalchemy import text as sql
from yarl import URL

from services.gateway.accounts.models import Account, AnswerMinute, TurnedAway
from services.gateway.web import minutes
from services.gateway.web.context import DATABASE, SETTINGS
from services.gateway.web.minutes import MINUTES, Minutes
from shared.identity import Signer
from tests.factories import private_key
from tests.integration.gateway.conftest import Browser, standing


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


async def test_extension_is_proposed_confirmed_by_another_and_seen_on_every_page(
    database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with standing(database_url, redis_url, tmp_path_factory.mktemp("extended"), extensions_by_two=True) as (
        gateway,
        _,
    ):
        one, other, applicant = (Browser(gateway) for _ in range(3))
        await one.sign_in("yunwei")
        await other.sign_in("yewu")
        await applicant.sign_in("qiye1")
        async with gateway.app[DATABASE]() as session:
            account = await session.scalar(select(Account).where(Account.subject == "stub-qiye1"))
        assert account is not None
        async with gateway.app[DATABASE].begin() as session:
            await session.execute(delete(AnswerMinute))
            await session.execute(delete(TurnedAway))
        rounds = await (await one.go("GET", "/api/v1/rounds")).json()
        id = next(r["id"] for r in rounds if r["is_open"])
        path = f"/ops/slo/{id}"
        fields = {
            "whom": "turned_away",
            "until": "2099-12-31T18:00:00",
            "reason": "请求<婉拒>",
            "begun_before": "",
        }

        async def send(browser: Browser, path: str, **data: str) -> Any:
            body = {"csrf_token": browser.csrf_token, **data}
            return await browser.go("POST", path, data=body, allow_redirects=False)

        # Nobody was turned away yet; what was typed comes back with what is wrong.
        empty = await send(one, path, **fields)
        shown = unescape(await empty.text())
        assert (empty.status, "没有符合条件的企业" in shown, "请求<婉拒>" in shown) == (422, True, True)
        wrong = await send(one, path, **{**fields, "whom": "", "until": "明天", "reason": ""})
        shown = await wrong.text()
        assert all(
            said in shown for said in ("请选择补时的范围", "请填写延长至", "请填写补时的理由", 'value="明天"')
        )
        lines = await send(
            one, path, **{**fields, "whom": "listed", "enterprises": f"{account.enterprise}\t甲\n123"}
        )
        assert (lines.status, "123：应为 18 位统一社会信用代码" in await lines.text()) == (422, True)
        assert (await send(applicant, path, **fields)).status == 403

        counted = Minutes()
        for n in range(10):
            for _ in range(5):
                counted.note("write", 503, 0.0, datetime.now(UTC).timestamp() - 3600 + 60 * n, account.id)
        await minutes._write(counted, gateway.app[DATABASE])
        proposed = await send(one, path, **fields)
        assert (proposed.status, proposed.headers["Location"]) == (303, f"{path}?done=proposed#extend")
        assert "补时已提出" in await text(one, f"{path}?done=proposed")
        own = re.search(r'action="/confirmations/([0-9a-f-]{36})"', await text(one, "/confirmations"))
        assert own is not None
        refused = await send(one, f"/confirmations/{own[1]}", action="confirm")
        assert (refused.status, "须由另一位工作人员确认" in await refused.text()) == (409, True)
        waiting = await text(other, "/confirmations")
        assert "为请求被婉拒或失败的 1 家企业补时至 2099-12-31 18:00:00" in waiting
        done = await send(other, f"/confirmations/{own[1]}", action="confirm")
        assert done.headers["Location"] == "/confirmations?done=confirmed"

        # A process that only looks knows of it within five seconds.
        async def known() -> None:
            while "提交时间延长至 2099-12-31 18:00:00" not in await text(applicant, "/projects"):
                await asyncio.sleep(0.2)

        await asyncio.wait_for(known(), timeout=5)
        assert "请求被婉拒或失败的 1 家企业" in await text(one, path)
        for browser in (one, other, applicant):
            await browser.http.close()


async def test_one_person_is_enough_where_the_office_says_so(
    gateway: TestServer, browser: Browser, operator: Browser
) -> None:
    await browser.sign_in("qiye1")
    async with gateway.app[DATABASE]() as session:
        enterprise = await session.scalar(select(Account.enterprise).where(Account.subject == "stub-qiye1"))
    rounds = await (await operator.go("GET", "/api/v1/rounds")).json()
    id = next(one["id"] for one in rounds if one["is_open"])
    fields = {"whom": "listed", "enterprises": f"{enterprise}", "until": "2100-12-31T18:00:00", "reason": "停电"}
    body = {"csrf_token": operator.csrf_token, **fields}
    done = await operator.go("POST", f"/ops/slo/{id}", data=body, allow_redirects=False)
    assert done.headers["Location"] == f"/ops/slo/{id}?done=extended#extend"
    shown = await text(operator, f"/ops/slo/{id}?done=extended")
    assert "名单所列的 1 家企业" in shown
    # The page that asks for the same again says that nobody would gain by it.
    again = await operator.go("POST", f"/ops/slo/{id}", data=body, allow_redirects=False)
    assert (again.status, "这些企业已延期至该时间或更晚" in await again.text()) == (422, True)


async def test_who_was_turned_away_is_told_to_applications_alone(gateway: TestServer) -> None:
    internal = f"http://127.0.0.1:{gateway.app[SETTINGS].gateway_internal_port}/internal/turned-away"
    async with ClientSession() as http:
        assert (await http.get(internal)).status == 401
        for said in ("", "明天", "2026-01-01T00:00:00", "0001-01-01T00:00:00+00:00"):
            url = URL(internal).with_query(until=said)
            signer = Signer("applications", private_key("applications"))
            answer = await http.get(url, headers=signer.headers("gateway", "GET", url.raw_path_qs, None))
            assert (answer.status, (await answer.json())["type"]) == (400, "bad_instant")
