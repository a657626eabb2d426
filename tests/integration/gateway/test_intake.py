"""Bodies come in before a place is taken: slow lines and strangers cost nobody else theirs."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import REGISTRY

from services.gateway import app
from services.gateway.web.arriving import FILES_OF_ADDRESS, FORMS_OF_ADDRESS
from services.gateway.web.context import DATABASE
from shared.http.app import Route, answer, base_app
from shared.http.intake import Intake
from shared.identity import Verifier
from shared.overload.priority import LARGE
from tests.integration.gateway.conftest import Browser, make_settings, seed_people

PLACES = 4


@asynccontextmanager
async def running(database_url: str, redis_url: str) -> AsyncIterator[TestServer]:
    """A gateway with few places, which counts whoever comes."""
    settings = make_settings(
        database_url, redis_url, allowed_addresses="", signins_per_minute=1000,
        gateway_transfers_at_once=8, trusted_proxies="127.0.0.1", address_calls_per_minute=10_000,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "REQUESTS_AT_ONCE", PLACES)
        gateway = app.create_app(settings)
    async with TestServer(gateway, port=settings.gateway_port) as server:
        async with server.app[DATABASE].begin() as session:
            await seed_people(session)
        yield server


class Slow:
    """A request whose body does not come."""

    def __init__(
        self, port: int | None, path: str, length: int, address: str = "198.51.100.1", **headers: str
    ) -> None:
        self.port, host = port, f"127.0.0.1:{port}"
        named = {
            "Host": host,
            "Content-Length": str(length),
            "X-Forwarded-For": address,
            "Accept": "application/json",
        }
        named |= {"Content-Type": "application/x-www-form-urlencoded", **headers}
        self.head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in named.items())

    async def __aenter__(self) -> "Slow":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(f"{self.head}\r\na".encode())
        await self.writer.drain()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()

    async def status(self, seconds: float = 5) -> int | None:
        """The answer's status; None while there is none."""
        try:
            line = await asyncio.wait_for(self.reader.readline(), seconds)
        except TimeoutError:
            return None
        return int(line.split()[1])


async def test_a_hundred_slow_forms_hold_no_place(database_url: str, redis_url: str) -> None:
    async with running(database_url, redis_url) as server, asyncio.TaskGroup() as group:
        slow = [
            Slow(server.port, path, 2000, f"198.51.100.{n % 4}")
            for n in range(25)
            for path in (
                "/logout",
                "/api/v1/applications",
                "/stub-idp/password",
                f"/applications/{uuid4()}/submit",
            )
        ]
        for one in slow:
            await one.__aenter__()
        browser = Browser(server)
        began = time.monotonic()
        assert (await browser.send_form(await browser.to_form("/welcome"), "qiye1")).status == 200
        assert time.monotonic() - began < 5
        await browser.http.close()
        assert all(found is None for found in await asyncio.gather(*(one.status(0.1) for one in slow)))
        for one in slow:
            group.create_task(one.__aexit__())


async def test_one_address_brings_so_many_at_once(database_url: str, redis_url: str) -> None:
    async with running(database_url, redis_url) as server:
        slow = [Slow(server.port, "/logout", 2000) for _ in range(FORMS_OF_ADDRESS)]
        for one in slow:
            await one.__aenter__()
        async with (
            Slow(server.port, "/logout", 2000) as more,
            Slow(server.port, "/logout", 2000, "198.51.100.9") as other,
        ):
            assert (await more.status(), await other.status(0.2)) == (429, None)
        for one in slow:
            await one.__aexit__()
        # What was given up counts no more.
        async with Slow(server.port, "/logout", 2000) as again:
            assert await again.status(0.2) is None


