"""What one person's file does to a call is nobody's outage."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, ClientTimeout, web
from aiohttp.test_utils import TestServer

from services.gateway import client
from services.gateway.client import Services
from shared.errors import Unavailable
from shared.identity import Signer
from tests import factories


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
    return web.json_response({"well": True})


@pytest.fixture
async def services(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Services]:
    app = web.Application()
    app.router.add_post("/api/v1/applications/slow", _slow)
    app.router.add_post("/api/v1/applications/dropped", _dropped)
    app.router.add_get("/api/v1/applications/well", _well)
    monkeypatch.setattr(client, "UPLOAD", ClientTimeout(total=0.2))
    async with TestServer(app) as server, ClientSession() as http:
        signer = Signer("gateway", factories.private_key("gateway"))
        yield Services(http, signer, {"applications": str(server.make_url("")).rstrip("/")})


@pytest.mark.parametrize("what", ["slow", "dropped"])
async def test_files_that_fail_open_no_breaker(services: Services, what: str) -> None:
    for _ in range(6):
        with pytest.raises(Unavailable):
            await services.ask(None, "POST", f"/applications/{what}", data=b"file")
    # Neither for pages nor for the next person's file.
    assert (await services.ask(None, "GET", "/applications/well")).body == {"well": True}
    assert not services._breakers["applications"].rests
    assert not services._file_breakers["applications"].rests


async def test_a_service_that_takes_no_connection_is_left_alone_for_files_as_well() -> None:
    async with ClientSession() as http:
        signer = Signer("gateway", factories.private_key("gateway"))
        away = Services(http, signer, {"applications": "http://127.0.0.1:9"})
        for _ in range(3):
            with pytest.raises(Unavailable):
                await away.ask(None, "POST", "/applications/x", data=b"file")
        assert away._file_breakers["applications"].rests
        assert not away._breakers["applications"].rests
