"""What stands before every page: how often, how much, for which host, and what no answer ever says."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from services.gateway import routes
from services.gateway.api.docs import DESCRIPTION
from services.gateway.app import create_app
from services.gateway.web.access import ANYBODY, Page
from services.gateway.web.context import DATABASE
from tests.integration.gateway.conftest import Browser, flush_cache, make_settings, seed_people

JSON = {"Accept": "application/json"}
UNKNOWN = "/verify/~"
NOWHERE = "redis://127.0.0.1:9"


@asynccontextmanager
async def running(database_url: str, redis_url: str, **changes: Any) -> AsyncIterator[TestServer]:
    """A gateway with nothing behind it: what passes the edges to a service meets 503 there."""
    settings = make_settings(database_url, redis_url, **{"allowed_addresses": "", **changes})
    async with TestServer(create_app(settings), port=settings.gateway_port) as server:
        async with server.app[DATABASE].begin() as session:
            await seed_people(session)
        yield server


@pytest.fixture(autouse=True)
def fresh(redis_url: str) -> None:
    """Nobody has been counted yet."""
    flush_cache(redis_url)


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


async def signed_in(server: TestServer, who: str) -> Browser:
    """Somebody at a page that needs no service behind."""
    browser = Browser(server)
    assert (await browser.send_form(await browser.to_form("/welcome"), who)).status == 200
    browser.csrf_token = (await (await browser.call("GET", "/me")).json())["csrf_token"]
    return browser


async def statuses(http: ClientSession, server: TestServer, path: str, times: int, **headers: str) -> list[int]:
    found = []
    for _ in range(times):
        async with http.get(server.make_url(path), headers={**JSON, **headers}, allow_redirects=False) as answer:
            found.append(answer.status)
    return found


# ---- how often ----------------------------------------------------------------------------------------------


async def test_an_address_waits_and_hears_how_long(database_url: str, redis_url: str, http: ClientSession) -> None:
    limits = {"verifications_per_minute": 2, "trusted_proxies": "127.0.0.1"}
    async with running(database_url, redis_url, **limits) as server:
        here, there = {"X-Forwarded-For": "198.51.100.7"}, {"X-Forwarded-For": "198.51.100.8"}
        assert await statuses(http, server, UNKNOWN, 3, **here) == [200, 200, 429]
        assert await statuses(http, server, UNKNOWN, 1, **there) == [200]
        async with http.get(server.make_url(UNKNOWN), headers={**here, **JSON}) as refused:
            problem = await refused.json()
            assert refused.content_type == "application/problem+json"
            assert (problem["type"], problem["status"]) == ("too_many", 429)
            assert 1 <= int(refused.headers["Retry-After"]) <= 60
        # A person is told on a page, and other pages still open.
        async with http.get(server.make_url(UNKNOWN), headers={**here, "Accept": "text/html"}) as page:
            assert (page.status, "操作过于频繁" in await page.text()) == (429, True)
        assert await statuses(http, server, "/", 1, **here) == [200]


async def test_all_addresses_of_one_line_count_together(
    database_url: str, redis_url: str, http: ClientSession
) -> None:
    async with running(database_url, redis_url, verifications_per_minute=2, trusted_proxies="127.0.0.1") as server:
        found = []
        for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2:a:b:c:d", "2001:db8:1:3::1"):
            found += await statuses(http, server, UNKNOWN, 1, **{"X-Forwarded-For": address})
        for address in ("::ffff:198.51.100.9", "198.51.100.9", "::ffff:198.51.100.9", "::ffff:198.51.100.10"):
            found += await statuses(http, server, UNKNOWN, 1, **{"X-Forwarded-For": address})
        assert found == [200, 200, 429, 200] * 2


async def test_gateways_count_together(database_url: str, redis_url: str, http: ClientSession) -> None:
    async with (
        running(database_url, redis_url, verifications_per_minute=3) as one,
        running(database_url, redis_url, verifications_per_minute=3) as two,
    ):
        assert await statuses(http, one, UNKNOWN, 2) == [200, 200]
        assert await statuses(http, two, UNKNOWN, 2) == [200, 429]


async def test_a_rehearsal_from_one_address_is_allowed_by_setting(
    database_url: str, redis_url: str, http: ClientSession
) -> None:
    numbers = {
        "calls_per_minute": 1,
        "verifications_per_minute": 1,
        "signins_per_minute": 1,
        "address_calls_per_minute": 1,
    }
    async with running(database_url, redis_url, allowed_addresses="127.0.0.0/8", **numbers) as server:
        assert set(await statuses(http, server, UNKNOWN, 5)) == {200}
        assert set(await statuses(http, server, "/login", 5)) == {303}
        assert set(await statuses(http, server, "/", 5)) == {200}
        browser = await signed_in(server, "qiye1")
        assert {(await browser.call("GET", "/me")).status for _ in range(5)} == {200}
        await browser.http.close()


async def test_an_account_is_counted_over_all_its_sessions(database_url: str, redis_url: str) -> None:
    async with running(database_url, redis_url, calls_per_minute=12) as server:
        one, two, other = [await signed_in(server, who) for who in ("qiye1", "qiye1", "qiye2")]
        try:
            found = [(await browser.call("GET", "/me")).status for browser in (one, two) * 8]
            assert found == sorted(found)
            assert set(found) == {200, 429}
            assert (await other.call("GET", "/me")).status == 200
        finally:
            for browser in (one, two, other):
                await browser.http.close()


async def test_pages_of_signing_in_are_counted_each(
    database_url: str, redis_url: str, http: ClientSession
) -> None:
    async with running(database_url, redis_url, signins_per_minute=2) as server:
        for path in ("/login", "/stub-idp/register", "/stub-idp/password"):
            assert (await statuses(http, server, path, 3))[1:] in ([303, 429], [200, 429])
        # What the portal itself asks of the platform is never counted: that would count everybody together.
        assert set(await statuses(http, server, "/stub-idp/.well-known/openid-configuration", 5)) == {200}


async def test_without_redis_work_is_kept_and_guessing_is_still_counted(
    database_url: str, http: ClientSession
) -> None:
    """暂存, 保存 and 提交 meet their service (503: none runs here) however often; a gateway counts the rest alone."""
    async with running(database_url, NOWHERE, calls_per_minute=8, verifications_per_minute=2) as server:
        browser = await signed_in(server, "qiye1")
        try:
            application = "/applications/0b5f31f3-1d3d-4d2c-9d4a-7c41a8e8a001"
            for method, path in (
                ("PUT", f"{application}/sections/contact/draft"),
                ("PUT", f"{application}/sections/contact"),
                ("POST", f"{application}/submit"),
            ):
                found = {(await browser.call(method, path, json={})).status for _ in range(12)}
                assert found == {503}, path
            assert [(await browser.call("GET", "/me")).status for _ in range(12)][-1] == 429
            assert await statuses(http, server, UNKNOWN, 3) == [200, 200, 429]
        finally:
            await browser.http.close()


# ---- how much -----------------------------------------------------------------------------------------------


async def raw(server: TestServer, text: bytes) -> tuple[int, bytes]:
    """What is answered to these very bytes, and nothing more is sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(text)
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        length = re.search(rb"content-length: (\d+)", head, re.I)
        body = await asyncio.wait_for(reader.readexactly(int(length[1]) if length else 0), 5)
    finally:
        writer.close()
    return int(head.split()[1]), head + body


