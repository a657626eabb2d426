"""The client against a provider that nobody here wrote, and against the stub in both of its dialects."""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import select

from deploy.demo.client import authorities
from deploy.embedded.plan import Plan
from deploy.embedded.ports import free_port
from deploy.embedded.secrets import load as load_secrets
from services.gateway.accounts.models import Audit
from services.gateway.app import create_app
from services.gateway.settings import GatewaySettings
from services.gateway.signin.attempt import Attempt
from services.gateway.signin.oidc import REST_SECONDS
from services.gateway.web.context import DATABASE
from shared.identity import Role
from tests.integration.gateway.conftest import Browser, make_settings, seed_people

USER = (
    '{"sub": "op-李响", "name": "李响", "email": "lixiang@example.com", "phone_number": "13800138000",'
    ' "uscc": "91110105MA00TE5T2T", "org_name": "北京燕京景泰蓝工艺品有限公司"}'
)


class ForeignProvider:
    """`oidc-provider-mock` in a process of its own. Started again, it has another key."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        command = [
            sys.executable, "-m", "oidc_provider_mock", "--port", str(self.port), "--require-nonce", "true",
            "--user-claims", USER, *options,
        ]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while True:
            try:
                httpx.get(f"{self.url}/jwks", trust_env=False, verify=authorities()).raise_for_status()
                return
            except httpx.HTTPError:
                assert self.process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)

    def stop(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)


@pytest.fixture(scope="module")
def provider() -> Iterator[ForeignProvider]:
    made = ForeignProvider()
    made.start()
    yield made
    made.stop()


@asynccontextmanager
async def portal(settings: GatewaySettings) -> AsyncIterator[Browser]:
    """A gateway with these settings, and a browser before it."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(TestServer(create_app(settings), port=settings.gateway_port))
        browser = Browser(server)
        stack.push_async_callback(browser.http.close)
        yield browser


def foreign_settings(database: str, redis_url: str, url: str, **changes: Any) -> GatewaySettings:
    """Three settings name a provider; nothing of the stub is left."""
    values = {"idp_issuer": url, "idp_client_id": "the portal", "idp_client_secret": "its secret", "idp_url": None}
    return make_settings(database, redis_url, stub_idp=False, **{**values, **changes})


async def at_provider(browser: Browser, sub: str = "op-李响", **changes: str) -> str:
    """Begin to sign in and say who one is at the provider; the address that leads back."""
    begun = await browser.go("GET", "/login?next=/welcome", allow_redirects=False)
    assert begun.status == 303, await begun.text()
    url = begun.headers["Location"]
    for name, value in changes.items():
        url = re.sub(rf"(?<=[?&]){name}=[^&]*", f"{name}={value}", url)
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.post(url, data={"sub": sub})).headers["Location"]


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


async def refusal(browser: Browser, url: str) -> tuple[int, str]:
    """Status and code of an answer to a program."""
    answer = await browser.go("GET", path_of(url), allow_redirects=False, headers={"Accept": "application/json"})
    return answer.status, (await answer.json())["type"]


async def last_audit(browser: Browser) -> Audit:
    async with browser.server.app[DATABASE].begin() as session:
        found = await session.scalar(select(Audit).order_by(Audit.id.desc()).limit(1))
        assert found is not None
        return found


async def test_foreign_provider_by_three_settings(
    database_url: str, redis_url: str, provider: ForeignProvider
) -> None:
    async with portal(foreign_settings(database_url, redis_url, provider.url)) as browser:
        back = await at_provider(browser)
        done = await browser.go("GET", path_of(back), allow_redirects=False)
        assert (done.status, done.headers["Location"]) == (303, "/welcome")
        me = await (await browser.call("GET", "/me")).json()
        assert (me["name"], me["roles"]) == ("李响", ["applicant"])
        assert me["enterprise"] == {"uscc": "91110105MA00TE5T2T", "name": "北京燕京景泰蓝工艺品有限公司"}
        # Out here is out there: the provider's own session ends too, and the way leads back.
        out = await browser.go("POST", "/logout", data={"csrf_token": me["csrf_token"]}, allow_redirects=False)
        leads = urlsplit(out.headers["Location"])
        assert f"{leads.scheme}://{leads.netloc}" == provider.url
        assert parse_qs(leads.query)["post_logout_redirect_uri"][0].endswith(f":{browser.server.port}/")
        assert provider.url in out.headers["Content-Security-Policy"]
        assert (await browser.call("GET", "/me")).status == 401


