"""What passes through the gateway to a service, and what never does."""

import asyncio
import http.client
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from uuid import uuid4

import pytest
from aiohttp import FormData, web
from aiohttp.test_utils import TestServer

from deploy.demo.files import pdf
from deploy.embedded.ports import free_port
from services.gateway.app import REQUESTS_AT_ONCE, create_app
from services.gateway.web import relay, slow_readers
from services.gateway.web.context import SERVICES
from shared.identity import Signer
from shared.overload.breaker import FAILURES
from tests import factories
from tests.integration.gateway.conftest import Browser, make_settings


def raw(server: TestServer, method: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    """A request whose path no client library has tidied up."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.putrequest(method, path, skip_host=False, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/applications/../../../internal/openapi.json",
        "/api/v1/applications/%2e%2e/%2e%2e/%2e%2e/internal/openapi.json",
        "/api/v1/applications/..%2f..%2f..%2finternal/openapi.json",
        "/api/v1/applications/.%2e/.%2e/.%2e/internal/openapi.json",
        "/api/v1/applications//internal/openapi.json",
        "/api/v1/applications/;/internal",
        "/api/v1/..;/internal/openapi.json",
        "/api/v1/internal/openapi.json",
        "/internal/openapi.json",
        "/api/v1/applications/%00",
        "/api/v1/metrics",
        "/metrics",
        "/internal/profiles/1",
    ],
)
async def test_no_path_leads_to_what_is_internal(browser: Browser, gateway: TestServer, path: str) -> None:
    await browser.sign_in("qiye1")
    cookie = {"Cookie": f"gm_session={browser.cookie()}"}
    status, body = await asyncio.to_thread(raw, gateway, "GET", path, cookie)
    assert status in {400, 404}, body
    assert b"paths" not in body


async def test_headers_of_the_client_cannot_pass_as_ours(browser: Browser) -> None:
    await browser.sign_in("qiye1")
    signer = Signer("gateway", factories.private_key("gateway"))
    theirs = factories.applicant(factories.ENTERPRISE_2)
    answer = await browser.call(
        "GET",
        "/applications",
        headers={
            **signer.headers("applications", "GET", "/api/v1/applications", theirs),
            "X-Forwarded-For": "1.2.3.4",
            "X-Request-Id": "an id\twith a tab",
        },
    )
    # The forged signature is even a valid one; the session decides all the same.
    assert answer.status == 200
    me = await (await browser.call("GET", "/me")).json()
    assert all(a["enterprise"] == me["enterprise"]["uscc"] for a in (await answer.json())["items"])
    assert answer.headers["X-Request-Id"].isalnum()


async def test_attachment_streams_in_and_out(browser: Browser) -> None:
    await browser.sign_in("qiye1")
    rounds = await (await browser.call("GET", "/rounds")).json()
    made = await browser.call(
        "POST",
        "/applications",
        json={"round_id": next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward")},
        headers={"Idempotency-Key": uuid4().hex},
    )
    id = (await made.json())["id"]
    assert made.headers["Location"] == f"/api/v1/applications/{id}"
    content = pdf(weight=3_000_000)
    form = FormData()
    form.add_field("file", BytesIO(content), filename="营业执照.pdf")
    path = f"/applications/{id}/attachments"
    up = await browser.call("POST", f"{path}?section=company&slot=business_license", data=form)
    assert up.status == 201, await up.text()
    kept = await up.json()
    down = await browser.call("GET", f"{path}/{kept['id']}")
    assert (down.status, await down.read() == content) == (200, True)
    name = "filename*=UTF-8''%E8%90%A5%E4%B8%9A%E6%89%A7%E7%85%A7.pdf"
    assert down.headers["Content-Disposition"] == f'attachment; filename="____.pdf"; {name}'

    # Over the slot's limit: said in words, though the person's computer is still sending.
    form = FormData()
    form.add_field("file", BytesIO(pdf(weight=25_000_000)), filename="x.pdf")
    up = await browser.call("POST", f"{path}?section=company&slot=business_license", data=form)
    assert (up.status, (await up.json())["type"]) == (413, "too_large")


async def test_head_of_a_file_is_its_head_and_leaves_the_next_answer_whole(browser: Browser) -> None:
    await browser.sign_in("qiye1")
    rounds = await (await browser.call("GET", "/rounds")).json()
    round_id = next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward")
    key = {"Idempotency-Key": uuid4().hex}
    made = await browser.call("POST", "/applications", json={"round_id": round_id}, headers=key)
    path = f"/applications/{(await made.json())['id']}/attachments"
    data = FormData()
    data.add_field("file", BytesIO(pdf("HEAD")), filename="执照.pdf")
    sent = await (await browser.call("POST", f"{path}?section=company&slot=business_license", data=data)).json()
    for _ in range(5):
        head = await browser.call("HEAD", f"{path}/{sent['id']}")
        assert (head.status, head.headers["Content-Length"]) == (200, str(sent["size"]))
        whole = await browser.call("GET", f"{path}/{sent['id']}")
        assert (whole.status, await whole.read()) == (200, pdf("HEAD"))


async def test_body_over_the_limit_is_refused_before_it_is_sent(browser: Browser, gateway: TestServer) -> None:
    await browser.sign_in("qiye1")
    headers = {
        "Cookie": f"gm_session={browser.cookie()}",
        "X-CSRF-Token": browser.csrf_token,
        "Content-Type": "application/json",
        "Content-Length": str(500 * 1024 * 1024),
    }
    status, body = await asyncio.to_thread(raw, gateway, "POST", "/api/v1/applications", headers)
    assert (status, json.loads(body)["type"]) == (413, "too_large")


async def test_service_that_is_away_is_said_in_words(database_url: str, redis_url: str) -> None:
    settings = make_settings(database_url, redis_url, applications_url=f"http://127.0.0.1:{free_port()}")
    async with TestServer(create_app(settings), port=settings.gateway_port) as alone:
        browser = Browser(alone)
        try:
            # Signing in needs nobody but the gateway.
            await browser.send_form(await browser.to_form("/welcome"), "qiye2")
            me = await browser.call("GET", "/me")
            assert me.status == 200
            began = time.monotonic()
            away = await browser.call("GET", "/applications")
            assert time.monotonic() - began < 5
            assert (away.status, (await away.json())["type"]) == (503, "service_away")
            assert away.headers["Retry-After"]
            page = await browser.go("GET", "/projects")
            assert page.status == 503
            assert "申报服务暂时没有响应" in await page.text()
            # What was typed comes back with the page.
            form = {"csrf_token": (await me.json())["csrf_token"], "round_id": "r", "key": "k <1>"}
            sent = await browser.go("POST", "/projects/new", data=form)
            text = await sent.text()
            assert "您填写的内容没有丢失" in text
            assert 'name="key" value="k &lt;1&gt;"' in text
        finally:
            await browser.http.close()


class Unread:
    """Answers without end that nobody reads: how many are under way, and how many have been."""

    def __init__(self) -> None:
        self.going_on = self.begun = 0

    async def endless(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"X-Request-Id": request.headers["X-Request-Id"]})
        await answer.prepare(request)
        self.begun += 1
        self.going_on += 1
        try:
            while True:
                await answer.write(b"x" * 131_072)
        finally:
            self.going_on -= 1

    @asynccontextmanager
    async def asked(self, database_url: str, redis_url: str, times: int) -> AsyncIterator[TestServer]:
        """A gateway where one person has asked so many times."""
        service = web.Application()
        service.router.add_get("/api/v1/applications/{id}/revisions/1/pdf", self.endless)
        async with TestServer(service) as backend:
            settings = make_settings(database_url, redis_url, applications_url=str(backend.make_url("")))
            async with TestServer(create_app(settings), port=settings.gateway_port) as alone:
                browser = Browser(alone)
                await browser.send_form(await browser.to_form("/welcome"), "qiye2")
                head = (
                    f"GET /api/v1/applications/x/revisions/1/pdf HTTP/1.1\r\nHost: 127.0.0.1:{alone.port}\r\n"
                    f"Cookie: gm_session={browser.cookie()}\r\n\r\n"
                )
                lines = [await asyncio.open_connection("127.0.0.1", alone.port, limit=1024) for _ in range(times)]
                for _, writer in lines:
                    writer.write(head.encode())
                yield alone
                for _, writer in lines:
                    writer.close()
                await browser.http.close()


@pytest.mark.usefixtures("gateway")  # which knows people
async def test_who_does_not_read_an_answer_opens_no_breaker(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody asks for PDFs and reads none of them: the service has answered."""
    monkeypatch.setattr(relay, "SLOWEST_READER", 0.3)
    unread = Unread()
    async with unread.asked(database_url, redis_url, FAILURES + 1) as alone, asyncio.timeout(10):
        while unread.begun < FAILURES + 1 or unread.going_on:
            await asyncio.sleep(0.05)
        assert not alone.app[SERVICES]._breakers["applications"].rests


@pytest.mark.usefixtures("gateway")
async def test_one_account_reads_a_few_answers_slowly_at_once(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would hold a place that somebody else needs."""
    monkeypatch.setattr(slow_readers, "PROMPT", 0.3)
    unread, times = Unread(), slow_readers.OF_ACCOUNT + 5
    async with unread.asked(database_url, redis_url, times), asyncio.timeout(10):
        while unread.begun < times or unread.going_on > slow_readers.OF_ACCOUNT:
            await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        assert unread.going_on == slow_readers.OF_ACCOUNT


async def test_whoever_was_let_in_has_a_connection(database_url: str, redis_url: str) -> None:
    """More calls under way than a client of aiohttp has connections unasked."""
    waiting, go = 0, asyncio.Event()

    async def hold(request: web.Request) -> web.Response:
        nonlocal waiting
        waiting += 1
        await go.wait()
        return web.json_response({}, headers={"X-Request-Id": request.headers["X-Request-Id"]})

    service = web.Application()
    service.router.add_get("/internal/hold", hold)
    async with TestServer(service) as backend:
        settings = make_settings(database_url, redis_url, applications_url=str(backend.make_url("")))
        async with TestServer(create_app(settings), port=settings.gateway_port) as alone:
            calls = REQUESTS_AT_ONCE + settings.gateway_transfers_at_once
            services = alone.app[SERVICES]
            async with asyncio.timeout(20), asyncio.TaskGroup() as group:
                for _ in range(calls):
                    group.create_task(services.tell("applications", "/internal/hold", "", dict[str, str]))
                while waiting < calls:
                    await asyncio.sleep(0.05)
                go.set()


async def test_description_covers_what_the_services_serve(browser: Browser) -> None:
    document = await (await browser.call("GET", "/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    for path in (
        "/api/v1/applications/{id}/submit",
        "/api/v1/notifications",
        "/api/v1/me",
        "/api/v1/ops/overview",
    ):
        assert path in document["paths"]
    assert not [path for path in document["paths"] if not path.startswith("/api/v1/")]
    submit = document["paths"]["/api/v1/applications/{id}/submit"]["post"]
    assert {p["name"] for p in submit["parameters"]} == {"id", "If-Match", "Idempotency-Key"}


async def test_prefill_comes_through_the_internal_port(browser: Browser, gateway: TestServer) -> None:
    await browser.sign_in("qiye2")
    rounds = await (await browser.call("GET", "/rounds")).json()
    made = await browser.call(
        "POST",
        "/applications",
        json={"round_id": next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward")},
        headers={"Idempotency-Key": uuid4().hex},
    )
    id = (await made.json())["id"]
    section = await (await browser.call("GET", f"/applications/{id}/sections/company")).json()
    assert section["prefill"]["org_name"]["value"] == "北京雕漆艺术有限公司"
    assert section["prefill"]["org_name"]["source"] == "法人库"
    contact = await (await browser.call("GET", f"/applications/{id}/sections/contact")).json()
    assert contact["prefill"]["mobile"]["value"] == "13900139000"