@pytest.mark.parametrize(
    ("path", "kind", "size"),
    [
        ("/stub-idp/am/oauth2/authorize", "application/x-www-form-urlencoded", 3 * 2**20),
        ("/verify/~", "multipart/form-data; boundary=x", 201 * 2**20),
        ("/stub-idp/register", "multipart/form-data; boundary=x", 201 * 2**20),
    ],
)
async def test_too_large_is_refused_before_a_byte_of_it_came(
    gateway: TestServer, path: str, kind: str, size: int
) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\nContent-Type: {kind}\r\n"
    status, _ = await raw(gateway, f"{head}Content-Length: {size}\r\n\r\n".encode())
    assert status == 413
    status, answer = await raw(gateway, f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
    assert (status, b"length_required" in answer) == (400, True)


async def test_form_too_large_is_said_on_a_page(browser: Browser) -> None:
    await browser.sign_in("qiye1", anew=True)
    form = BytesIO(b"round_id=" + b"x" * 2 * 2**20)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
    answer = await browser.go("POST", "/projects/new", data=form, headers=headers)
    assert (answer.status, "内容过大" in await answer.text()) == (413, True)


# ---- for whom -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hosts",
    ["Host: evil.example\r\n", "Host: evil.example:{port}\r\n", "", "Host: 127.0.0.1\r\n",
     "Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n", "Host: 127.0.0.1:{port}@evil.example\r\n"],
)  # fmt: skip
async def test_foreign_hosts_are_refused(gateway: TestServer, hosts: str) -> None:
    for path in ("/", "/login", "/api/v1/me", "/static/portal.css"):
        status, answer = await raw(
            gateway, f"GET {path} HTTP/1.0\r\n{hosts.format(port=gateway.port)}\r\n".encode()
        )
        assert status == 400, path
        assert b"evil.example" not in answer
        assert b"location:" not in answer.lower()


