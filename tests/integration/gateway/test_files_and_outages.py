"""What one person's file does to a call is nobody's outage."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, ClientTimeout, MultipartWriter, web
from aiohttp.test_utils import TestServer

from services.gateway.web import backend
from services.gateway.web.backend import Services
from services.gateway.web.outgoing import Outgoing
from shared.errors import Unavailable
from shared.identity import Signer
from shared.overload import deadline, pressure
from tests import factories


def _file() -> MultipartWriter:
    writer = MultipartWriter("form-data")
    writer.append(b"file")
    return writer


async def _slow(request: web.Request) -> web.Response:
    await request.read()
    await asyncio.sleep(5)
    return web.json_response({})


async def _dropped(request: web.Request) -> web.Response:
    await request.read()
    assert request.transport is not None
    request.transport.abort()
    return web.json_response({})


async def _well(request: web.Request) -> web.Response:
    return web.json_response({"well": True}, headers={"X-Request-Id": request.headers["X-Request-Id"]})


async def _late(request: web.Request) -> web.Response:
    await asyncio.sleep(0.3)
    return await _well(request)


@pytest.fixture
async def services(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Services]:
    app = web.Application()
    app.router.add_post("/api/v1/applications/slow", _slow)
    app.router.add_post("/api/v1/applications/dropped", _dropped)
    app.router.add_get("/api/v1/applications/well", _well)
    app.router.add_get("/api/v1/applications/late", _late)
    monkeypatch.setattr(backend, "UPLOAD", ClientTimeout(total=0.2))
    async with TestServer(app) as server, ClientSession(auto_decompress=False) as http:
        signer = Signer("gateway", factories.private_key("gateway"))
        yield Services(Outgoing(http), signer, {"applications": str(server.make_url("")).rstrip("/")})


async def test_each_call_says_whether_people_wait_in_line() -> None:
    heard: list[str | None] = []
    stands = False

    async def hear(request: web.Request) -> web.Response:
        heard.append(request.headers.get(pressure.HEADER))
        return await _well(request)

    app = web.Application()
    app.router.add_get("/api/v1/applications/x", hear)
    async with TestServer(app) as server, ClientSession(auto_decompress=False) as http:
        signer = Signer("gateway", factories.private_key("gateway"))
        urls = {"applications": str(server.make_url("")).rstrip("/")}
        services = Services(Outgoing(http), signer, urls, line_stands=lambda: stands)
        await services.ask(None, "GET", "/applications/x")
        stands = True
        await services.ask(None, "GET", "/applications/x")
    assert heard == [None, "1"]


@pytest.mark.parametrize("what", ["slow", "dropped"])
async def test_files_that_fail_open_no_breaker(services: Services, what: str) -> None:
    for _ in range(6):
        with pytest.raises(Unavailable):
            await services.ask(None, "POST", f"/applications/{what}", data=_file())
    # Neither for pages nor for the next person's file.
    assert (await services.ask(None, "GET", "/applications/well")).body == {"well": True}
    assert not services._breakers["applications"].rests
    assert not services._breakers["applications-files"].rests


async def test_a_service_that_takes_no_connection_is_left_alone_for_files_as_well() -> None:
    async with ClientSession(auto_decompress=False) as http:
        signer = Signer("gateway", factories.private_key("gateway"))
        away = Services(Outgoing(http), signer, {"applications": "http://127.0.0.1:9"})
        for _ in range(3):
            with pytest.raises(Unavailable):
                await away.ask(None, "POST", "/applications/x", data=_file())
        assert away._breakers["applications-files"].rests
        assert not away._breakers["applications"].rests


async def test_an_answer_that_was_begun_in_time_is_served_though_it_comes_late(services: Services) -> None:
    deadline.begin(0.15)
    try:
        assert (await services.ask(None, "GET", "/applications/late")).body == {"well": True}
        assert deadline.over()
    finally:
        deadline.forget()
    assert not services._breakers["applications"].rests
