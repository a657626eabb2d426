"""Too many people at once: who is told to wait keeps the deadline and every word typed, with scripts or without."""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from html import unescape
from unittest.mock import AsyncMock
from uuid import uuid4

import pytest
import redis
from aiohttp import ClientResponse, ClientSession, DummyCookieJar, FormData
from aiohttp.test_utils import TestServer
from yarl import URL

from services.gateway.web.backend import problem
from services.gateway.web.context import BROWSER_SESSIONS, CACHE, SERVICES
from services.gateway.web.resubmission import PROOFS_AT_ONCE
from services.gateway.web.switches import SWITCHES, Board
from shared import clock, tickets
from shared.contract.switches import Board as Heard
from shared.errors import DomainError, Overloaded
from shared.http.app import VERIFIER
from shared.overload import deadline
from shared.overload.admission import AdmissionControl
from shared.overload.breaker import Breaker
from shared.overload.priority import Priority, priority_of
from shared.tickets import Ticket
from tests.integration.gateway.conftest import Browser, flush_cache


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
    server: TestServer,
    rank: Priority = Priority.WRITE,
    told: DomainError | None = None,
    seen: list[str | None] | None = None,
) -> AsyncIterator[None]:
    """Nobody of this rank or a lower one gets to applications; `told`: what they are told instead of being busy; `seen`: the
    tickets that were to be passed on."""
    services = server.app[SERVICES]
    reach = services.reach

    @asynccontextmanager
    async def shed(service, method, url, **options):  # type: ignore[no-untyped-def]
        found = priority_of(method, URL(url).path)
        if found is not None and found <= rank:
            if seen is not None:
                seen.append(options["headers"].get(tickets.HEADER))
            raise told or Overloaded(retry_after=3)
        async with reach(service, method, url, **options) as answer:
            yield answer

    services.reach = shed  # type: ignore[method-assign]
    try:
        yield
    finally:
        services.reach = reach  # type: ignore[method-assign]


@asynccontextmanager
async def full(server: TestServer) -> AsyncIterator[None]:
    """The gateway's own door lets nobody in."""
    with pytest.MonkeyPatch.context() as patch:

        async def enter(door: AdmissionControl, rank: Priority, *, sure: bool = False) -> float:
            door._shed(rank)

        patch.setattr(AdmissionControl, "enter", enter)
        yield


SAID = "带动三百户农家参与燕京八绝的制作"


def multipart(fields: dict[str, str]) -> FormData:
    """A form that can hold files, as its page sends it."""
    data = FormData()
    for name, value in fields.items():
        data.add_field(name, value, content_type="text/plain")
    return data


def hidden(page: str) -> dict[str, str]:
    return {
        name: unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    }


async def submit(browser: Browser, draft: str, version: str = "1", **headers: str) -> ClientResponse:
    """提交申请 over the API."""
    usual = {"If-Match": f'"{version}"', "Idempotency-Key": uuid4().hex}
    return await browser.call("POST", f"/applications/{draft}/submit", json={}, headers={**usual, **headers})


def ticket_of(gateway: TestServer, answer: ClientResponse) -> Ticket | None:
    return tickets.read(gateway.app[VERIFIER], answer.headers.get(tickets.HEADER), at=clock.now())


async def test_api_gets_a_ticket_with_every_503_to_a_submission(
    gateway: TestServer, browser: Browser, draft: str
) -> None:
    async with overload(gateway):
        first = await submit(browser, draft)
        assert first.status == 503
        assert 1 <= int(first.headers["Retry-After"]) <= 10
        read = ticket_of(gateway, first)
        assert read is not None
        assert (str(read.application), read.version, read.enterprise) == (draft, "1", "91110105MA00TE5T2T")
        assert read.received_at < read.ends_at <= clock.now() + tickets.LIFETIME
        # Sent away again and again, it keeps the instant of its first arrival, and its end.
        brought = {tickets.HEADER: first.headers[tickets.HEADER]}
        for _ in range(3):
            renewed = await submit(browser, draft, **brought)
            assert ticket_of(gateway, renewed) == read
            brought = {tickets.HEADER: renewed.headers[tickets.HEADER]}
        # Another version begins anew.
        anew = ticket_of(gateway, await submit(browser, draft, "2", **brought))
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
    answered = await submit(browser, draft, **brought)
    assert answered.status == 422
    assert tickets.HEADER not in answered.headers