def test_three_settings_switch_make_run(tmp_path: Any) -> None:
    """What `make run` gives the gateway with them, and without."""
    given = {"GM_IDP_ISSUER": "https://idp.example", "GM_IDP_CLIENT_ID": "a", "GM_IDP_CLIENT_SECRET": "b"}
    secrets = load_secrets(tmp_path)
    url = "postgresql://u:p@127.0.0.1/d"
    chosen = Plan.make(tmp_path, given, secrets, free_ports=True).environments(url)["gateway"]
    assert {name: chosen[name] for name in given} == given
    assert not {"GM_STUB_IDP", "GM_IDP_URL"} & chosen.keys()
    usual = Plan.make(tmp_path, {}, secrets, free_ports=True).environments(url)["gateway"]
    assert (usual["GM_STUB_IDP"], "GM_IDP_ISSUER" in usual) == ("true", False)


async def test_provider_changes_its_key(database_url: str, redis_url: str, provider: ForeignProvider) -> None:
    async with portal(foreign_settings(database_url, redis_url, provider.url)) as browser:
        assert (await browser.go("GET", path_of(await at_provider(browser)), allow_redirects=False)).status == 303
        provider.stop()
        provider.start()
        # Keys that were read a moment ago are not asked for again.
        await asyncio.sleep(REST_SECONDS)
        browser.http.cookie_jar.clear()
        again = await browser.go("GET", path_of(await at_provider(browser)), allow_redirects=False)
        assert (again.status, again.headers.get("Location")) == (303, "/welcome")


async def test_wrong_answers_of_a_provider_are_refused(
    database_url: str, redis_url: str, provider: ForeignProvider
) -> None:
    async with portal(foreign_settings(database_url, redis_url, provider.url)) as browser:
        # An ID token that was made for another attempt.
        nonce = Attempt.begin("/").nonce
        assert await refusal(browser, await at_provider(browser, nonce=nonce)) == (400, "signin_token")
        audit = await last_audit(browser)
        assert (audit.action, audit.details["reason"]) == ("sign_in_failed", "signin_token")
        # A code that the provider does not know, and none at all.
        back = await at_provider(browser)
        code = parse_qs(urlsplit(back).query)["code"][0]
        assert await refusal(browser, back.replace(code, "forged")) == (400, "signin_refused")
        back = await at_provider(browser)
        assert await refusal(browser, re.sub(r"code=[^&]*&?", "", back)) == (400, "signin_refused")
        # An answer that says it is another provider's.
        back = await at_provider(browser)
        assert await refusal(browser, f"{back}&iss=https://other.example") == (400, "signin_issuer")
        # The person said no.
        begun = await browser.go("GET", "/login", allow_redirects=False)
        async with httpx.AsyncClient(trust_env=False) as http:
            denied = await http.post(begun.headers["Location"], data={"action": "deny"})
        state = parse_qs(urlsplit(begun.headers["Location"]).query)["state"][0]
        assert "error=access_denied" in denied.headers["Location"]
        assert await refusal(browser, f"/login/callback?error=access_denied&state={state}") == (
            400,
            "signin_refused",
        )
        assert (await browser.call("GET", "/me")).status == 401


async def test_expired_token_is_refused(database_url: str, redis_url: str) -> None:
    made = ForeignProvider()
    made.start("--token-max-age=-120")
    try:
        async with portal(foreign_settings(database_url, redis_url, made.url)) as browser:
            status = await refusal(browser, await at_provider(browser))
            assert status in {(400, "signin_token"), (400, "signin_refused")}
        async with portal(foreign_settings(database_url, redis_url, made.url, idp_leeway_seconds=300)) as browser:
            # The ID token would do with so much difference between clocks; the access token has expired there too.
            assert await refusal(browser, await at_provider(browser)) == (400, "signin_refused")
    finally:
        made.stop()


