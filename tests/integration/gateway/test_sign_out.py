"""Sign-out ends everything within a second: requests, live streams and downloads, in every gateway, whoever ended the session."""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from io import BytesIO
from secrets import token_urlsafe
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestServer
from joserfc import jwt
from redis.asyncio import Redis
from sqlalchemy import delete, select, update

from services.gateway.accounts import staff_command
from services.gateway.accounts.models import Account, Audit, SessionRow
from services.gateway.accounts.sessions import REMEMBERED_SECONDS, Session, digest
from services.gateway.app import create_app
from services.gateway.signin.wire import Wire
from services.gateway.stub_idp import signing_out, tokens
from services.gateway.stub_idp.signing_out import logout_token
from services.gateway.web.context import BROWSER_SESSIONS, DATABASE, LIMITS, SETTINGS
from services.gateway.web.ended_sessions import WATCH
from shared import clock
from shared.errors import Overloaded
from shared.identity import Role
from tests import factories
from tests.integration.gateway.conftest import Browser, forget_sessions, make_settings

SECOND = 1.0


@pytest.fixture(scope="module")
async def second_gateway(gateway: TestServer, database_url: str, redis_url: str) -> AsyncIterator[TestServer]:
    """Another process of the same portal: its own memory, the same database, Redis and keys."""
    settings = make_settings(
        database_url,
        redis_url,
        public_url=str(gateway.app[SETTINGS].public_url),
        idp_url=str(gateway.app[SETTINGS].idp_url),
        applications_url=str(gateway.app[SETTINGS].applications_url),
        signins_per_minute=10_000,
    )
    async with TestServer(create_app(settings), port=settings.gateway_port) as running:
        # Asked by its own name, as a balancer would pass on the public one.
        running.app[SETTINGS].__dict__["known_hosts"] = frozenset({f"127.0.0.1:{settings.gateway_port}"})
        yield running


class Stream:
    """Live notices at a gateway, with the moment at which they ended."""

    def __init__(self, server: TestServer, browser: Browser) -> None:
        self._server, self._browser = server, browser
        self.ended = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> "Stream":
        headers = {"Cookie": f"gm_session={self._browser.cookie()}"}
        self._answer = await self._browser.http.get(self._server.make_url("/api/v1/events"), headers=headers)
        assert self._answer.status == 200
        assert await self._answer.content.readline() == b"retry: 5000\n"
        self._task = asyncio.create_task(self._read())
        return self

    async def _read(self) -> None:
        async for _ in self._answer.content:
            pass
        self.ended.set_result(time.monotonic())

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        self._answer.close()


def form(browser: Browser) -> dict[str, str]:
    return {"csrf_token": browser.csrf_token}


async def own_name(gateway: TestServer, browser: Browser) -> str:
    async with gateway.app[DATABASE].begin() as session:
        query = select(SessionRow.id).where(SessionRow.id_sha256 == digest(browser.cookie()))
        return str((await session.scalars(query)).one())


async def by_oneself(gateway: TestServer, browser: Browser, other: Browser) -> None:
    await browser.go("POST", "/logout", data=form(browser), allow_redirects=False)


async def from_elsewhere(gateway: TestServer, browser: Browser, other: Browser) -> None:
    name = await own_name(gateway, browser)
    await other.go("POST", f"/account/sessions/{name}/end", data=form(other))


async def all_others(gateway: TestServer, browser: Browser, other: Browser) -> None:
    await other.go("POST", "/account/sessions/end-others", data=form(other))


async def by_command(gateway: TestServer, browser: Browser, other: Browser) -> None:
    async with gateway.app[DATABASE].begin() as session:
        await staff_command.run(session, argparse.Namespace(staff_command="disable", subject="stub-shencha"))


async def by_roles(gateway: TestServer, browser: Browser, other: Browser) -> None:
    given = argparse.Namespace(staff_command="set", subject="stub-shencha", name="陈审查", roles=["auditor"])
    async with gateway.app[DATABASE].begin() as session:
        await staff_command.run(session, given)


async def by_hand(gateway: TestServer, browser: Browser, other: Browser) -> None:
    """In the database, where nothing of ours is asked."""
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(
            update(Account).where(Account.subject == "stub-shencha").values(disabled_at=clock.now())
        )


async def by_the_provider(gateway: TestServer, browser: Browser, other: Browser) -> None:
    data = {"logout_token": logout_token(gateway.app[SETTINGS], "stub-shencha")}
    async with other.http.post(gateway.make_url(signing_out.PATH), data=data) as answer:
        assert answer.status == 200


