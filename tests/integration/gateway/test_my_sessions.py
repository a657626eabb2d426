"""Where one is signed in, signing out elsewhere, second factors, and what a command changes."""

import argparse
import re
from collections.abc import AsyncIterator
from typing import Any

import pyotp
import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import delete, select, update

from services.gateway.accounts import staff_command
from services.gateway.accounts.models import Account, Audit, SecondFactor, SessionRow
from services.gateway.accounts.sessions import digest
from services.gateway.app import create_app
from services.gateway.web.context import BROWSER_SESSIONS, DATABASE, SETTINGS
from shared import clock
from shared.errors import DomainError
from tests.integration.gateway.conftest import Browser, forget_sessions, make_settings, seed_people


@pytest.fixture(scope="module")
async def strict(database_url: str, redis_url: str) -> AsyncIterator[TestServer]:
    """A gateway that asks staff for a second factor."""
    settings = make_settings(database_url, redis_url, second_factor=True, signins_per_minute=10_000)
    async with TestServer(create_app(settings), port=settings.gateway_port) as running:
        async with running.app[DATABASE].begin() as session:
            await seed_people(session)
        yield running


@pytest.fixture
async def clerk(strict: TestServer) -> AsyncIterator[Browser]:
    made = Browser(strict)
    yield made
    await made.http.close()


async def enter(browser: Browser, username: str, **changes: Any) -> None:
    """Sign in, and see who one is; nothing else may be open yet."""
    await browser.send_form(await browser.to_form("/welcome"), username, **changes)


async def token(browser: Browser, path: str = "/account/sessions") -> str:
    text = await (await browser.go("GET", path)).text()
    return re.search(r'name="csrf_token" value="([^"]+)"', text)[1]  # type: ignore[index]


async def test_sessions_are_listed_and_ended(browser: Browser, other: Browser, gateway: TestServer) -> None:
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(delete(SessionRow))
    other.http.headers["User-Agent"] = "Another <browser>"
    for one in (browser, other):
        await enter(one, "qiye1")
    page = await (await browser.go("GET", "/account/sessions")).text()
    assert "Another &lt;browser&gt;" in page
    assert page.count("退出此登录") == 1
    assert "127.0.0.1" in page
    id = re.search(r"/account/sessions/([0-9a-f-]{36})/end", page)[1]  # type: ignore[index]
    form = {"csrf_token": await token(browser)}
    await browser.go("POST", f"/account/sessions/{id}/end", data=form)
    assert (await other.call("GET", "/me")).status == 401
    assert (await browser.call("GET", "/me")).status == 200
    gone = await browser.go("POST", f"/account/sessions/{id}/end", data=form)
    assert gone.status == 404


async def test_nobody_ends_anothers_session(browser: Browser, other: Browser, gateway: TestServer) -> None:
    await enter(browser, "qiye1")
    await enter(other, "qiye2")
    async with gateway.app[DATABASE].begin() as session:
        theirs = await session.scalar(select(SessionRow.id).where(SessionRow.id_sha256 == digest(other.cookie())))
    form = {"csrf_token": await token(browser)}
    assert (await browser.go("POST", f"/account/sessions/{theirs}/end", data=form)).status == 404
    assert (await other.call("GET", "/me")).status == 200


@pytest.mark.parametrize(("way", "here"), [("end-others", 200), ("end-all", 401)])
async def test_signing_out_everywhere(browser: Browser, other: Browser, way: str, here: int) -> None:
    for one in (browser, other):
        await enter(one, "qiye1")
        assert (await one.call("GET", "/me")).status == 200  # a copy is in the cache
    await browser.go("POST", f"/account/sessions/{way}", data={"csrf_token": await token(browser)})
    assert (await other.call("GET", "/me")).status == 401
    assert (await browser.call("GET", "/me")).status == here


async def test_end_of_a_session_is_said_in_time(browser: Browser, gateway: TestServer) -> None:
    await enter(browser, "qiye1")
    assert "本次登录将于" not in await (await browser.go("GET", "/account/sessions")).text()
    me = await (await browser.call("GET", "/me")).json()
    assert me["idle_until"] < me["expires_at"]
    async with gateway.app[DATABASE].begin() as session:
        soon = clock.now() + gateway.app[BROWSER_SESSIONS]._idle / 3
        await session.execute(update(SessionRow).values(expires_at=soon))
    forget_sessions(gateway)
    assert "本次登录将于" in await (await browser.go("GET", "/account/sessions")).text()


