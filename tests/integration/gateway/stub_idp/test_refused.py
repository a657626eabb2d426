"""What comes too late, twice, or from somebody else: refused, and the person is told."""

import re
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from sqlalchemy import update

from services.gateway.signin.attempt import Attempt, Seal
from services.gateway.signin.client import SIGN_IN
from services.gateway.stub_idp import authorization, certificates
from services.gateway.stub_idp.certificates import Holder
from services.gateway.stub_idp.models import StubGrant
from services.gateway.web.context import DATABASE, SETTINGS
from shared import clock
from shared.errors import NotSignedIn
from shared.identity import Signer, Verifier, public_key
from tests import factories
from tests.integration.gateway.conftest import Browser
from tests.integration.gateway.stub_idp.test_certificates import certificate_form

TOKEN, INFO, USER = (f"/stub-idp/am/oauth2/{name}" for name in ("access_token", "tokeninfo", "userinfo"))


def earlier(monkeypatch: pytest.MonkeyPatch, by: timedelta, work: Any) -> Any:
    """What `work` makes when it is done so long ago."""
    real = clock.now

    def then() -> datetime:
        return real() - by

    with monkeypatch.context() as past:
        past.setattr(clock, "now", then)
        return work()


async def come_back(browser: Browser, sealed: str, state: str, code: str = "x") -> tuple[int, str]:
    headers = {"Cookie": f"gm_signin={sealed}", "Accept": "text/html"}
    browser.http.cookie_jar.clear()
    answer = await browser.go("GET", f"/login/callback?code={code}&state={state}", headers=headers)
    return answer.status, await answer.text()