End = Callable[[TestServer, Browser, Browser], Awaitable[None]]
WAYS = [by_oneself, from_elsewhere, all_others, by_command, by_roles, by_hand, by_the_provider]


@pytest.fixture
async def clerk(gateway: TestServer, browser: Browser) -> AsyncIterator[Browser]:
    """A member of staff who is signed in, and is afterwards what they were."""
    yield await browser.sign_in("shencha", anew=True)
    async with gateway.app[DATABASE].begin() as session:
        account = update(Account).where(Account.subject == "stub-shencha")
        await session.execute(account.values(disabled_at=None, roles=["reviewer"]))


async def ends(what: Callable[[], Awaitable[bool]]) -> float:
    """When it is over."""
    while not await what():
        await asyncio.sleep(0.02)
    return time.monotonic()


@pytest.mark.parametrize("way", WAYS)
async def test_everything_ends_in_every_gateway(
    gateway: TestServer, second_gateway: TestServer, clerk: Browser, other: Browser, way: End
) -> None:
    await other.sign_in("shencha", anew=True)
    cookie = {"Cookie": f"gm_session={clerk.cookie()}"}

    async def refused(server: TestServer) -> bool:
        async with clerk.http.get(server.make_url("/api/v1/me"), headers=cookie) as answer:
            return answer.status == 401

    async with Stream(gateway, clerk) as here, Stream(second_gateway, clerk) as there:
        # Both gateways have it in the cache, and work with it.
        for server in (gateway, second_gateway):
            assert not await refused(server)
        await way(gateway, clerk, other)
        ended = time.monotonic()
        over = await asyncio.gather(
            *(
                asyncio.wait_for(it, timeout=5)
                for it in (
                    here.ended, there.ended, ends(lambda: refused(gateway)), ends(lambda: refused(second_gateway))
                )
            ),
            return_exceptions=True,
        )  # fmt: skip
    late = [at if isinstance(at, BaseException) else round(at - ended, 2) for at in over]
    assert all(isinstance(at, float) and at < SECOND for at in late), late


async def test_a_stream_ends_when_nobody_has_been_there_for_too_long(gateway: TestServer, clerk: Browser) -> None:
    idle = timedelta(minutes=gateway.app[SETTINGS].session_idle_minutes)
    seen, ends_at = clock.now() - idle + timedelta(seconds=2), time.monotonic() + 2
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(
            update(SessionRow).where(SessionRow.id_sha256 == digest(clerk.cookie())).values(last_seen_at=seen)
        )
    # Others' requests of the session must not prolong it: it is asked for without a copy.
    async with Stream(gateway, clerk) as stream:
        ended = await asyncio.wait_for(stream.ended, timeout=5)
    assert -0.1 < ended - ends_at < SECOND


async def draft_of(browser: Browser) -> str:
    rounds = await (await browser.call("GET", "/rounds")).json()
    made = await browser.call(
        "POST",
        "/applications",
        json={"round_id": next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward")},
        headers={"Idempotency-Key": uuid4().hex},
    )
    return str((await made.json())["id"])


async def test_a_download_in_progress_is_cut(gateway: TestServer, browser: Browser) -> None:
    """A file that is being passed on to somebody who reads slowly."""
    await browser.sign_in("qiye1", anew=True)
    id = await draft_of(browser)
    slot, section = next(iter(factories.REWARD_SLOTS.items()))
    name, content = factories.file_for(slot)
    # Larger than every buffer between here and there.
    size = 18 * 1024 * 1024
    first, rest = content.split(b"\n", 1)
    content = first + b"\n%" + b"x" * (size - len(content) - 2) + b"\n" + rest
    data = FormData()
    data.add_field("file", BytesIO(content), filename=name)
    sent = await browser.call("POST", f"/applications/{id}/attachments?section={section}&slot={slot}", data=data)
    assert sent.status == 201, await sent.text()
    file = (await sent.json())["id"]
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=65536)
    writer.write(
        f"GET /api/v1/applications/{id}/attachments/{file} HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\n"
        f"Cookie: gm_session={browser.cookie()}\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    got = len(await reader.readexactly(65536))
    await browser.go("POST", "/logout", data=form(browser), allow_redirects=False)
    await asyncio.sleep(SECOND)
    try:
        while got < size and (piece := await reader.read(65536)):
            got += len(piece)
    except ConnectionResetError:
        pass
    writer.close()
    assert got < size


async def test_a_file_on_its_way_in_is_cut(gateway: TestServer, browser: Browser) -> None:
    """Half of it has come when its sender is signed out elsewhere: the rest is not waited for."""
    await browser.sign_in("qiye1", anew=True)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    slot, section = next(iter(factories.REWARD_SLOTS.items()))
    path = f"/api/v1/applications/{await draft_of(browser)}/attachments?section={section}&slot={slot}"
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\nCookie: gm_session={browser.cookie()}\r\n"
        f"X-CSRF-Token: {browser.csrf_token}\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        "Content-Length: 10000000\r\n\r\n--b\r\n".encode()
    )
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), timeout=1)
    await browser.go("POST", "/logout", data=form(browser), allow_redirects=False)
    ended = time.monotonic()
    with suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), timeout=5) == b""
    assert time.monotonic() - ended < SECOND
    writer.close()