async def test_own_names_and_probes_are_answered(database_url: str, redis_url: str, http: ClientSession) -> None:
    async with running(database_url, redis_url, allowed_hosts="portal.internal, Second.Internal") as server:
        for host in (f"localhost:{server.port}", f"127.0.0.1:{server.port}", "portal.internal", "second.internal"):
            assert await statuses(http, server, "/", 1, Host=host) == [200], host
        assert await statuses(http, server, "/healthz", 1, Host="10.1.2.3:8080") == [200]
        # Signing in begins where the platform sends people back to.
        async with http.get(
            server.make_url("/login?next=/projects"), headers={"Host": "portal.internal"}, allow_redirects=False
        ) as answer:
            assert answer.headers["Location"] == f"http://127.0.0.1:{server.port}/login?next=/projects"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "/%09/evil.example",
     "javascript:alert(1)", "/\tevil", "https:evil.example", " //evil.example", "http:///evil.example"],
)  # fmt: skip
async def test_no_parameter_leads_elsewhere(browser: Browser, elsewhere: str) -> None:
    """Wherever the portal sends people on, it stays on the portal."""

    def local(location: str) -> bool:
        return bool(re.match(r"(/(?![/\\])|http://127\.0\.0\.1:)", location)) and "\t" not in location

    for path in ("/login", "/second-factor", "/account/consent", "/stub-idp/am/UI/Logout"):
        names = ("next", "goto", "post_logout_redirect_uri") if "Logout" in path else ("next",)
        for name in names:
            answer = await browser.go("GET", path, params={name: elsewhere}, allow_redirects=False)
            if answer.status in {301, 302, 303, 307, 308}:
                assert local(answer.headers["Location"]), (path, name)
    answer = await browser.send_form(await browser.to_form(elsewhere), "qiye1", allow_redirects=True)
    assert answer.url.host == "127.0.0.1"
    for path in ("/login", "/second-factor", "/account/consent"):
        answer = await browser.go("GET", path, params={"next": elsewhere}, allow_redirects=False)
        if answer.status == 303:
            assert local(answer.headers["Location"]), path


# ---- what an answer never says ------------------------------------------------------------------------------


async def test_what_breaks_inside_stays_inside(
    database_url: str, redis_url: str, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(request: Any) -> Any:
        raise RuntimeError("secret of the inside: postgresql://user:password@host")

    monkeypatch.setattr(routes, "table", lambda *, development: [Page("GET", "/", broken, ANYBODY)])
    async with running(database_url, redis_url) as server:
        for accept in ("application/json", "text/html"):
            async with http.get(server.make_url("/"), headers={"Accept": accept}) as answer:
                text = await answer.text()
                assert answer.status == 500
                assert "Retry-After" not in answer.headers
                assert "secret" not in text
                assert "Traceback" not in text
                assert "RuntimeError" not in text
                if accept == "application/json":
                    assert answer.content_type == "application/problem+json"
                    assert set(json.loads(text)) == {"type", "title", "status", "detail", "request_id"}
                    assert json.loads(text)["type"] == "internal"


@pytest.mark.parametrize("https", [True, False])
async def test_https_is_kept_once_it_is_there(
    database_url: str, redis_url: str, http: ClientSession, https: bool
) -> None:
    changes: dict[str, Any] = {"public_url": "https://portal.example"} if https else {}
    async with running(database_url, redis_url, **changes) as server:
        headers = {"Host": "portal.example"} if https else {}
        async with http.get(server.make_url("/"), headers=headers) as answer:
            assert answer.status == 200
            told = answer.headers.get("Strict-Transport-Security", "")
            assert ("max-age=31536000" in told) == https
            assert answer.headers["Referrer-Policy"] == "same-origin"
            assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


async def test_the_description_is_made_once(
    gateway: TestServer, applications: TestServer, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For anybody who asks, however often: the same bytes, or none at all when they are known."""
    description, times = gateway.app[DESCRIPTION], Counter[str]()
    make = description._make

    def counted(*given: Any) -> Any:
        times["made"] += 1
        return make(*given)

    monkeypatch.setattr(description, "_made", None)
    monkeypatch.setattr(description, "_make", counted)
    for _ in range(3):
        async with http.get(gateway.make_url("/api/v1/docs")) as shown:
            assert (shown.status, shown.content_type) == (200, "text/html")
            assert "/api/v1/applications/{id}/submit" in await shown.text()
    path = gateway.make_url("/api/v1/openapi.json")
    async with http.get(path) as first:
        assert (first.status, first.content_type) == (200, "application/json")
        text, etag = await first.read(), first.headers["ETag"]
    for _ in range(20):
        async with http.get(path) as again:
            assert (await again.read(), again.headers["ETag"]) == (text, etag)
    async with http.get(path, headers={"If-None-Match": etag}) as known:
        assert (known.status, await known.read()) == (304, b"")
    assert times["made"] == 1


async def test_a_page_never_holds_the_same_token_twice(browser: Browser) -> None:
    await browser.sign_in("qiye1", anew=True)
    found = set()
    for _ in range(3):
        text = await (await browser.go("GET", "/projects")).text()
        found.add(re.search(r'name="csrf_token" value="([^"]+)"', text)[1])  # type: ignore[index]
    assert len(found) == 3
    for token in found:
        headers = {"X-CSRF-Token": token}
        assert (await browser.call("POST", "/applications", json={}, headers=headers)).status == 400