@pytest.mark.parametrize("oidc", [False, True], ids=["tokeninfo", "oidc"])
async def test_stub_in_both_dialects(database_url: str, redis_url: str, oidc: bool) -> None:
    settings = make_settings(database_url, redis_url)
    if oidc:
        settings = settings.model_copy(update={"idp_issuer": settings.idp_url, "idp_url": None})
    async with portal(settings) as browser:
        async with browser.server.app[DATABASE].begin() as session:
            await seed_people(session)
        hidden = await browser.to_form("/welcome")
        back = await browser.send_form(hidden, "qiye1", allow_redirects=False)
        done = await browser.go("GET", path_of(back.headers["Location"]), allow_redirects=False)
        assert (done.status, done.headers["Location"]) == (303, "/welcome")
        me = await (await browser.call("GET", "/me")).json()
        assert (me["name"], me["enterprise"]["uscc"]) == ("李响", "91110105MA00TE5T2T")
        out = await browser.go("POST", "/logout", data={"csrf_token": me["csrf_token"]})
        assert (out.status, out.url.path) == (200, "/")
        # The same answer again, with the cookie it was made for: spent.
        assert (await refusal(browser, back.headers["Location"]))[0] == 400


async def test_answer_is_good_once_even_with_its_cookie(database_url: str, redis_url: str) -> None:
    async with portal(make_settings(database_url, redis_url)) as browser:
        async with browser.server.app[DATABASE].begin() as session:
            await seed_people(session)
        hidden = await browser.to_form()
        kept = browser.cookie("gm_signin")
        back = await browser.send_form(hidden, "qiye1", allow_redirects=False)
        assert (await browser.go("GET", path_of(back.headers["Location"]), allow_redirects=False)).status == 303
        browser.http.cookie_jar.clear()
        headers = {"Cookie": f"gm_signin={kept}", "Accept": "application/json"}
        again = await browser.go("GET", path_of(back.headers["Location"]), allow_redirects=False, headers=headers)
        assert (again.status, (await again.json())["type"]) == (400, "signin_replayed")


async def silent(request: web.Request) -> web.Response:
    """A provider with a fault, by its path."""
    base = f"http://{request.host}/{request.match_info['fault']}"
    match request.match_info["fault"]:
        case "error":
            return web.Response(status=500)
        case "text":
            return web.Response(text="<html>")
        case "list":
            return web.json_response([])
        case "incomplete":
            return web.json_response({"issuer": base})
    other = {
        "issuer": "https://other.example",
        "authorization_endpoint": f"{base}/a",
        "token_endpoint": f"{base}/t",
    }
    return web.json_response({**other, "jwks_uri": f"{base}/k"})


@pytest.mark.parametrize("fault", ["error", "text", "list", "incomplete", "another", "away"])
async def test_provider_with_a_fault_is_said_in_words(database_url: str, redis_url: str, fault: str) -> None:
    app = web.Application()
    app.router.add_get("/{fault}/.well-known/openid-configuration", silent)
    async with TestServer(app) as faulty:
        port = free_port() if fault == "away" else faulty.port
        settings = foreign_settings(database_url, redis_url, f"http://127.0.0.1:{port}/{fault}")
        async with portal(settings) as browser:
            answer = await browser.go("GET", "/login", allow_redirects=False)
            assert answer.status == 503
            assert "统一身份认证平台" in await answer.text()
            assert answer.headers["Retry-After"]


def test_roles_never_come_from_a_provider() -> None:
    """No claim can make somebody staff: the mapping knows no field for it."""
    from services.gateway.signin.claims import Claims

    assert not {field for field in Claims.model_fields if "role" in field}
    assert Role.APPLICANT