async def test_page_that_is_turned_away_gives_a_ticket_and_its_cookie_reaches_the_button(
    gateway: TestServer, browser: Browser, draft: str
) -> None:
    place = f"/applications/{draft}/submit"
    async with full(gateway):
        refused = await browser.go("GET", place)
        first = ticket_of(gateway, refused)
        assert refused.status == 503
        assert first is not None
        assert (str(first.application), first.version) == (draft, "")
        assert refused.cookies["gm_arrival"]["path"] == place
        # Asked again, by the cookie alone, it is the same arrival.
        assert ticket_of(gateway, await browser.go("GET", place)) == first
    seen: list[str | None] = []
    async with overload(gateway, Priority.SUBMIT, seen=seen):
        form = {"csrf_token": browser.csrf_token, "etag": "1", "key": uuid4().hex}
        pressed = await browser.go("POST", place, data=form)
    assert pressed.status == 503
    [passed_on] = [text for text in seen if text]
    assert tickets.read(gateway.app[VERIFIER], passed_on, at=clock.now()) == first
    # Somebody else's session has nothing of it, and saving something ends it.
    other = Browser(gateway)
    try:
        await other.sign_in("qiye2")
        async with full(gateway):
            theirs = await browser.call("GET", "/me")
            assert theirs.status == 503
            stolen = {tickets.HEADER: refused.headers[tickets.HEADER]}
            fresh = ticket_of(gateway, await other.go("GET", place, headers={**stolen, "Accept": "text/html"}))
            assert fresh is not None
            assert fresh.session != first.session
            assert fresh.received_at > first.received_at
    finally:
        await other.http.close()
    form = {"csrf_token": browser.csrf_token, "etag": "1"}
    changed = await browser.go("POST", f"/applications/{draft}/delete", data=form, allow_redirects=False)
    assert changed.status == 303
    assert changed.cookies["gm_arrival"]["max-age"] == "0"


async def test_after_its_end_a_ticket_is_worth_nothing(gateway: TestServer, browser: Browser, draft: str) -> None:
    async with overload(gateway):
        read = ticket_of(gateway, await submit(browser, draft))
        assert read is not None
        # As it will be a second after its end, within what clocks may differ.
        over = read.model_copy(update={"ends_at": clock.now() - timedelta(seconds=1)})
        brought = {tickets.HEADER: tickets.issue(gateway.app[SERVICES].signer, over)}
        anew = ticket_of(gateway, await submit(browser, draft, **brought))
        assert anew is not None
        assert anew.received_at > read.received_at
    seen: list[str | None] = []
    async with overload(gateway, seen=seen):
        await submit(browser, draft, **brought)
    assert seen == [None]


@pytest.mark.parametrize("through", ["the door", "the service behind"])
@pytest.mark.parametrize(
    "case", ["no session", "no token", "a wrong token", "another site", "a site next door", "not an enterprise"]
)
async def test_who_has_not_proved_themselves_gets_no_ticket(
    gateway: TestServer, browser: Browser, draft: str, case: str, through: str
) -> None:
    headers = {"Sec-Fetch-Site": "same-origin"}
    if case == "no session":
        browser.http.cookie_jar.clear()
    elif case == "no token":
        headers["X-CSRF-Token"] = ""
    elif case == "a wrong token":
        headers["X-CSRF-Token"] = "x" * 43
    elif case == "another site":
        headers["Origin"] = "https://elsewhere.example"
    elif case == "a site next door":
        headers["Sec-Fetch-Site"] = "same-site"
    else:
        browser.http.cookie_jar.clear()
        await browser.sign_in("shencha")
    async with overload(gateway) if through == "the service behind" else full(gateway):
        answer = await submit(browser, draft, **headers)
    assert tickets.HEADER not in answer.headers
    if through == "the door" and case not in {"another site", "a site next door"}:
        assert answer.status == 503


