"""How long a session lives, and what it takes to use one."""

from datetime import timedelta

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import update

from services.gateway.accounts.models import SessionRow
from services.gateway.accounts.sessions import digest
from services.gateway.web.context import DATABASE
from shared import clock
from tests.conftest import ValkeyServer
from tests.integration.gateway.conftest import Browser, forget_sessions


async def _age(gateway: TestServer, browser: Browser, **values: object) -> None:
    """Change the session in the database; its copy in the cache is gone too."""
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(
            update(SessionRow).where(SessionRow.id_sha256 == digest(browser.cookie())).values(**values)
        )


async def test_idle_and_absolute_limits(browser: Browser, gateway: TestServer) -> None:
    await browser.sign_in("qiye1", anew=True)
    await _age(gateway, browser, last_seen_at=clock.now() - timedelta(minutes=29))
    forget_sessions(gateway)
    assert (await browser.call("GET", "/me")).status == 200
    # That call was seen: the half hour begins again.
    await _age(gateway, browser, last_seen_at=clock.now() - timedelta(minutes=31))
    forget_sessions(gateway)
    assert (await browser.call("GET", "/me")).status == 401
    browser.http.cookie_jar.clear()
    await browser.sign_in("qiye1", anew=True)
    await _age(gateway, browser, expires_at=clock.now() - timedelta(seconds=1))
    forget_sessions(gateway)
    assert (await browser.call("GET", "/me")).status == 401


async def test_stopped_cache_signs_nobody_out(
    browser: Browser, other: Browser, valkey_server: ValkeyServer
) -> None:
    await browser.sign_in("qiye1", anew=True)
    valkey_server.stop()
    try:
        assert (await browser.call("GET", "/me")).status == 200
        await other.sign_in("qiye2", anew=True)
        assert (await browser.call("GET", "/applications")).status == 200
    finally:
        valkey_server.start()


@pytest.mark.parametrize("token", ["", "wrong", "Ä"])
async def test_unsafe_calls_need_the_token(browser: Browser, token: str) -> None:
    await browser.sign_in("qiye1", anew=True)
    headers = {"X-CSRF-Token": token, "Idempotency-Key": "a" * 12}
    refused = await browser.call("POST", "/applications", json={}, headers=headers)
    assert (refused.status, (await refused.json())["type"]) == (403, "csrf")


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
async def test_other_sites_are_refused(browser: Browser, headers: dict[str, str]) -> None:
    await browser.sign_in("qiye1", anew=True)
    refused = await browser.call("POST", "/applications", json={}, headers=headers)
    assert (refused.status, (await refused.json())["type"]) == (403, "foreign_origin")


async def test_own_origin_is_welcome(browser: Browser, gateway: TestServer) -> None:
    await browser.sign_in("qiye1", anew=True)
    origin = {"Origin": f"http://127.0.0.1:{gateway.port}", "Idempotency-Key": "b" * 12}
    answer = await browser.call("POST", "/applications", json={"round_id": "x"}, headers=origin)
    assert answer.status == 400


async def test_cookie_is_out_of_reach_of_scripts_and_other_sites(browser: Browser, gateway: TestServer) -> None:
    await browser.sign_in("qiye1", anew=True)
    [cookie] = [c for c in browser.http.cookie_jar if c.key == "gm_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"


@pytest.mark.parametrize("path", ["/", "/projects", "/nowhere", "/api/v1/me", "/static/portal.css", "/healthz"])
async def test_every_answer_carries_the_security_headers(browser: Browser, path: str) -> None:
    answer = await browser.go("GET", path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "Server" not in answer.headers
    assert ("no-store" in answer.headers.get("Cache-Control", "")) == (not path.startswith("/static"))
