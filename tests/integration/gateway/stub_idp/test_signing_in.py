"""What stands around a password: captchas, forgotten ones, locks, the stub's mails, signing out."""

import asyncio
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestServer
from aiosmtpd.controller import Controller
from sqlalchemy import delete, update

from deploy.embedded.ports import free_port
from services.gateway.app import create_app
from services.gateway.stub_idp.models import (
    StubChallenge,
    StubMail,
    StubResetCode,
)
from services.gateway.web.context import DATABASE
from shared import clock
from tests.integration.gateway.conftest import Browser, make_settings, seed_people
from tests.integration.gateway.stub_idp.conftest import errors_of, mails_to


async def test_captcha_is_drawn_spoken_and_spent_at_once(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GM_STUB_CAPTCHA", "")
    settings = make_settings(database_url, redis_url, signins_per_minute=10_000)
    async with TestServer(create_app(settings), port=settings.gateway_port) as server:
        async with server.app[DATABASE].begin() as session:
            await seed_people(session)
        browser, other = Browser(server), Browser(server)
        try:
            hidden = await browser.to_form()
            id = hidden["captcha_id"]
            picture = await browser.go("GET", f"/stub-idp/captcha/{id}/picture")
            assert (await picture.read()).startswith(b"\x89PNG")
            spoken = await browser.go("GET", f"/stub-idp/captcha/{id}/sound")
            assert (await spoken.read()).startswith(b"RIFF")
            assert (await other.go("GET", f"/stub-idp/captcha/{id}/picture")).status == 404

            async def answer(id: str) -> str:
                async with server.app[DATABASE].begin() as session:
                    return (await session.get_one(StubChallenge, id)).answer

            text = await answer(id)
            # Another browser cannot use it, and a wrong try spends it.
            stolen = await other.send_form(await other.to_form() | {"captcha_id": id}, "qiye1", captcha=text)
            assert "验证码错误" in await stolen.text()
            wrong = await browser.send_form(hidden, "qiye1", captcha="no")
            assert "验证码错误" in await wrong.text()
            spent = await browser.send_form(hidden, "qiye1", captcha=text)
            assert "验证码错误" in await spent.text()
            # Too old.
            hidden = await browser.to_form()
            text = await answer(hidden["captcha_id"])
            async with server.app[DATABASE].begin() as session:
                await session.execute(update(StubChallenge).values(expires_at=clock.now()))
            assert "验证码错误" in await (await browser.send_form(hidden, "qiye1", captcha=text)).text()
            hidden = await browser.to_form()
            text = await answer(hidden["captcha_id"])
            right = await browser.send_form(hidden, "qiye1", captcha=text, allow_redirects=False)
            assert right.status == 303
        finally:
            await browser.http.close()
            await other.http.close()


async def test_forgotten_password(browser: Browser, gateway: TestServer) -> None:
    async def send(username: str) -> str:
        data = {"username": username, "captcha": "8888"}
        text = await (await browser.go("POST", "/stub-idp/password", data=data)).text()
        return re.sub(r'data-now="\d+"', "", text)

    known, unknown = await send("qiye2"), await send("nobody")
    assert "验证码已发送" in known
    # But for the page's own clock, nothing tells one from the other.
    known, unknown = (re.sub(r'data-now="\d+"', "", text) for text in (known, unknown))
    assert known.replace("qiye2", "") == unknown.replace("nobody", "")
    await send("qiye2")
    [mail] = await mails_to(gateway, "zhoumin@example.com")  # 60 s between two
    code = re.search(r"验证码 (\d{6})", mail.text)[1]  # type: ignore[index]
    new = {"username": "qiye2", "password": "Diaoqi#2027", "again": "Diaoqi#2027"}
    weak = await browser.go(
        "POST", "/stub-idp/password/new", data={**new, "code": code, "password": "x", "again": "x"}
    )
    assert "password" in errors_of(await weak.text())
    wrong = await browser.go("POST", "/stub-idp/password/new", data={**new, "code": "000000"})
    assert "code" in errors_of(await wrong.text())
    done = await browser.go("POST", "/stub-idp/password/new", data={**new, "code": code})
    assert "密码已修改" in await done.text()
    again = await browser.go("POST", "/stub-idp/password/new", data={**new, "code": code})
    assert "code" in errors_of(await again.text())
    assert (
        await browser.send_form(await browser.to_form(), "qiye2", password="Diaoqi#2027", allow_redirects=False)
    ).status == 303
    # Five wrong codes end the sixth, though it were right.
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(delete(StubMail).where(StubMail.recipient == "zhoumin@example.com"))
    await send("qiye2")
    [mail] = await mails_to(gateway, "zhoumin@example.com")
    code = re.search(r"验证码 (\d{6})", mail.text)[1]  # type: ignore[index]
    for _ in range(5):
        await browser.go("POST", "/stub-idp/password/new", data={**new, "code": "x"})
    late = await browser.go("POST", "/stub-idp/password/new", data={**new, "code": code})
    assert "code" in errors_of(await late.text())
    async with gateway.app[DATABASE].begin() as session:
        assert (await session.get_one(StubResetCode, "qiye2")).tries > 5 - 1


async def test_address_is_locked_after_five_failures(database_url: str, redis_url: str) -> None:
    settings = make_settings(
        database_url, redis_url, allowed_addresses="", trusted_proxies="127.0.0.1", signins_per_minute=10_000
    )
    async with TestServer(create_app(settings), port=settings.gateway_port) as server:
        async with server.app[DATABASE].begin() as session:
            await seed_people(session)
        browser = Browser(server)
        try:
            hidden = await browser.to_form()

            async def attempt(address: str, username: str, password: str) -> ClientResponse:
                form = {**hidden, "username": username, "password": password, "captcha": "8888"}
                headers = {"X-Forwarded-For": f"6.6.6.6, {address}"}
                path = "/stub-idp/am/oauth2/authorize"
                return await browser.go("POST", path, data=form, headers=headers, allow_redirects=False)

            for n in range(5):
                wrong = await attempt("203.0.113.7", f"guess{n}", "x")
                assert "用户名或密码错误" in await wrong.text()
            locked = await attempt("203.0.113.7", "qiye1", "Demo#2024")
            assert "网络地址" in await locked.text()
            # Elsewhere nothing is locked, whatever a client claims to have come through.
            assert (await attempt("203.0.113.8", "qiye1", "Demo#2024")).status == 303
        finally:
            await browser.http.close()


async def test_a_name_is_locked_whether_it_exists_or_not_and_a_success_forgives_no_address(
    database_url: str, redis_url: str
) -> None:
    settings = make_settings(
        database_url, redis_url, allowed_addresses="", trusted_proxies="127.0.0.1", signins_per_minute=10_000
    )
    async with TestServer(create_app(settings), port=settings.gateway_port) as server:
        async with server.app[DATABASE].begin() as session:
            await seed_people(session)
        browser = Browser(server)
        try:
            hidden = await browser.to_form()

            async def attempt(address: str, username: str, password: str) -> ClientResponse:
                form = {**hidden, "username": username, "password": password, "captcha": "8888"}
                headers = {"X-Forwarded-For": address}
                path = "/stub-idp/am/oauth2/authorize"
                return await browser.go("POST", path, data=form, headers=headers, allow_redirects=False)

            # The same answers for a name that exists and one that does not, from six addresses.
            told = {}
            for name in ("qiye3", "nobody-of-this-name"):
                answers = [await attempt(f"203.0.113.{100 + n}", name, "x") for n in range(6)]
                texts = [await a.text() for a in answers]
                told[name] = [("用户名或密码错误" in t, "账号已锁定" in t) for t in texts]
            assert told["qiye3"] == told["nobody-of-this-name"] == [(True, False)] * 5 + [(False, True)]
            # Guesses at once are as many as guesses one after the other.
            burst = await asyncio.gather(*(attempt(f"203.0.113.{120 + n}", "qiye1", "x") for n in range(8)))
            assert ["账号已锁定" in await answer.text() for answer in burst].count(True) == 3
            # Signing in between guesses does not make an address new.
            for n in range(4):
                await attempt("203.0.113.200", f"guess{n}", "x")
                assert (await attempt("203.0.113.200", "yunwei", "Demo#2024")).status == 303
            await attempt("203.0.113.200", "guess4", "x")
            assert "网络地址" in await (await attempt("203.0.113.200", "yunwei", "Demo#2024")).text()
        finally:
            await browser.http.close()


async def test_mails_go_out_and_are_tried_again(
    gateway: TestServer, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[Any] = []

    class Handler:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            received.append(envelope)
            return "451 later" if len(received) == 1 else "250 taken"

    port = free_port()
    monkeypatch.setenv("GM_STUB_SMTP_URL", f"smtp://127.0.0.1:{port}")
    settings = make_settings(database_url, redis_url)
    async with gateway.app[DATABASE].begin() as session:
        await session.execute(delete(StubMail))
    smtp = Controller(Handler(), hostname="127.0.0.1", port=port)
    smtp.start()
    try:
        async with TestServer(create_app(settings), port=settings.gateway_port) as server:
            from services.gateway.stub_idp import mails

            async with server.app[DATABASE].begin() as session:
                mails.owe(session, "someone@example.com", "主题", "正文")
            for _ in range(100):
                await asyncio.sleep(0.05)
                async with server.app[DATABASE].begin() as session:
                    await session.execute(
                        update(StubMail).where(StubMail.sent_at.is_(None)).values(next_at=clock.now())
                    )
                [mail] = await mails_to(server, "someone@example.com")
                if mail.sent_at:
                    break
            assert mail.sent_at is not None
            assert mail.attempts == 2
            assert mail.text == ""
    finally:
        smtp.stop()
    assert [e.rcpt_tos for e in received] == [["someone@example.com"]] * 2


@pytest.mark.parametrize(
    "url", ["/stub-idp/am/UI/Logout?goto=https://evil.example/", "/stub-idp/am/UI/Logout?goto=//evil"]
)
async def test_sign_out_leads_nowhere_else(browser: Browser, gateway: TestServer, url: str) -> None:
    answer = await browser.go("GET", url, allow_redirects=False)
    assert urlsplit(answer.headers["Location"]).port == gateway.port
