"""Signing in and out, and everything that must not work on the way."""

from urllib.parse import parse_qs, urlsplit

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from sqlalchemy import delete, func, select

from services.gateway.accounts.models import Account, Audit, SessionRow
from services.gateway.accounts.sessions import digest
from services.gateway.stub_idp.models import StubFailures, StubGrant
from services.gateway.web.context import DATABASE, SETTINGS
from tests.integration.gateway.conftest import Browser, forget_sessions

TOKEN = "/stub-idp/am/oauth2/access_token"


async def test_enterprise_signs_in_and_out(browser: Browser, gateway: TestServer) -> None:
    await browser.sign_in("qiye1", anew=True)
    me = await (await browser.call("GET", "/me")).json()
    assert me["roles"] == ["applicant"]
    assert me["enterprise"] == {"uscc": "91110105MA00TE5T2T", "name": "北京燕京景泰蓝工艺品有限公司"}
    id = browser.cookie()
    # Only a digest is kept: whoever reads the table has no session.
    async with gateway.app[DATABASE].begin() as session:
        assert await session.get(SessionRow, digest(id))
        assert not await session.get(SessionRow, id)
    out = await browser.go("POST", "/logout", data={"csrf_token": me["csrf_token"]}, allow_redirects=False)
    assert out.status == 303
    refused = await browser.http.get(gateway.make_url("/api/v1/me"), cookies={"gm_session": id})
    assert (refused.status, (await refused.json())["type"]) == (401, "not_signed_in")


async def test_staff_have_their_roles(browser: Browser) -> None:
    for username, role in (("shencha", "reviewer"), ("shending", "director"), ("yunwei", "operator")):
        browser.http.cookie_jar.clear()
        await browser.sign_in(username, anew=True)
        me = await (await browser.call("GET", "/me")).json()
        assert (me["roles"], me["enterprise"]) == ([role], None)


async def test_id_changes_at_every_sign_in(browser: Browser, gateway: TestServer) -> None:
    await browser.sign_in("qiye1", anew=True)
    first = browser.cookie()
    hidden = await browser.to_form()
    assert hidden == {} or "request" not in hidden  # already in: no form
    browser.http.cookie_jar.clear()
    browser.http.cookie_jar.update_cookies({"gm_session": "an id an attacker planted here"}, gateway.make_url("/"))
    await browser.sign_in("qiye1", anew=True)
    assert browser.cookie() not in {first, "an id an attacker planted here"}


async def test_wrong_password_wrong_captcha_and_the_lock(browser: Browser, gateway: TestServer) -> None:
    hidden = await browser.to_form()
    wrong = await browser.send_form(hidden, "qiye2", captcha="0000")
    assert (wrong.status, "验证码错误" in await wrong.text()) == (422, True)
    # What was typed stays, but never a password.
    assert 'value="qiye2"' in await wrong.text()
    unknown = await browser.send_form(hidden, "nobody", password="x")
    for _ in range(5):
        bad = await browser.send_form(hidden, "qiye2", password="wrong one")
        assert bad.status == 422
        # The same words for a wrong name and a wrong password.
        for refused in (bad, unknown):
            assert "用户名或密码错误" in await refused.text()
        assert "wrong one" not in await bad.text()
    locked = await browser.send_form(hidden, "qiye2")
    assert "账号已锁定" in await locked.text()
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(delete(StubFailures))
    assert (await browser.send_form(hidden, "qiye2")).status == 200


async def test_state_of_another_browser_is_refused(browser: Browser, other: Browser) -> None:
    back = await browser.send_form(await browser.to_form(), "qiye1", allow_redirects=False)
    victim = await other.go(
        "GET", back.headers["Location"].split("127.0.0.1", 1)[1].split("/", 1)[1].join(["/", ""])
    )
    assert victim.status == 400
    await other.to_form()
    planted = urlsplit(back.headers["Location"])
    victim = await other.go("GET", f"{planted.path}?{planted.query}")
    assert (victim.status, "登录请求无法核对" in await victim.text()) == (400, True)
    assert (await other.call("GET", "/me")).status == 401


async def test_code_is_good_once_and_only_with_its_verifier(browser: Browser, gateway: TestServer) -> None:
    back = await browser.send_form(await browser.to_form(), "qiye1", allow_redirects=False)
    code = parse_qs(urlsplit(back.headers["Location"]).query)["code"][0]
    settings = gateway.app[SETTINGS]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": settings.public("/login/callback"),
        "client_id": "gongmei",
        "client_secret": "a secret of the client",
        "code_verifier": "not the one",
    }
    async with ClientSession() as thief:
        stolen = await thief.post(gateway.make_url(TOKEN), data=form)
        assert (stolen.status, (await stolen.json())["type"]) == (400, "invalid_grant")
        nobody = await thief.post(gateway.make_url(TOKEN), data=form | {"client_secret": "x"})
        assert (await nobody.json())["type"] == "invalid_client"
    # The thief's try changed nothing for the person.
    done = await browser.go("GET", back.headers["Location"].removeprefix(settings.public("")))
    assert done.status == 200
    again = await browser.go("GET", back.headers["Location"].removeprefix(settings.public("")))
    assert again.status == 400
    async with gateway.app[DATABASE].begin() as session:
        grant = await session.get_one(StubGrant, digest(code))
        assert grant.used_at is not None


async def test_nobody_is_sent_elsewhere_after_signing_in(browser: Browser, gateway: TestServer) -> None:
    for next in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
        browser.http.cookie_jar.clear()
        back = await browser.send_form(await browser.to_form(next), "qiye1", allow_redirects=False)
        done = await browser.go(
            "GET", back.headers["Location"].removeprefix(gateway.app[SETTINGS].public("")), allow_redirects=False
        )
        assert done.headers["Location"] == "/"


async def test_foreign_client_is_refused_on_a_page_not_by_a_redirect(browser: Browser) -> None:
    path = "/stub-idp/am/oauth2/authorize?response_type=code&client_id=gongmei&redirect_uri=https://evil.example/"
    refused = await browser.go("GET", path, allow_redirects=False)
    assert (refused.status, "Location" in refused.headers) == (400, False)


async def test_disabled_account_is_out_and_cannot_come_back(browser: Browser, gateway: TestServer) -> None:
    await browser.sign_in("shenji", anew=True)
    async with gateway.app[DATABASE].begin() as session:
        account = await session.scalar(select(Account).where(Account.subject == "stub-shenji"))
        assert account is not None
        account.disabled_at = func.now()
    # What was read may count for some seconds; after them the database decides.
    forget_sessions(gateway)
    assert (await browser.call("GET", "/me")).status == 401
    browser.http.cookie_jar.clear()
    refused = await browser.send_form(await browser.to_form(), "shenji")
    assert (refused.status, "账号已停用" in await refused.text()) == (403, True)
    async with gateway.app[DATABASE].begin() as session:
        last = await session.scalar(select(Audit.action).order_by(Audit.id.desc()).limit(1))
    assert last == "sign_in_refused"