async def test_a_ticket_of_another_session_is_dropped(
    gateway: TestServer, browser: Browser, other: Browser, draft: str
) -> None:
    """The same person's, in another browser: each has a place in line of its own."""
    async with overload(gateway):
        first = await submit(browser, draft)
    await other.sign_in("qiye1")
    seen: list[str | None] = []
    async with overload(gateway, seen=seen):
        await submit(browser, draft, **{tickets.HEADER: first.headers[tickets.HEADER]})
        await submit(other, draft, **{tickets.HEADER: first.headers[tickets.HEADER]})
        await submit(browser, draft, **{tickets.HEADER: "forged"})
    assert seen == [first.headers[tickets.HEADER], None, None]


async def test_a_client_cannot_make_us_turn_it_away(gateway: TestServer, browser: Browser, draft: str) -> None:
    """No header of ours counts from outside: the submission is judged, and nothing of it is answered by a ticket."""
    answer = await submit(browser, draft, **{deadline.HEADER: "1"})
    assert answer.status == 422
    page = await browser.go("GET", "/projects", headers={deadline.HEADER: "1"})
    assert page.status == 200


async def test_page_waits_and_tries_again(gateway: TestServer, browser: Browser, draft: str) -> None:
    form = hidden(await (await browser.go("GET", f"/applications/{draft}/submit")).text())
    fields = {name: form[name] for name in ("csrf_token", "etag", "key")}
    arrived = set()
    async with overload(gateway):
        for _ in range(3):
            told = await browser.go("POST", f"/applications/{draft}/submit", data=fields)
            page = await told.text()
            assert told.status == 503
            arrived |= set(re.findall(r"您的提交申请已到达</b>（([^）]+)）", page))
            [seconds] = re.findall(r'data-again="(\d+)"', page)
            assert 1 <= int(seconds) <= 10
            # Nothing but the form's own button sends it again: no address does.
            assert "http-equiv" not in page
            assert 'method="post"' in page
            fields = hidden(page)
    assert len(arrived) == 1
    # Room: the submission is judged, here for what is missing.
    judged = await browser.go("POST", f"/applications/{draft}/submit", data=fields)
    assert judged.status == 422
    assert "尚未保存" in await judged.text() or "未填写" in await judged.text()


async def test_a_mistake_of_ours_costs_nobody_their_words_and_is_no_place_in_line(
    gateway: TestServer, browser: Browser, draft: str
) -> None:
    form = hidden(await (await browser.go("GET", f"/applications/{draft}/submit")).text())
    fields = {name: form[name] for name in ("csrf_token", "etag", "key")}
    section = hidden(await (await browser.go("GET", f"/applications/{draft}/sections/social_benefit")).text())
    mistake = problem(500, {"type": "internal", "detail": "系统内部错误。"}, None)
    async with overload(gateway, told=mistake):
        answer = await submit(browser, draft)
        assert (answer.status, (await answer.json())["type"]) == (500, "internal")
        assert "Retry-After" not in answer.headers
        assert tickets.HEADER not in answer.headers
        told = await browser.go("POST", f"/applications/{draft}/submit", data=fields)
        page = await told.text()
        assert told.status == 500
        assert "您的提交申请已到达" not in page
        # Trying again is a person's choice: by itself it would meet the same.
        assert "data-again" not in page
        assert re.search(r"并提供编号：<b>[0-9A-F]{8}</b>", page)
        words = {**section, "f.social_benefit": "带动就业 50 人", "action": "draft"}
        kept = await browser.go("POST", f"/applications/{draft}/sections/social_benefit", data=multipart(words))
        assert kept.status == 500
        assert "带动就业 50 人" in await kept.text()