async def test_nobody_who_writes_redis_makes_a_session(
    gateway: TestServer, browser: Browser, redis_url: str
) -> None:
    async with Redis.from_url(redis_url) as redis:
        await browser.sign_in("qiye1", anew=True)
        assert (await browser.call("GET", "/me")).status == 200
        known = await gateway.app[BROWSER_SESSIONS].find(browser.cookie())
        assert known is not None
        # No key names a session, and no value can be read as one: there is nothing to change.
        for key in await redis.keys("*"):
            assert b"session" not in key
            assert known.id_sha256.encode() not in key
        # What earlier versions kept there is not read.
        better = known.model_copy(update={"roles": frozenset({Role.DIRECTOR})}).model_dump_json()
        await redis.set(f"gm:session:{digest(browser.cookie())}", better)
        assert (await (await browser.call("GET", "/me")).json())["roles"] == ["applicant"]
        # Without Redis, somebody who signed in stays signed in.
        await redis.flushall()
        assert (await browser.call("GET", "/me")).status == 200


async def test_a_session_is_remembered_for_seconds_and_never_after_its_end(
    gateway: TestServer, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.sign_in("qiye1", anew=True)
    sessions, cookie = gateway.app[BROWSER_SESSIONS], browser.cookie()
    key = digest(cookie)
    monkeypatch.setattr(gateway.app[WATCH], "unchanged", lambda *_: True)
    assert await sessions.find(cookie) is not None
    assert sessions._recall(key) is not None
    later = time.monotonic() + REMEMBERED_SECONDS + 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.monotonic", lambda: later)
        assert sessions._recall(key) is None
    assert (await browser.go("POST", "/logout", data=form(browser), allow_redirects=False)).status in (302, 303)
    assert sessions._recall(key) is None
    assert await sessions.find(cookie) is None
    headers = {"Cookie": f"gm_session={key}"}
    assert (await browser.call("GET", "/me", headers=headers)).status == 401
    assert await sessions.find("x" * 43) is None


async def test_a_session_is_read_once_after_each_of_its_changes(
    gateway: TestServer, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sign-in is a change, too: whoever has just come is remembered like everybody else."""
    await browser.sign_in("qiye1", anew=True)
    sessions, watch = gateway.app[BROWSER_SESSIONS], gateway.app[WATCH]
    read: list[str] = []
    load = sessions._load

    async def counted(key: str) -> Session | None:
        read.append(key)
        return await load(key)

    monkeypatch.setattr(sessions, "_load", counted)
    for _ in range(2):
        await watch.look()
        sessions._remembered.clear()
        read.clear()
        for _ in range(5):
            await watch.look()
            assert await sessions.find(browser.cookie()) is not None
        assert len(read) == 1
        # Another gateway changes something: what was read before that counts no more, however late the poll shows it.
        async with gateway.app[DATABASE].begin() as session:
            await session.execute(
                update(SessionRow).where(SessionRow.id_sha256 == read[0]).values(csrf_token=token_urlsafe(32))
            )
        await watch.look()
        assert sessions._recall(read[0]) is None


async def test_so_many_sessions_are_remembered(
    gateway: TestServer, browser: Browser, other: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.accounts.sessions.REMEMBERED", 1)
    forget_sessions(gateway)
    await browser.sign_in("qiye1", anew=True)
    await other.sign_in("shending", anew=True)
    monkeypatch.setattr(gateway.app[WATCH], "unchanged", lambda *_: True)
    sessions = gateway.app[BROWSER_SESSIONS]
    for one in (browser, other):
        assert await sessions.find(one.cookie()) is not None
    assert sessions._recall(digest(browser.cookie())) is None
    assert sessions._recall(digest(other.cookie())) is not None


async def test_nothing_remembered_counts_while_changes_are_not_known(
    gateway: TestServer, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.sign_in("qiye1", anew=True)
    watch = gateway.app[WATCH]
    await watch.look()
    assert watch.unchanged("somebody", time.monotonic())
    looked: list[str] = []
    sessions = gateway.app[BROWSER_SESSIONS]
    load = sessions._load

    async def noted(key: str):  # type: ignore[no-untyped-def]
        looked.append(key)
        return await load(key)

    monkeypatch.setattr(sessions, "_load", noted)
    monkeypatch.setattr(watch, "_changed", {})
    await sessions.find(browser.cookie())
    for known in (True, False):
        monkeypatch.setattr(watch, "_looked_at", time.monotonic() if known else float("-inf"))
        looked.clear()
        assert await sessions.find(browser.cookie()) is not None
        assert bool(looked) is not known


async def test_a_change_of_the_password_ends_sessions(
    gateway: TestServer, second_gateway: TestServer, browser: Browser, other: Browser
) -> None:
    """找回密码 at the platform, which tells the portal."""
    await browser.sign_in("qiye2", anew=True)
    async with Stream(second_gateway, browser) as stream:
        started = time.monotonic()
        await signing_out_after_reset(gateway, other, "qiye2")
        ended = await asyncio.wait_for(stream.ended, timeout=5)
    assert ended > started
    assert (await browser.call("GET", "/me")).status == 401


async def signing_out_after_reset(gateway: TestServer, somebody: Browser, username: str) -> None:
    from services.gateway.stub_idp import reset
    from services.gateway.stub_idp.models import StubResetCode
    from services.gateway.stub_idp.passwords import hashed

    async with gateway.app[DATABASE].begin() as session:
        sha = reset.hmac.digest(gateway.app[SETTINGS].signing_key, f"{username}:123456".encode(), "sha256").hex()
        await session.execute(delete(StubResetCode).where(StubResetCode.username == username))
        session.add(
            StubResetCode(
                username=username, code_sha256=sha, tries=0, sent_at=clock.now(),
                expires_at=clock.now() + timedelta(minutes=5),
            )
        )  # fmt: skip
    fields = {"username": username, "code": "123456", "password": "Neu#Kennwort7", "again": "Neu#Kennwort7"}
    answer = await somebody.go("POST", "/stub-idp/password/new", data=fields)
    assert answer.status == 200
    assert "验证码错误" not in await answer.text()
    # As it was, for the tests that follow.
    from services.gateway.stub_idp.models import StubAccount

    async with gateway.app[DATABASE].begin() as session:
        account = await session.get_one(StubAccount, username)
        account.password_hash = await hashed("Demo#2024")


def claims(gateway: TestServer, **changes: object) -> dict[str, object]:
    now = int(time.time())
    usual = {
        "iss": tokens.issuer(gateway.app[SETTINGS]),
        "aud": gateway.app[SETTINGS].idp_client_id,
        "sub": "stub-qiye1",
        "iat": now,
        "exp": now + 60,
        "jti": uuid4().hex,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def signed(gateway: TestServer, said: dict[str, object], **header: str) -> str:
    key = tokens.key(gateway.app[SETTINGS])
    return jwt.encode({"alg": tokens.ALGORITHM, "kid": key.kid, "typ": "logout+jwt", **header}, said, key)


NOW = int(time.time())


@pytest.mark.parametrize(
    ("case", "changes", "header"),
    [
        ("of another issuer", {"iss": "https://elsewhere.example"}, {}),
        ("for another client", {"aud": "somebody"}, {}),
        ("without an event", {"events": None}, {}),
        ("with another event", {"events": {"http://schemas.openid.net/event/other": {}}}, {}),
        ("whose event is no object", {"events": {"http://schemas.openid.net/event/backchannel-logout": 1}}, {}),
        ("made for a sign-in", {"nonce": "n"}, {}),
        ("about nobody", {"sub": None}, {}),
        ("about something else", {"sub": 7}, {}),
        ("over", {"exp": NOW - 120, "iat": NOW - 180}, {}),
        ("old", {"iat": NOW - 3600}, {}),
        ("of tomorrow", {"iat": NOW + 86400}, {}),
        ("without a name of its own", {"jti": None}, {}),
        ("of another type", {}, {"typ": "at+jwt"}),
        ("of an unknown key", {}, {"kid": "unknown"}),
    ],
)
async def test_a_logout_token_that_ends_nothing(
    gateway: TestServer,
    browser: Browser,
    other: Browser,
    case: str,
    changes: dict[str, object],
    header: dict[str, str],
) -> None:
    await browser.sign_in("qiye1", anew=True)
    token = signed(gateway, claims(gateway, **changes), **header)
    answer = await other.go("POST", signing_out.PATH, data={"logout_token": token}, headers={"Accept": "*/*"})
    assert answer.status == 400, case
    assert json.loads(await answer.text())["type"] == "signin_token"
    assert (await browser.call("GET", "/me")).status == 200, case
    async with gateway.app[DATABASE].begin() as session:
        last = await session.scalar(select(Audit).order_by(Audit.id.desc()).limit(1))
    assert last is not None
    assert (last.action, last.result) == ("provider_sign_out_refused", "refused")


@pytest.mark.parametrize(
    "data", [{}, {"logout_token": ""}, {"logout_token": "x" * 9000}, {"logout_token": "a.b.c"}]
)
async def test_no_logout_token_is_400(other: Browser, data: dict[str, str]) -> None:
    answer = await other.go("POST", signing_out.PATH, data=data or {"other": "1"}, headers={"Accept": "*/*"})
    assert answer.status == 400


async def test_a_logout_token_ends_whom_it_names_and_only_once(
    gateway: TestServer, browser: Browser, other: Browser
) -> None:
    await browser.sign_in("qiye1", anew=True)
    await other.sign_in("qiye2", anew=True)
    token = signed(gateway, claims(gateway))
    stranger = Browser(gateway)
    for turn in range(2):
        answer = await stranger.go("POST", signing_out.PATH, data={"logout_token": token})
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert (await browser.call("GET", "/me")).status == (401 if turn == 0 else 200)
        assert (await other.call("GET", "/me")).status == 200
        if turn == 0:
            # Signed in again, somebody who kept the token ends nothing more with it.
            await browser.sign_in("qiye1", anew=True)
    await stranger.http.close()


async def test_a_sign_out_that_failed_is_carried_out_when_the_provider_says_it_again(
    gateway: TestServer, browser: Browser, other: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.sign_in("qiye1", anew=True)
    said = {"data": {"logout_token": signed(gateway, claims(gateway))}, "headers": {"Accept": "*/*"}}

    async def busy(*_: object) -> list[str]:
        raise Overloaded

    with monkeypatch.context() as away:
        away.setattr(gateway.app[BROWSER_SESSIONS], "end_at_provider", busy)
        assert (await other.go("POST", signing_out.PATH, **said)).status == 503
    assert (await other.go("POST", signing_out.PATH, **said)).status == 200
    assert (await browser.call("GET", "/me")).status == 401


async def test_a_provider_that_signs_out_many_is_not_held_back_and_who_guesses_is(
    gateway: TestServer, other: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = Wire.ask

    async def counted(wire: Wire, method: str, url: str, **options: Any) -> dict[str, Any]:
        asked.append(url)
        return await ask(wire, method, url, **options)

    monkeypatch.setattr(Wire, "ask", counted)
    monkeypatch.setitem(gateway.app[LIMITS]._numbers, "verifications_per_minute", 2)
    monkeypatch.setitem(gateway.app[SETTINGS].__dict__, "allowed_networks", [])

    async def say(**header: str) -> int:
        token = signed(gateway, claims(gateway, sub=f"stub-{uuid4().hex}"), **header)
        data = {"logout_token": token}
        return (await other.go("POST", signing_out.PATH, data=data, headers={"Accept": "*/*"})).status

    assert [await say() for _ in range(5)] == [200] * 5
    assert [await say(kid="unknown") for _ in range(5)] == [400, 400, 429, 429, 429]
    # Nor does anybody make us ask the provider for its keys again and again.
    assert len([url for url in asked if "jwks" in url]) <= 1


async def test_one_session_of_the_provider(gateway: TestServer, browser: Browser, other: Browser) -> None:
    """With `sid` only what began with that session of the provider ends."""
    for one, name in ((browser, "sid-1"), (other, "sid-2")):
        await one.sign_in("qiye1", anew=True)
        async with gateway.app[DATABASE].begin() as session:
            row = update(SessionRow).where(SessionRow.id_sha256 == digest(one.cookie()))
            await session.execute(row.values(provider_session=name))
    for subject in (None, "stub-qiye1"):
        token = signed(gateway, claims(gateway, sub=subject, sid="sid-1"))
        assert (await other.go("POST", signing_out.PATH, data={"logout_token": token})).status == 200
        assert (await browser.call("GET", "/me")).status == 401
        assert (await other.call("GET", "/me")).status == 200