async def test_state_that_is_late_or_sealed_by_another(
    browser: Browser, gateway: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal, attempt = gateway.app[SIGN_IN].seal, Attempt.begin("/")
    late = earlier(monkeypatch, timedelta(minutes=11), lambda: seal.close(attempt))
    status, told = await come_back(browser, late, attempt.state)
    assert (status, "登录已超时，请重新登录" in told) == (400, True)
    forged = Seal(b"another key of another portal 32").close(attempt)
    status, told = await come_back(browser, forged, attempt.state)
    assert (status, "请重新登录" in told) == (400, True)
    status, told = await come_back(browser, seal.close(attempt), "another state")
    assert (status, "登录请求无法核对" in told) == (400, True)
    assert (await browser.call("GET", "/me")).status == 401


async def test_code_that_is_late(browser: Browser, gateway: TestServer) -> None:
    back = await browser.send_form(await browser.to_form(), "qiye1", allow_redirects=False)
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(update(StubGrant).values(expires_at=clock.now() - timedelta(seconds=1)))
    path = back.headers["Location"].removeprefix(gateway.app[SETTINGS].public(""))
    answer = await browser.go("GET", path)
    assert (answer.status, "请重新登录" in await answer.text()) == (400, True)
    assert (await browser.call("GET", "/me")).status == 401


async def test_form_that_lay_too_long(
    browser: Browser, gateway: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = await browser.to_form()
    settings = gateway.app[SETTINGS]
    wanted = authorization.unseal(settings, hidden["request"])
    old = earlier(monkeypatch, timedelta(minutes=31), lambda: authorization.seal(settings, wanted))
    answer = await browser.send_form({**hidden, "request": old}, "qiye1")
    assert (answer.status, "登录页面已失效" in await answer.text()) == (400, True)


async def test_access_tokens_that_are_wrong_late_or_void(browser: Browser, gateway: TestServer) -> None:
    settings = gateway.app[SETTINGS]

    async def ask(http: ClientSession, token: str) -> list[int]:
        async with (
            http.get(gateway.make_url(INFO), params={"access_token": token}) as one,
            http.get(gateway.make_url(USER), headers={"Authorization": f"Bearer {token}"}) as two,
        ):
            return [one.status, two.status]

    async with ClientSession() as http:
        assert await ask(http, "invented") == [401, 401]
        for way in ("late", "void"):
            verifier = "v" * 64
            query = {
                "response_type": "code", "client_id": "gongmei", "state": "state-of-a-script",
                "redirect_uri": settings.public("/login/callback"), "scope": "uid cn",
                "code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256",
            }  # fmt: skip
            page = await (await browser.go("GET", "/stub-idp/am/oauth2/authorize", params=query)).text()
            hidden = {n: unescape(v) for n, v in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page)}
            back = await browser.send_form(hidden, "qiye1", allow_redirects=False)
            code = parse_qs(urlsplit(back.headers["Location"]).query)["code"][0]
            form = {
                "grant_type": "authorization_code", "code": code, "redirect_uri": query["redirect_uri"],
                "client_id": "gongmei", "client_secret": "a secret of the client", "code_verifier": verifier,
            }  # fmt: skip
            async with http.post(gateway.make_url(TOKEN), data=form) as given:
                token = (await given.json())["access_token"]
            assert (await ask(http, token))[0] == 200
            if way == "late":
                async with gateway.app[DATABASE].begin() as session:
                    await session.execute(update(StubGrant).values(token_expires_at=clock.now()))
            else:
                # A code that comes back was stolen: what it was changed for is worth nothing any more.
                async with http.post(gateway.make_url(TOKEN), data=form) as again:
                    assert (await again.json())["type"] == "invalid_grant"
            assert await ask(http, token) == [401, 401]


async def test_certificates_of_another_authority_and_out_of_date(
    browser: Browser, ca_folder: Path, tmp_path: Path
) -> None:
    holder = Holder("91110109MA03JKLM4Q", "北京花丝镶嵌有限公司", "花丝")
    certificates.make_ca(tmp_path, name="另一个 CA")
    month = timedelta(days=30)
    for made, told in (
        (certificates.issue(tmp_path, "foreign", holder), "证书不是由受信任的机构签发"),
        (certificates.issue(ca_folder, "old", holder, since=clock.now() - month, days=29), "证书不在有效期内"),
        (certificates.issue(ca_folder, "coming", holder, since=clock.now() + month), "证书不在有效期内"),
    ):
        hidden, challenge = await certificate_form(browser)
        pem, key = made
        form = {**hidden, "certificate": pem.read_text(), "signature": certificates.sign(key, challenge)}
        answer = await browser.go("POST", "/stub-idp/certificate", data=form)
        text = await answer.text()
        assert (answer.status, told in text) == (422, True)
        # The certificate need not be pasted again.
        assert pem.read_text().split("\n")[1] in text
    assert (await browser.call("GET", "/me")).status == 401


CALL = ("GET", "/api/v1/applications/1")


def test_internal_tokens_that_are_late_early_or_not_ours() -> None:
    verifier = Verifier("applications", {"gateway": [public_key(factories.private_key("gateway"))]})
    signer, who = Signer("gateway", factories.private_key("gateway")), factories.applicant()
    assert verifier.caller(f"Bearer {signer.token('applications', *CALL, who)}", *CALL).actor == who
    now = clock.now()
    wrong = {
        "late": signer.token("applications", *CALL, who, at=now - timedelta(seconds=70)),
        "for another service": signer.token("notify", *CALL, who),
        "signed by a stranger": Signer("gateway", b"f" * 32).token("applications", *CALL, who),
        "of a service that is not trusted": Signer("documents", factories.private_key("documents")).token(
            "applications", *CALL, who
        ),
        "early": signer.token("applications", *CALL, who, at=now + timedelta(seconds=70)),
        "for another path": signer.token("applications", "GET", "/api/v1/applications/2", who),
        "for another query": signer.token("applications", "GET", "/api/v1/applications/1?x", who),
        "for another method": signer.token("applications", "POST", "/api/v1/applications/1", who),
        "nonsense": "x.y.z",
    }
    believed = []
    for what, token in wrong.items():
        try:
            believed.append((what, verifier.caller(f"Bearer {token}", *CALL)))
        except NotSignedIn:
            continue
    assert believed == []
    for header in (None, "", "Bearer", f"Basic {signer.token('applications', *CALL, who)}"):
        with pytest.raises(NotSignedIn):
            verifier.caller(header, *CALL)
