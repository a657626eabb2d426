"""People are let in and let through: the line of people, its sealed places, and 提交申请 that goes before everything."""

import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from uuid import uuid4

import pytest
from aiohttp import ClientSession, CookieJar, DummyCookieJar
from aiohttp.test_utils import TestServer

from deploy.embedded.ports import free_port
from services.gateway.app import create_app
from services.gateway.web import line
from services.gateway.web.arriving import UNREADY
from services.gateway.web.context import BROWSER_SESSIONS, SERVICES, SETTINGS
from services.gateway.web.line import LINE, Sealed, seal
from shared import tickets
from shared.overload import crowd
from shared.overload.crowd import Class, Crowd
from tests.integration.gateway.conftest import Browser, make_settings

PAGE = {"Accept": "text/html"}


@pytest.fixture
def crowded(gateway: TestServer, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    """A line that stands, with room for nobody."""
    people = Crowd()
    people.level.value = 0
    monkeypatch.setattr(people, "judge", lambda now: None)
    monkeypatch.setattr(gateway.app[LINE], "crowd", people)
    return people


@pytest.fixture
def calm(gateway: TestServer, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    """A normal day of a process that has just begun."""
    people = Crowd()
    monkeypatch.setattr(gateway.app[LINE], "crowd", people)
    return people


def came(people: Crowd) -> float:
    """When the first in line came, by the clock on the wall."""
    return people._line[0][1] + time.time() - time.monotonic()


async def draft_of(browser: Browser, username: str = "qiye1") -> str:
    await browser.sign_in(username, anew=True)
    rounds = await (await browser.call("GET", "/rounds")).json()
    made = await browser.call(
        "POST",
        "/applications",
        json={"round_id": next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward")},
        headers={"Idempotency-Key": uuid4().hex},
    )
    return str((await made.json())["id"])


async def test_on_a_normal_day_nobody_gets_a_place_and_who_is_there_is_known(
    gateway: TestServer, browser: Browser, calm: Crowd
) -> None:
    await browser.sign_in("qiye1", anew=True)
    answer = await browser.go("GET", "/projects")
    assert answer.status == 200
    assert "gm_place" not in answer.cookies
    assert calm.inside == 1


async def test_newcomer_sees_the_place_without_scripts_and_keeps_it(
    gateway: TestServer, browser: Browser, crowded: Crowd
) -> None:
    first = await browser.go("GET", "/login")
    page = await first.text()
    assert first.status == 503
    again = int(first.headers["Retry-After"])
    assert crowd.SOONEST <= again <= crowd.LATEST * (1 + crowd.SPREAD)
    assert f'<meta http-equiv="refresh" content="{again}">' in page
    assert "您前面还有 <b>0</b> 人" in page
    assert "{" not in page
    # The same browser keeps its one place, however often it asks.
    for _ in range(3):
        assert (await browser.go("GET", "/login")).status == 503
    assert crowded.in_line == 1
    # A program is told by a problem.
    told = await browser.call("GET", "/me", headers={"Accept": "application/json"})
    assert told.status == 503
    assert (await told.json())["type"] == "busy"
    # Room for one: the first of them is in, and is let through.
    crowded.level.value = 1
    assert (await browser.go("GET", "/login")).status == 200
    assert (await browser.go("GET", "/login")).status == 200


async def test_who_is_in_is_let_through_while_newcomers_stand(
    gateway: TestServer, browser: Browser, calm: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.sign_in("qiye1", anew=True)
    await browser.go("GET", "/projects")
    calm.level.value = 0
    monkeypatch.setattr(calm, "judge", lambda now: None)
    for path in ("/projects", "/notifications", "/account/data"):
        assert (await browser.go("GET", path)).status == 200
    async with ClientSession(gateway.make_url("/"), cookie_jar=DummyCookieJar()) as stranger:
        assert (await stranger.get("/login", headers=PAGE)).status == 503
    # Whoever sleeps leaves the place to somebody else, and keeps the first arrival.
    key = next(iter(calm._inside))
    calm._inside[key] = time.monotonic() - crowd.IDLE - 1
    calm._asked.clear()
    bring(gateway, browser, "")
    assert (await browser.go("GET", "/projects")).status == 503


async def test_bureau_stands_in_no_line(browser: Browser, crowded: Crowd, calm_sign_in: Browser) -> None:
    crowded.ask("somebody", Class.NEW, 0.0, time.monotonic())
    page = await calm_sign_in.go("GET", "/ops")
    assert page.status == 200
    assert "排队 1 人" in await page.text()


@pytest.fixture
async def calm_sign_in(gateway: TestServer, browser: Browser, crowded: Crowd) -> Browser:
    """An operator who is signed in before the crowd came."""
    level, crowded.level.value = crowded.level.value, crowd.MOST
    await browser.sign_in("yunwei", anew=True)
    crowded.level.value = level
    return browser


def bring(gateway: TestServer, browser: Browser, place: str) -> None:
    browser.http.cookie_jar.update_cookies({"gm_place": place}, gateway.make_url("/"))


def sealed(gateway: TestServer, place: Sealed) -> str:
    class Request:
        app = gateway.app

    return seal(Request, place)  # type: ignore[arg-type]


@pytest.mark.parametrize("case", ["forged", "cut", "nonsense", "too long", "too old", "of other keys"])
async def test_forged_and_old_places_are_none(gateway: TestServer, crowded: Crowd, case: str) -> None:
    now = time.time()
    true = sealed(gateway, Sealed(False, uuid4(), bytes(8), now - 600))
    text = {
        "forged": true[:-4] + ("AAAA" if true[-4:] != "AAAA" else "BBBB"),
        "cut": true[:20],
        "nonsense": "%%%",
        "too long": "A" * 5000,
        "too old": sealed(gateway, Sealed(False, uuid4(), bytes(8), now - line.OLDEST - 10)),
        "of other keys": "",
    }[case]
    async with ClientSession(gateway.make_url("/"), cookie_jar=DummyCookieJar()) as http:
        answer = await http.get("/login", headers=PAGE | {"Cookie": f"gm_place={text}"})
        assert answer.status == 503
        assert came(crowded) == pytest.approx(now, abs=5)
        # A true one keeps its first arrival.
        await http.get("/login", headers=PAGE | {"Cookie": f"gm_place={true}"})
        assert came(crowded) == pytest.approx(now - 600, abs=1)


async def test_place_from_a_clock_ahead_counts_from_now(gateway: TestServer, crowded: Crowd) -> None:
    ahead = sealed(gateway, Sealed(False, uuid4(), bytes(8), time.time() + 900, in_at=time.time() + 900))
    async with ClientSession(gateway.make_url("/"), cookie_jar=DummyCookieJar()) as http:
        assert (await http.get("/login", headers=PAGE | {"Cookie": f"gm_place={ahead}"})).status == 503
    assert came(crowded) <= time.time()


async def test_another_gateways_word_that_somebody_is_in_counts_for_a_while(
    gateway: TestServer, crowded: Crowd
) -> None:
    """A gateway was killed with its line: people come here with what it sealed."""
    now = time.time()
    async with ClientSession(gateway.make_url("/"), cookie_jar=DummyCookieJar()) as http:
        for ago, status in ((30, 200), (crowd.IDLE + 30, 503)):
            text = sealed(gateway, Sealed(False, uuid4(), bytes(8), now - 900, in_at=now - ago))
            assert (await http.get("/login", headers=PAGE | {"Cookie": f"gm_place={text}"})).status == status
    # Whoever waited there waits here as the first.
    assert came(crowded) == pytest.approx(now - 900, abs=1)


@pytest.fixture
async def other(
    database_url: str, house: tuple[TestServer, TestServer], gateway: TestServer
) -> AsyncIterator[TestServer]:
    """Another gateway of the same installation, which does not reach Redis, with a line that stands and room for nobody."""
    settings = gateway.app[SETTINGS]
    app = create_app(
        make_settings(
            database_url,
            f"redis://127.0.0.1:{free_port()}",
            applications_url=settings.applications_url,
            notify_url=settings.notify_url,
            idp_url=settings.idp_url,
            public_url=settings.public_url,
        )
    )
    app[LINE].crowd.level.value = 0
    app[LINE].crowd.judge = lambda now: None  # type: ignore[method-assign]
    async with TestServer(app) as server:
        yield server


@pytest.mark.fault("line without Redis")
@pytest.mark.fault("gateway killed in line")
async def test_gateway_dies_with_its_line_and_another_without_redis_goes_on(
    gateway: TestServer, other: TestServer, browser: Browser, calm: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was in stays in, with the same session; who stood in line keeps the first arrival; the line's page is made as ever."""
    await browser.sign_in("qiye1", anew=True)
    await browser.go("GET", "/projects")
    calm.level.value = 0
    monkeypatch.setattr(calm, "judge", lambda now: None)
    assert (await browser.go("GET", "/projects")).status == 200
    there = other.app[LINE].crowd
    cookies = browser.http.cookie_jar.filter_cookies(gateway.make_url("/")).output(header="", sep=";")
    assert "gm_place" in cookies
    page = PAGE | {"Host": f"127.0.0.1:{gateway.port}"}
    async with ClientSession(cookie_jar=DummyCookieJar(), headers={"Cookie": cookies}) as mine:
        assert (await mine.get(other.make_url("/projects"), headers=page)).status == 200
        # The page 提交申请 asks nobody in line either; nothing but the application is missing.
        assert (await mine.get(other.make_url(f"/applications/{uuid4()}/submit"), headers=page)).status == 404
    async with ClientSession(cookie_jar=DummyCookieJar()) as stranger:
        began = time.time()
        first = await stranger.get(gateway.make_url("/login"), headers=page)
        place = first.cookies["gm_place"].value
        again = await stranger.get(other.make_url("/login"), headers=page | {"Cookie": f"gm_place={place}"})
        assert (first.status, again.status) == (503, 503)
        assert "您前面还有" in await again.text()
    assert came(there) == pytest.approx(began, abs=5)
    assert there.in_line == 1


@pytest.mark.fault("clock jump")
@pytest.mark.parametrize("hours", [-1, 1])
async def test_clock_that_is_put_right_sends_nobody_away_and_lets_nobody_past(
    gateway: TestServer, browser: Browser, calm: Crowd, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    await browser.sign_in("qiye1", anew=True)
    await browser.go("GET", "/projects")
    calm.level.value = 0
    monkeypatch.setattr(calm, "judge", lambda now: None)
    jars = [CookieJar(unsafe=True) for _ in range(2)]
    early, late = [ClientSession(gateway.make_url("/"), cookie_jar=jar) for jar in jars]
    async with early, late:
        assert (await early.get("/login", headers=PAGE)).status == 503
        stepped = SimpleNamespace(time=lambda: time.time() + 3600 * hours, monotonic=time.monotonic)
        monkeypatch.setattr(line, "time", stepped)
        assert (await late.get("/login", headers=PAGE)).status == 503
        assert (await browser.go("GET", "/projects")).status == 200
        told = [await (await who.get("/login", headers=PAGE)).text() for who in (early, late)]
    assert ["还有 <b>0</b> 人" in told[0], "还有 <b>1</b> 人" in told[1]] == [True, True]


async def test_place_of_an_account_is_worth_nothing_to_another(
    gateway: TestServer, browser: Browser, calm: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.sign_in("qiye1", anew=True)
    now = time.time()
    theirs = sealed(gateway, Sealed(True, uuid4(), bytes(8), now - 900, in_at=now - 10))
    calm._inside.clear()
    calm.level.value = 0
    monkeypatch.setattr(calm, "judge", lambda now: None)
    bring(gateway, browser, theirs)
    assert (await browser.go("GET", "/projects")).status == 503
    assert came(calm) == pytest.approx(now, abs=5)


async def test_newcomers_place_is_taken_over_by_one_account_only(gateway: TestServer) -> None:
    people = gateway.app[LINE]
    newcomer, one, other = uuid4(), uuid4(), uuid4()
    assert people.take_over(newcomer, one)
    assert people.take_over(newcomer, one)
    assert not people.take_over(newcomer, other)


async def test_five_hundred_windows_of_one_account_hold_one_place(
    gateway: TestServer, browser: Browser, calm: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.sign_in("qiye1", anew=True)
    calm._inside.clear()
    calm.level.value = 0
    monkeypatch.setattr(calm, "judge", lambda now: None)
    for _ in range(500):
        assert (await browser.go("GET", "/projects")).status == 503
    assert calm.in_line == 1


async def test_submit_page_stands_in_no_line_and_brings_a_ticket(
    gateway: TestServer, browser: Browser, calm: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = await draft_of(browser)
    calm._inside.clear()
    calm.level.value = 0
    monkeypatch.setattr(calm, "judge", lambda now: None)
    page = await browser.go("GET", f"/applications/{draft}/submit")
    assert page.status == 200
    # Something is missing: no ticket, and nothing of it goes first until something is changed.
    assert tickets.HEADER not in page.headers
    assert (await browser.go("GET", f"/applications/{draft}/submit")).status == 503
    session = await gateway.app[BROWSER_SESSIONS].find(browser.cookie())
    assert session is not None
    gateway.app[UNREADY].forget(session, draft)
    assert (await browser.go("GET", f"/applications/{draft}/submit")).status == 200


async def test_who_wants_a_document_is_told_that_it_comes_later(
    gateway: TestServer, browser: Browser, calm: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.sign_in("qiye1", anew=True)
    calm._inside.clear()
    calm.level.value = 0
    monkeypatch.setattr(calm, "judge", lambda now: None)
    path = f"/applications/{uuid4()}/revisions/1/pdf"
    page = await browser.go("GET", path)
    assert page.status == 503
    assert line.LATER_SECONDS <= int(page.headers["Retry-After"]) <= 2 * line.LATER_SECONDS
    assert "PDF 会在高峰过后自动生成" in await page.text()
    # Whoever is in is told the same at once, by the gateway alone, and goes on with everything else.
    calm._inside.clear()
    calm.level.value = 1
    assert (await browser.go("GET", "/projects")).status == 200
    calls: list[str] = []
    services = gateway.app[SERVICES]
    monkeypatch.setattr(services, "owner", lambda path: calls.append(path) or "applications")
    for method, path in (
        ("POST", f"/applications/{uuid4()}/revisions/1/pdf"),
        ("GET", f"/applications/{uuid4()}/preview"),
    ):
        answer = await browser.call(method, path)
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) >= line.LATER_SECONDS
        assert "PDF 会在高峰过后自动生成" in (await answer.json())["detail"]
    assert calls == []


async def test_one_account_has_few_requests_under_way_and_a_client_that_will_not_wait_gets_refusals(
    gateway: TestServer, browser: Browser, calm: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.sign_in("qiye1", anew=True)
    calm.level.value = 0
    monkeypatch.setattr(calm, "judge", lambda now: None)
    [key] = calm._inside
    gateway.app[LINE].under_way[key] = line.AT_ONCE
    assert (await browser.go("GET", "/projects")).status == 503
    del gateway.app[LINE].under_way[key]
    assert (await browser.go("GET", "/projects")).status == 200
    # Asking again and again changes no place and costs no question to the services.
    calm.done(key)
    bring(gateway, browser, "")
    asked: list[object] = []
    monkeypatch.setattr(gateway.app[SERVICES], "reach", lambda *given, **_: asked.append(given))
    for _ in range(30):
        assert (await browser.go("GET", "/projects")).status == 503
    assert not asked


async def test_who_submits_what_is_not_complete_goes_with_everybody_else_until_something_is_changed(
    gateway: TestServer, browser: Browser, calm: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = await draft_of(browser)
    calm._inside.clear()
    calm.level.value = 0
    monkeypatch.setattr(calm, "judge", lambda now: None)

    async def press() -> int:
        usual = {"If-Match": '"1"', "Idempotency-Key": uuid4().hex}
        answer = await browser.call("POST", f"/applications/{draft}/submit", json={}, headers=usual)
        return answer.status

    assert [await press(), await press()] == [422, 503]
    # Somebody who is in changes something by a program.
    calm.level.value = 1
    opened = await browser.call("GET", f"/applications/{draft}/sections/contact")
    tag = opened.headers["ETag"]
    path = f"/applications/{draft}/sections/contact/draft"
    kept = await browser.call("PUT", path, json={"values": {}}, headers={"If-Match": tag})
    assert kept.status == 200, await kept.text()
    calm._inside.clear()
    calm.level.value = 0
    assert await press() == 422