async def test_strangers_leave_places_to_those_who_are_signed_in(database_url: str, redis_url: str) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    async with running(database_url, redis_url) as server:
        slow = [
            Slow(server.port, "/verify/x", LARGE * 4, f"198.51.100.{n}", **kind)
            for n in range(4)
            for _ in range(FILES_OF_ADDRESS + 1)
        ]
        for one in slow:
            await one.__aenter__()
        found = [await one.status(0.2) for one in slow]
        assert found.count(None) == 2
        assert set(found) == {None, 429}
        browser = Browser(server)
        assert (await browser.send_form(await browser.to_form("/welcome"), "qiye1")).status == 200
        token = (await (await browser.call("GET", "/me")).json())["csrf_token"]
        signed = {"Cookie": f"gm_session={browser.cookie()}", "X-CSRF-Token": token, **kind}
        path = f"/api/v1/applications/{uuid4()}/attachments"
        async with Slow(server.port, path, LARGE * 4, "198.51.100.0", **signed) as theirs:
            # Let in, and told by the service that is not there.
            assert await theirs.status() == 503
        await browser.http.close()
        for one in slow:
            await one.__aexit__()


def admitted(rank: str) -> float:
    return REGISTRY.get_sample_value("gm_door_wait_seconds_count", {"service": "gateway", "rank": rank}) or 0


async def test_who_has_not_proved_to_submit_stands_in_line_with_others(browser: Browser, other: Browser) -> None:
    await browser.sign_in("qiye1", anew=True)
    path = f"/applications/{uuid4()}/submit"
    before = admitted("SUBMIT")
    for headers in ({"X-CSRF-Token": "wrong"}, {"Origin": "https://evil.example"}):
        await browser.call("POST", path, json={}, headers=headers)
    await other.call("POST", path, json={}, headers={"X-CSRF-Token": browser.csrf_token})
    assert admitted("SUBMIT") == before
    await browser.call("POST", path, json={})
    assert admitted("SUBMIT") == before + 1


@asynccontextmanager
async def small_server(grace: float, least: int, room: int = 10**6) -> AsyncIterator[TestServer]:
    """A server of one route, which takes its time over each piece of a body."""

    async def take(request: web.Request) -> web.Response:
        size = 0
        async for chunk in request.content.iter_any():
            size += len(chunk)
            await asyncio.sleep(float(request.query.get("pause", "0")))
        return answer({"size": size or len(await request.read())})

    intake = Intake(grace=grace, least=least, room=room)
    app = base_app("test", Verifier("test", {}), [Route("POST", "/", take)], middlewares=[intake.middleware()])
    async with TestServer(app) as server:
        yield server


@pytest.mark.parametrize("length", [2000, LARGE * 4])
async def test_a_line_that_brings_nothing_is_ended(length: int) -> None:
    async with small_server(0.3, 10**9) as server, Slow(server.port, "/", length) as slow:
        assert await slow.status() == 408
        head = await slow.reader.readuntil(b"\r\n\r\n")
        assert b"connection: close" in head.lower()
        body = await slow.reader.read()
        assert b"too_slow" in body


async def test_our_own_slowness_is_nobodys_fault() -> None:
    """Much comes at once, and the handler takes it in slowly: the line is not to blame."""
    async with small_server(0.1, 10**9) as server:
        browser = Browser(server)
        sent = b"x" * (LARGE * 2)
        async with browser.http.post(server.make_url("/?pause=0.3"), data=sent) as found:
            assert (found.status, await found.json()) == (200, {"size": len(sent)})
        await browser.http.close()


async def test_no_more_comes_in_than_there_is_room_for() -> None:
    async with small_server(5, 1000, room=3000) as server:
        async with Slow(server.port, "/", 2000) as one, Slow(server.port, "/", 2000) as two:
            assert sorted(map(str, [await one.status(0.3), await two.status(0.3)])) == ["503", "None"]
        async with Slow(server.port, "/", 2000) as again:
            assert await again.status(0.3) is None


async def test_who_asks_first_is_invited() -> None:
    async with small_server(5, 1000) as server, Slow(server.port, "/", 3, Expect="100-continue") as patient:
        assert await patient.status() == 100
        patient.writer.write(b"bc")
        await patient.reader.readline()
        assert await patient.status() == 200