@pytest.mark.parametrize(
    ("headers", "token", "button", "by_itself"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True, True, True),
        ({}, True, True, True),
        # The session was renewed in another window: a person may send it, a script may not.
        ({"Sec-Fetch-Site": "same-origin"}, False, True, False),
        # An old browser that says nothing, and a token that is not this session's.
        ({}, False, False, False),
    ],
)
async def test_only_what_our_own_page_sent_is_given_back_with_a_button(
    gateway: TestServer,
    browser: Browser,
    draft: str,
    redis_url: str,
    headers: dict[str, str],
    token: bool,
    button: bool,
    by_itself: bool,
) -> None:
    path = f"/applications/{draft}/sections/social_benefit"
    form = hidden(await (await browser.go("GET", path)).text())
    words = {**form, "f.social_benefit": SAID, "action": "save"} | ({} if token else {"csrf_token": "x" * 43})
    flush_cache(redis_url)
    async with full(gateway):
        told = await browser.go("POST", path, data=multipart(words), headers=dict(headers))
        page = await told.text()
    assert told.status == 503
    assert SAID in page
    assert ("重试</button>" in page, "data-again=" in page) == (button, by_itself)
    with redis.Redis.from_url(redis_url) as client:
        assert len(list(client.keys("gm:kept:*"))) == token


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {"Origin": "http://[::1"},
    ],
)
async def test_forged_forms_are_refused_before_the_door_and_given_back_to_nobody(
    gateway: TestServer, browser: Browser, draft: str, redis_url: str, headers: dict[str, str]
) -> None:
    flush_cache(redis_url)
    words = {"f.social_benefit": SAID, "etag": "1", "key": uuid4().hex, "action": "save"}
    for place in ("sections/social_benefit", "submit"):
        async with full(gateway):
            told = await browser.go("POST", f"/applications/{draft}/{place}", data=words, headers=dict(headers))
        page = await told.text()
        assert told.status == 403
        assert SAID not in page
        assert "重试</button>" not in page
    with redis.Redis.from_url(redis_url) as client:
        assert not list(client.keys("gm:kept:*"))


async def test_typed_words_wait_sealed_for_the_page_they_belong_to(
    gateway: TestServer, browser: Browser, other: Browser, draft: str, redis_url: str
) -> None:
    flush_cache(redis_url)
    path = f"/applications/{draft}/sections/social_benefit"
    form = hidden(await (await browser.go("GET", path)).text())
    fields = {**form, "f.social_benefit": SAID, "action": "draft"}
    async with overload(gateway):
        assert (await browser.go("POST", path, data=multipart(fields))).status == 503
    with redis.Redis.from_url(redis_url) as client:
        kept = [client.get(key) for key in client.keys("gm:kept:*")]
        assert len(kept) == 1
        assert all(SAID.encode() not in value and SAID.encode().hex().encode() not in value for value in kept)
    # In another browser of the same person, and on another page, there is nothing.
    await other.sign_in("qiye1")
    assert SAID not in await (await other.go("GET", path)).text()
    assert SAID not in await (await browser.go("GET", f"/applications/{draft}/sections/economic_benefit")).text()
    # A look keeps nothing.
    page = await (await browser.go("GET", path)).text()
    assert SAID in page
    assert (await (await browser.call("GET", path)).json())["draft"] is None
    done = await browser.go(
        "POST", path, data=multipart(hidden(page) | {"f.social_benefit": SAID, "action": "draft"})
    )
    assert "已暂存" in await done.text()
    assert (await (await browser.call("GET", path)).json())["draft"]["social_benefit"] == SAID
    with redis.Redis.from_url(redis_url) as client:
        assert not list(client.keys("gm:kept:*"))


async def test_what_waited_does_not_overwrite_what_was_saved_meanwhile(
    gateway: TestServer, browser: Browser, draft: str
) -> None:
    path = f"/applications/{draft}/sections/social_benefit"
    form = hidden(await (await browser.go("GET", path)).text())
    fields = {**form, "f.social_benefit": SAID, "action": "draft"}
    async with overload(gateway):
        await browser.go("POST", path, data=multipart(fields))
    opened = await browser.call("GET", path)
    await browser.call(
        "PUT",
        f"{path}/draft",
        json={"values": {"social_benefit": "另一处写的"}},
        headers={"If-Match": opened.headers["ETag"]},
    )
    page = await (await browser.go("GET", path)).text()
    assert SAID in page
    sent = await browser.go(
        "POST", path, data=multipart(hidden(page) | {"f.social_benefit": SAID, "action": "save"})
    )
    merge = await sent.text()
    assert sent.status == 412
    assert SAID in merge
    assert "另一处写的" in merge


