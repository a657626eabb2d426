"""Too many people at once: who is told to wait keeps the deadline and every word typed, with scripts or without."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from html import unescape
from uuid import uuid4

import pytest
import redis
from aiohttp import FormData
from aiohttp.test_utils import TestServer
from yarl import URL

from services.gateway import switches
from services.gateway.client import problem
from services.gateway.context import SERVICES
from services.gateway.switches import SWITCHES
from shared import clock, tickets
from shared.breaker import Breaker
from shared.errors import Busy, DomainError
from shared.ranks import Rank, rank_of
from shared.tickets import Ticket
from shared.web import VERIFIER
from tests.integration.gateway.conftest import Browser


@pytest.fixture
async def draft(browser: Browser) -> str:
    """An application of somebody who is signed in."""
    await browser.sign_in("qiye1")
    rounds = await (await browser.call("GET", "/rounds")).json()
    made = await browser.call(
        "POST",
        "/applications",
        json={"round_id": next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward")},
        headers={"Idempotency-Key": uuid4().hex},
    )
    return str((await made.json())["id"])


@asynccontextmanager
async def overload(
    server: TestServer, rank: Rank = Rank.WRITE, told: DomainError | None = None
) -> AsyncIterator[None]:
    """Nobody of this rank or a lower one gets to applications; `told`: what they are told instead of being busy."""
    services = server.app[SERVICES]
    reach = services.reach

    @asynccontextmanager
    async def shed(service, method, url, **options):  # type: ignore[no-untyped-def]
        found = rank_of(method, URL(url).path)
        if found is not None and found <= rank:
            raise told or Busy(retry_after=3)
        async with reach(service, method, url, **options) as answer:
            yield answer

    services.reach = shed  # type: ignore[method-assign]
    try:
        yield
    finally:
        services.reach = reach  # type: ignore[method-assign]


def hidden(page: str) -> dict[str, str]:
    return {
        name: unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    }


async def test_api_gets_a_ticket_with_every_503_to_a_submission(
    gateway: TestServer, browser: Browser, draft: str
) -> None:
    headers = {"If-Match": '"1"', "Idempotency-Key": uuid4().hex}
    async with overload(gateway):
        first = await browser.call("POST", f"/applications/{draft}/submit", json={}, headers=headers)
        assert first.status == 503
        assert 1 <= int(first.headers["Retry-After"]) <= 10
        read = tickets.read(gateway.app[VERIFIER], first.headers[tickets.HEADER])
        assert isinstance(read, Ticket)
        assert (str(read.application), read.version) == (draft, "1")
        # Sent away again, it keeps the instant of its first arrival; another version begins anew.
        again = {**headers, tickets.HEADER: first.headers[tickets.HEADER]}
        second = await browser.call("POST", f"/applications/{draft}/submit", json={}, headers=again)
        kept = tickets.read(gateway.app[VERIFIER], second.headers[tickets.HEADER])
        assert kept is not None
        assert kept.received_at == read.received_at
        other = await browser.call(
            "POST", f"/applications/{draft}/submit", json={}, headers={**again, "If-Match": '"2"'}
        )
        anew = tickets.read(gateway.app[VERIFIER], other.headers[tickets.HEADER])
        assert anew is not None
        assert anew.received_at > read.received_at
        # Nothing else gets one.
        write = await browser.call(
            "PUT",
            f"/applications/{draft}/sections/contact/draft",
            json={"values": {}},
            headers={"If-Match": '"1"'},
        )
        assert write.status == 503
        assert tickets.HEADER not in write.headers
    # Once there is room, the ticket is passed on and the answer is the service's own.
    answered = await browser.call("POST", f"/applications/{draft}/submit", json={}, headers=again)
    assert answered.status == 422
    assert tickets.HEADER not in answered.headers


async def test_page_waits_and_tries_again_without_scripts(
    gateway: TestServer, browser: Browser, draft: str
) -> None:
    form = hidden(await (await browser.go("GET", f"/applications/{draft}/submit")).text())
    fields = {name: form[name] for name in ("csrf_token", "etag", "key")}
    async with overload(gateway):
        told = await browser.go("POST", f"/applications/{draft}/submit", data=fields)
        page = await told.text()
        assert told.status == 503
        assert "您的提交申请已到达" in page
        assert "data-again" in page
        [(seconds, where)] = re.findall(r'<noscript><meta http-equiv="refresh" content="(\d+);url=([^"]+)">', page)
        assert 1 <= int(seconds) <= 10
        where = unescape(where)
        # Still no room: the same page, with the first arrival.
        still = await browser.go("GET", where)
        assert still.status == 503
        arrived = re.findall(r"已到达</b>（([^）]+)）", page)
        assert re.findall(r"已到达</b>（([^）]+)）", await still.text()) == arrived
    # Room: the submission is judged, here for what is missing.
    judged = await browser.go("GET", where)
    assert judged.status == 422
    assert "尚未保存" in await judged.text() or "未填写" in await judged.text()


async def test_a_mistake_of_ours_costs_nobody_their_deadline_or_their_words(
    gateway: TestServer, browser: Browser, draft: str
) -> None:
    form = hidden(await (await browser.go("GET", f"/applications/{draft}/submit")).text())
    fields = {name: form[name] for name in ("csrf_token", "etag", "key")}
    section = hidden(await (await browser.go("GET", f"/applications/{draft}/sections/social_benefit")).text())
    words = FormData()
    for name, value in {**section, "f.social_benefit": "带动就业 50 人", "action": "draft"}.items():
        words.add_field(name, value, content_type="text/plain")
    mistake = problem(500, {"type": "internal", "detail": "系统内部错误。"}, None)
    async with overload(gateway, told=mistake):
        headers = {"If-Match": '"1"', "Idempotency-Key": uuid4().hex}
        answer = await browser.call("POST", f"/applications/{draft}/submit", json={}, headers=headers)
        assert (answer.status, (await answer.json())["type"]) == (500, "internal")
        assert "Retry-After" not in answer.headers
        assert tickets.read(gateway.app[VERIFIER], answer.headers[tickets.HEADER]) is not None
        told = await browser.go("POST", f"/applications/{draft}/submit", data=fields)
        page = await told.text()
        assert told.status == 500
        assert "您的提交申请已到达" in page
        # Trying again is a person's choice: by itself it would meet the same.
        assert "data-again" not in page
        assert re.search(r"并提供编号：<b>[0-9A-F]{8}</b>", page)
        kept = await browser.go("POST", f"/applications/{draft}/sections/social_benefit", data=words)
        assert kept.status == 500
        assert "带动就业 50 人" in await kept.text()


async def test_address_of_another_browser_submits_nothing(
    gateway: TestServer, browser: Browser, other: Browser, draft: str
) -> None:
    form = hidden(await (await browser.go("GET", f"/applications/{draft}/submit")).text())
    async with overload(gateway):
        told = await browser.go("POST", f"/applications/{draft}/submit", data=form)
        [where] = re.findall(r"url=([^\"]+)\">", await told.text())
    await other.sign_in("qiye1")
    elsewhere = await other.go("GET", unescape(where), allow_redirects=False)
    assert (elsewhere.status, elsewhere.headers["Location"]) == (303, f"/applications/{draft}/submit")
    foreign = await browser.go("GET", unescape(where), headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status == 403


async def test_typed_words_wait_sealed_and_are_kept_once_there_is_room(
    gateway: TestServer, browser: Browser, other: Browser, draft: str, redis_url: str
) -> None:
    path = f"/applications/{draft}/sections/social_benefit"
    form = hidden(await (await browser.go("GET", path)).text())
    said = "带动三百户农家参与燕京八绝的制作"
    fields = {**form, "f.social_benefit": said, "action": "draft"}
    # A file's form, as the page sends it.
    data = FormData()
    for name, value in fields.items():
        data.add_field(name, value, content_type="text/plain")
    async with overload(gateway):
        told = await browser.go("POST", path, data=data)
        page = await told.text()
        assert told.status == 503
        assert said in page
        [where] = [unescape(w) for w in re.findall(r"url=([^\"]+)\">", page)]
        assert (await browser.go("GET", where)).status == 503
    with redis.Redis.from_url(redis_url) as client:
        kept = [client.get(key) for key in client.keys("gm:kept:*")]
        assert kept
        assert all(
            said.encode() not in value and said.encode().hex().encode() not in value for value in kept if value
        )
    await other.sign_in("qiye1")
    assert (await other.go("GET", where, allow_redirects=False)).status == 303
    taken = await browser.go("GET", where, allow_redirects=False)
    assert taken.status == 303
    section = await (await browser.call("GET", f"{path}")).json()
    assert section["draft"]["social_benefit"] == said


async def test_service_that_does_not_answer_is_left_alone(gateway: TestServer, browser: Browser) -> None:
    await browser.sign_in("qiye1")
    services = gateway.app[SERVICES]
    there, services._urls["applications"] = services._urls["applications"], "http://127.0.0.1:9"
    before = services._breakers["applications"]
    services._breakers["applications"] = Breaker("gateway", "applications")
    try:
        for _ in range(12):
            answer = await browser.call("GET", "/rounds")
            assert (answer.status, (await answer.json())["type"]) == (503, "service_away")
            assert int(answer.headers["Retry-After"]) >= 1
        assert services._breakers["applications"].rests
        # What is not its own still works, and the screen says what waits.
        assert (await browser.call("GET", "/notifications")).status == 200
        page = await browser.go("GET", "/projects")
        assert page.status == 503
        assert "申报服务暂时没有响应" in await page.text()
    finally:
        services._urls["applications"] = there
        services._breakers["applications"] = before


async def test_switches_reach_every_page(
    gateway: TestServer, browser: Browser, other: Browser, draft: str
) -> None:
    await other.sign_in("yunwei")
    page = await (await other.go("GET", "/ops")).text()
    form = hidden(page.split('action="/ops/switches"')[1])
    fields = {"csrf_token": form["csrf_token"], "etag": form["etag"], "exports": "1"}
    wrong = await other.go(
        "POST", "/ops/switches", data={**fields, "autosave_seconds": "很久", "announcement": "留着"}
    )
    assert wrong.status == 422
    assert "1 至 300 秒" in await wrong.text()
    assert "留着" in await wrong.text()
    done = await other.go(
        "POST",
        "/ops/switches",
        data={**fields, "autosave_seconds": "30", "announcement": "今晚 <b>人多</b>，请提前提交"},
    )
    assert "开关已更改" in await done.text()
    for path in ("/", f"/applications/{draft}/sections/contact"):
        assert "今晚 &lt;b&gt;人多&lt;/b&gt;，请提前提交" in await (await browser.go("GET", path)).text()
    section = await (await browser.go("GET", f"/applications/{draft}/sections/contact")).text()
    assert 'data-autosave="30"' in section
    assert "预览PDF（临时关闭）" in section
    assert (await browser.go("GET", f"/applications/{draft}/preview")).status == 503
    # Somebody else was faster.
    stale = await other.go("POST", "/ops/switches", data={**fields, "autosave_seconds": "2"})
    assert stale.status == 412
    known = await (await other.call("GET", "/ops/switches")).json()
    usual = {"autosave_seconds": 2, "previews": True, "exports": True}
    await other.call("PUT", "/ops/switches", json=usual, headers={"If-Match": f'"{known["version"]}"'})
    await gateway.app[SWITCHES].look(gateway.app[SERVICES])


async def test_announcement_ends_by_itself() -> None:
    board = switches.Board()
    board.set = switches.Set(announcement="维护", announcement_until=clock.now() + timedelta(minutes=1))
    assert board.announcement() == "维护"
    assert board.announcement(clock.now() + timedelta(minutes=2)) == ""
