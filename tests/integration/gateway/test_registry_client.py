"""The client of the legal-person registry, against the stub's HTTP and against servers that answer wrongly or not at all."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from deploy.demo.values import ENTERPRISE_1
from deploy.embedded.ports import free_port
from services.gateway import preflight
from services.gateway.registry import MAX_ANSWER, REGISTRY, HttpRegistry, NotConnected
from services.gateway.web.outgoing import Outgoing
from shared.errors import Unavailable
from shared.overload.breaker import FAILURES, OPEN
from shared.preflight import Level
from tests.integration.gateway.conftest import Browser, make_settings, standing
from tests.integration.gateway.test_registry import failing, slow, start

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
KEY = "the registry's key"
USCC = ENTERPRISE_1[0]


@asynccontextmanager
async def client(url: str, key: str = KEY, seconds: float = 0.5) -> AsyncIterator[HttpRegistry]:
    async with ClientSession(auto_decompress=False) as http:
        yield HttpRegistry(Outgoing(http), url, key, seconds)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """A registry of one handler; its address."""
    app = web.Application()
    app.router.add_get("/{uscc}", handler)
    async with TestServer(app) as server:
        yield str(server.make_url(""))


def breaker_open() -> float:
    return OPEN.labels("gateway", "registry")._value.get()


async def test_the_stub_answers_whoever_has_the_key(gateway: TestServer) -> None:
    url = str(gateway.make_url("/stub-idp/registry"))
    async with client(url, seconds=5) as asked:
        found = await asked.entry(USCC)
        assert (found["UNION_CODE"], found["ORG_NAME"]) == ENTERPRISE_1[:2]
        assert await asked.entry("91110000000000000X") == {}
        # Nothing that stands in a code leads to another address.
        assert await asked.entry("../am/oauth2/tokeninfo?x=") == {}
    for wrong in ("", "another key", "密"):
        async with ClientSession() as http:
            headers = {"Authorization": f"Bearer {wrong}".encode().decode("latin-1")}
            answer = await http.get(f"{url}/{USCC}", headers=headers)
            assert answer.status == 401
    async with client(url, key="another key", seconds=5) as asked:
        with pytest.raises(Unavailable):
            await asked.entry(USCC)


@pytest.mark.parametrize("fault", [slow, failing])
async def test_a_stub_that_fails_is_away_in_time(gateway: TestServer, fault: Any) -> None:
    async with fault(gateway), client(str(gateway.make_url("/stub-idp/registry"))) as asked:
        began = time.monotonic()
        with pytest.raises(Unavailable) as refused:
            await asked.entry(USCC)
        assert refused.value.code == "registry_away"
        # The stub itself gives up after five: what says so sooner is the client.
        assert time.monotonic() - began < 4


async def broken(request: web.Request) -> web.StreamResponse:
    return web.Response(status=500)


async def no_json(request: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>维护中</html>")


async def no_object(request: web.Request) -> web.StreamResponse:
    return web.json_response([{"ORG_NAME": "某企业"}])


async def too_deep(request: web.Request) -> web.StreamResponse:
    return web.Response(text="[" * (MAX_ANSWER // 2))


async def too_large(request: web.Request) -> web.StreamResponse:
    return web.json_response({"ORG_NAME": "某" * MAX_ANSWER})


async def elsewhere(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/stub-idp")


async def compressed(request: web.Request) -> web.StreamResponse:
    return web.Response(body=b"x", headers={"Content-Encoding": "br"})


async def endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    while True:
        await answer.write(b" ")
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "handler", [broken, no_json, no_object, too_deep, too_large, elsewhere, compressed, endless]
)
async def test_what_is_no_entry_is_no_answer(handler: Handler) -> None:
    """Three in a row, and the registry is left alone: the next question does not reach it."""
    asked_for = 0

    async def counting(request: web.Request) -> web.StreamResponse:
        nonlocal asked_for
        asked_for += 1
        return await handler(request)

    async with serving(counting) as url, client(url, seconds=0.3) as asked:
        for _ in range(FAILURES + 2):
            with pytest.raises(Unavailable):
                await asked.entry(USCC)
        assert asked_for == FAILURES
        assert breaker_open() == 1


async def answered(asked: HttpRegistry) -> dict[str, str]:
    """What the registry says as soon as it is asked again: it is left alone for a second, and longer while it fails."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await asked.entry(USCC)
            except Unavailable:
                await asyncio.sleep(0.1)


async def test_a_registry_that_comes_back_is_found() -> None:
    async def entry(request: web.Request) -> web.StreamResponse:
        return web.json_response({"ORG_NAME": "某企业", "STAFF": 12, "ZIP_CODE": None})

    port = free_port()
    async with client(f"http://127.0.0.1:{port}") as asked:
        for _ in range(FAILURES + 1):
            with pytest.raises(Unavailable):
                await asked.entry(USCC)
        assert breaker_open() == 1
        app = web.Application()
        app.router.add_get("/{uscc}", entry)
        async with TestServer(app, port=port):
            # What is no text is left out.
            assert await answered(asked) == {"ORG_NAME": "某企业"}
            assert breaker_open() == 0


async def test_a_busy_registry_is_asked_again() -> None:
    async def busy(request: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    async with serving(busy) as url, client(url) as asked:
        for _ in range(FAILURES + 1):
            with pytest.raises(Unavailable):
                await asked.entry(USCC)
        assert breaker_open() == 0


async def test_without_a_registry_the_gateway_says_so(
    database_url: str, redis_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At its start, in the preflight and on the page; nobody is kept from typing."""
    async with standing(database_url, redis_url, tmp_path, registry_url=None, registry_key="") as (portal, _):
        assert "no legal-person registry is connected" in caplog.text
        assert isinstance(portal.app[REGISTRY], NotConnected)
        person = await Browser(portal).sign_in("qiye1", anew=True)
        made = await start(person)
        assert made["registry"] == made["registry"] | {"answered": True, "waiting": []}
        page = await (await person.go("GET", f"/applications/{made['id']}/sections/company")).text()
        assert "本系统尚未接入法人库" in page
        assert "法人库暂时没有响应" not in page
        # Nothing of the contact's would have come from there.
        other = await (await person.go("GET", f"/applications/{made['id']}/sections/contact")).text()
        assert "法人库" not in other
        await person.http.close()


@pytest.mark.parametrize(
    ("url", "level", "found"),
    [
        (None, Level.WARNING, "未接入"),
        ("http://127.0.0.1:9/registry", Level.WARNING, "http://127.0.0.1:9/registry 没有加密"),
        ("https://127.0.0.1:9/registry", Level.BAD, ""),
    ],
)
def test_preflight_names_the_registry(url: str | None, level: Level, found: str) -> None:
    settings = make_settings("postgresql://u:p@127.0.0.1:9/d", "redis://127.0.0.1:9", registry_url=url)
    [line] = [f for f in preflight.findings(settings) if f.what.startswith("法人库")]
    assert line.level is level
    assert found in line.found