async def test_staff_need_their_second_factor(clerk: Browser, strict: TestServer) -> None:
    await enter(clerk, "shencha")
    before = clerk.cookie()
    # Nothing else opens: pages lead there, the API says so.
    page = await clerk.go("GET", "/review", allow_redirects=False)
    assert page.headers["Location"] == "/second-factor?next=%2Freview"
    refused = await clerk.call("GET", "/me")
    assert (refused.status, (await refused.json())["type"]) == (403, "second_factor_required")
    shown = await (await clerk.go("GET", "/second-factor?next=/welcome")).text()
    secret = re.search(r'class="digest">([A-Z2-7 ]+)<', shown)[1].replace(" ", "")  # type: ignore[index]
    assert (await (await clerk.go("GET", "/second-factor/picture")).read()).startswith(b"\x89PNG")
    totp, csrf = pyotp.TOTP(secret), {"csrf_token": await token(clerk, "/second-factor")}
    wrong = await clerk.go("POST", "/second-factor", data={**csrf, "code": "000000"})
    assert (wrong.status, "动态口令错误" in await wrong.text()) == (422, True)
    code = totp.now()
    done = await clerk.go("POST", "/second-factor?next=/welcome", data={**csrf, "code": f"{code[:3]} {code[3:]}"})
    assert (done.status, done.url.path) == (200, "/welcome")
    # More rights, another id: the one from before is worth nothing.
    assert clerk.cookie() != before
    stale = Browser(strict)
    stale.http.cookie_jar.update_cookies({"gm_session": before}, strict.make_url("/"))
    assert (await stale.call("GET", "/me")).status == 401
    await stale.http.close()
    assert (await (await clerk.call("GET", "/me")).json())["roles"] == ["reviewer"]
    # Next time the secret is not shown again, and a code that was used is not taken again.
    clerk.http.cookie_jar.clear()
    await enter(clerk, "shencha")
    again = await (await clerk.go("GET", "/second-factor")).text()
    assert secret[:4] not in again
    assert (await clerk.go("GET", "/second-factor/picture")).status == 404
    csrf = {"csrf_token": await token(clerk, "/second-factor")}
    replayed = await clerk.go("POST", "/second-factor", data={**csrf, "code": code})
    assert replayed.status == 422
    async with strict.app[DATABASE].begin() as session:
        row = await session.scalar(select(SecondFactor))
        assert row is not None
        assert secret.encode() not in row.secret


async def test_five_wrong_codes_lock(clerk: Browser, strict: TestServer) -> None:
    await enter(clerk, "shending")
    shown = await (await clerk.go("GET", "/second-factor")).text()
    secret = re.search(r'class="digest">([A-Z2-7 ]+)<', shown)[1].replace(" ", "")  # type: ignore[index]
    csrf = {"csrf_token": await token(clerk, "/second-factor")}
    for _ in range(5):
        await clerk.go("POST", "/second-factor", data={**csrf, "code": "x"})
    locked = await clerk.go("POST", "/second-factor", data={**csrf, "code": pyotp.TOTP(secret).now()})
    assert "已锁定" in await locked.text()
    async with strict.app[DATABASE].begin() as session:
        last = await session.scalar(select(Audit.action).order_by(Audit.id.desc()).limit(1))
    assert last == "second_factor_failed"


async def test_enterprises_need_none(clerk: Browser) -> None:
    await enter(clerk, "qiye1")
    assert (await clerk.call("GET", "/me")).status == 200


def command(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    staff_command.arguments(parser)
    return parser.parse_args(words)


async def run(gateway: TestServer, *words: str) -> str:
    async with gateway.app[DATABASE].begin() as session:
        return await staff_command.run(session, command(*words))


async def test_change_of_rights_ends_sessions(browser: Browser, gateway: TestServer) -> None:
    await enter(browser, "zhuanjia1")
    await run(gateway, "set", "stub-zhuanjia1", "孙专家", "expert", "reviewer")
    forget_sessions(gateway)
    assert (await browser.call("GET", "/me")).status == 401
    await enter(browser, "zhuanjia1")
    assert (await (await browser.call("GET", "/me")).json())["roles"] == ["expert", "reviewer"]
    await run(gateway, "set", "stub-zhuanjia1", "孙专家", "expert")
    assert "stub-zhuanjia1  孙专家  expert" in await run(gateway, "list")


async def test_command_refuses_what_must_not_be(gateway: TestServer) -> None:
    with pytest.raises(DomainError, match="duties_conflict"):
        await run(gateway, "set", "someone", "某人", "operator", "reviewer")
    with pytest.raises(DomainError, match="没有账号"):
        await run(gateway, "disable", "nobody")
    await run(gateway, "set", "newcomer", "新人", "auditor")
    await run(gateway, "disable", "newcomer")
    assert "newcomer  新人  auditor  disabled" in await run(gateway, "list")


async def test_account_with_duties_in_conflict_stays_out(browser: Browser, gateway: TestServer) -> None:
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(
            update(Account).where(Account.subject == "stub-yunwei").values(roles=["operator", "director"])
        )
    refused = await browser.send_form(await browser.to_form(), "yunwei")
    assert (refused.status, "角色相互冲突" in await refused.text()) == (403, True)
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(update(Account).where(Account.subject == "stub-yunwei").values(roles=["operator"]))
        await session.execute(delete(SecondFactor))
    assert gateway.app[SETTINGS].second_factor is False