STEPS = (
    "press",
    "reload",
    "back and press",
    "as plain fields",
    "redis forgets",
    "redis stumbles",
    "away",
    "there",
)


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_comes_in_whatever_order_the_person_sees_their_own_text(
    gateway: TestServer,
    browser: Browser,
    draft: str,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    """Without scripts: 保存表单 while a service comes and goes, the button, a reload, the back button and the form page again, in
    any order and more than once. Every answer to the text shows it, until it is saved."""
    chance, cache = random.Random(seed), gateway.app[CACHE]
    for number in range(8):
        cache._rests_until = 0.0
        monkeypatch.undo()
        path = f"/applications/{draft}/sections/social_benefit"
        said = f"{SAID}（第 {seed}-{number} 次）"
        opened = hidden(await (await browser.go("GET", path)).text())
        first = {**opened, "f.social_benefit": said, "action": "draft"}
        form, away, remembered = first, True, True
        for step in ["away", "press", *chance.choices(STEPS, k=7), "there", "press"]:
            if step in {"away", "there"}:
                away = step == "away"
                continue
            if step == "redis forgets":
                flush_cache(redis_url)
                remembered = False
                continue
            if step == "redis stumbles":
                # What it remembers of before stays there, and nothing new is remembered for a while.
                cache._failed(TimeoutError())
                monkeypatch.setattr(cache, "drop", AsyncMock())
                remembered = False
                continue
            async with overload(gateway) if away else nullcontext():
                if step == "back and press":
                    # The page of before, as it was filled in: the browser has it, or the form page gives the text back.
                    shown = await (await browser.go("GET", path)).text()
                    if not away and remembered:
                        assert said in shown, step
                    form = first
                data = form if step == "as plain fields" else multipart(form)
                answer = await browser.go("POST", path, data=data)
                page = await answer.text()
            assert answer.status not in {400, 404, 415}, (step, page)
            assert said in page, (step, page)
            if answer.status in {200, 412}:
                # It is in; sent once more it is merged with itself, and nothing is lost.
                assert not away
                kept = await (await browser.call("GET", path)).json()
                if answer.status == 412 and kept["draft"]["social_benefit"] != said:
                    # A Redis that stumbled gave back a form of before, with its old tag: the person chooses.
                    merge = hidden(page) | {"action": "merge", "pick.f.social_benefit": "mine"}
                    assert (await browser.go("POST", path, data=multipart(merge))).status == 200
                    kept = await (await browser.call("GET", path)).json()
                assert kept["draft"]["social_benefit"] == said
                remembered = False
                form = first
            else:
                assert (answer.status, away) == (503, True)
                form = hidden(page)
                remembered = not cache._rests()
        kept = await (await browser.call("GET", path)).json()
        assert kept["draft"]["social_benefit"] == said
    # The tests that follow have a Redis that answers.
    cache._rests_until = 0.0


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
    guessed = await other.go("POST", "/ops/switches", data={**fields, "autosave_seconds": "3_0"})
    assert guessed.status == 422
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
    board = Board()
    board.set = Heard(announcement="维护", announcement_until=clock.now() + timedelta(minutes=1))
    assert board.announcement() == "维护"
    assert board.announcement(clock.now() + timedelta(minutes=2)) == ""


async def test_a_flood_that_is_turned_away_takes_no_connections_from_others(
    gateway: TestServer, browser: Browser, draft: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cookies that nobody has, sent while the door is shut: few are looked up at once, and the honest one gets its ticket."""
    sessions = gateway.app[BROWSER_SESSIONS]
    find = sessions.find
    at_once, most = 0, 0

    async def slowly(id: str):  # type: ignore[no-untyped-def]
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.02)
        at_once -= 1
        return await find(id)

    monkeypatch.setattr(sessions, "find", slowly)
    async with full(gateway), ClientSession(cookie_jar=DummyCookieJar()) as http:

        async def bogus(number: int) -> int:
            headers = {"Cookie": f"gm_session={number:043d}", "If-Match": '"1"', "X-CSRF-Token": "x"}
            url = gateway.make_url(f"/api/v1/applications/{draft}/submit")
            async with http.post(url, json={}, headers=headers) as answer:
                assert tickets.HEADER not in answer.headers
                return answer.status

        *statuses, honest = await asyncio.gather(*(bogus(n) for n in range(60)), submit(browser, draft))
    assert set(statuses) == {503}
    assert most <= PROOFS_AT_ONCE
    assert ticket_of(gateway, honest) is not None
