"""The stub platform's own pages: registration, review, certificates, 解绑, forgotten passwords, locks."""

import asyncio
import re
from collections.abc import AsyncIterator
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientResponse, FormData
from aiohttp.test_utils import TestServer
from aiosmtpd.controller import Controller
from sqlalchemy import delete, select, update

from deploy.embedded.ports import free_port
from services.gateway.app import create_app
from services.gateway.context import DATABASE
from services.gateway.stub_idp import certificates
from services.gateway.stub_idp.certificates import Holder
from services.gateway.stub_idp.models import (
    StubAccount,
    StubChallenge,
    StubMail,
    StubRegistration,
    StubResetCode,
    StubReview,
)
from services.gateway.stub_idp.people import seed as seed_people
from shared import clock
from tests import factories
from tests.integration.gateway.conftest import Browser, make_settings

PDF = factories.PDF
STEP_1 = {
    "org_name": "北京燕京景泰蓝工艺品有限公司",
    "uscc": "91110105MA00TE5T2T",
    "document": "resident_id",
    "legal_name": "王㙍",
    "document_number": "11010519491231002X",
    "captcha": "8888",
}
STEP_2 = {
    "name": "周新",
    "handler_id": "110101199001011237",
    "mobile": "13600136000",
    "email": "zhouxin@example.com",
    "username": "zhouxin",
    "password": "Jingtai#2026",
    "again": "Jingtai#2026",
}
FOREIGN = {
    "org_name": "北京和风漆艺有限公司",
    "uscc": "91110106MA01ABCD2L",
    "document": "other",
    "legal_name": "Tanaka Yuki",
    "document_number": "TK1234567",
}


def multipart(fields: dict[str, str], scan: bytes = b"") -> FormData:
    form = FormData()
    for name, value in fields.items():
        form.add_field(name, value)
    form.add_field(
        "scan", BytesIO(scan), filename="scan.pdf" if scan else "", content_type="application/octet-stream"
    )
    return form


def errors_of(text: str) -> dict[str, str]:
    return {name: unescape(told) for name, told in re.findall(r'id="(\w+)-error">([^<]*)<', text)}


@pytest.fixture(scope="module")
async def gateway(
    identity_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TestServer]:
    folder = tmp_path_factory.mktemp("ca")
    settings = make_settings(
        identity_url, redis_url, signins_per_minute=10_000, stub_ca_file=str(certificates.make_ca(folder))
    )
    async with TestServer(create_app(settings), port=settings.gateway_port) as running:
        async with running.app[DATABASE].begin() as session:
            await seed_people(session)
        yield running


async def register(
    browser: Browser, first: dict[str, str], second: dict[str, str], scan: bytes = b""
) -> ClientResponse:
    begun = await browser.go("POST", "/stub-idp/register", data=multipart({**STEP_1, **first}, scan))
    assert "/stub-idp/register/" in str(begun.url), await begun.text()
    return await browser.go("POST", begun.url.path, data={**STEP_2, **second})


async def as_reviewer(other: Browser) -> tuple[str, str]:
    """The reviewer's page, and its token."""
    form = {"username": "pingtai", "password": "Demo#2024", "captcha": "8888"}
    page = await (await other.go("POST", "/stub-idp/review/sign-in", data=form)).text()
    return page, re.search(r'name="csrf_token" value="([^"]+)"', page)[1] if "csrf_token" in page else ""  # type: ignore[index]


async def mails_to(gateway: TestServer, address: str) -> list[StubMail]:
    async with gateway.app[DATABASE].begin() as session:
        return list(await session.scalars(select(StubMail).where(StubMail.recipient == address)))


async def test_registration_in_three_steps(browser: Browser, gateway: TestServer) -> None:
    page = await (await browser.go("GET", "/stub-idp/register")).text()
    for text in ("法人身份鉴证", "创建账号", "注册完成", "企业法定代表人身份所在地非中国大陆", "010-58511090",
                 "一个办事人在同一个单位下，只能注册一个口令账号", "yztyunwei@bjca.org.cn"):  # fmt: skip
        assert text in page
    assert "点击注册" in await (await browser.go("GET", "/login")).text()
    done = await register(browser, {}, {})
    assert "注册完成，现在可以登录" in await done.text()
    back = await browser.send_form(await browser.to_form("/welcome"), "zhouxin", password=STEP_2["password"])
    assert back.status == 200
    me = await (await browser.call("GET", "/me")).json()
    assert (me["name"], me["enterprise"]["uscc"]) == ("周新", "91110105MA00TE5T2T")
    # The number that was typed is nowhere kept.
    async with gateway.app[DATABASE].begin() as session:
        account = await session.get_one(StubAccount, "zhouxin")
        assert "110101199001011237" not in str(vars(account))
        assert await session.scalar(select(StubRegistration.id)) is None


async def test_one_account_per_enterprise_and_handler(browser: Browser) -> None:
    await register(browser, {}, {"username": "first1", "handler_id": "11010519800229003X"})
    again = await register(browser, {}, {"username": "second2", "handler_id": "11010519800229003X"})
    assert errors_of(await again.text()) == {"handler_id": "一个办事人在同一个单位下，只能注册一个口令账号"}
    # The same person may act for another enterprise.
    other = {"org_name": "北京雕漆艺术有限公司", "uscc": "911101080000000194", "legal_name": "赵岚"}
    done = await register(browser, other, {"username": "second2", "handler_id": "11010519800229003X"})
    assert "注册完成" in await done.text()
    taken = await register(browser, {}, {"username": "second2"})
    assert "username" in errors_of(await taken.text())


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"uscc": "91110105MA00TE5T20"}, "uscc", "校验位不正确"),
        ({"uscc": "9111"}, "uscc", "18 位"),
        ({"uscc": "91110109MA03JKLM4Q"}, "uscc", "法人库中没有"),
        ({"org_name": "别的公司"}, "org_name", "不一致"),
        ({"legal_name": "别人"}, "legal_name", "不一致"),
        ({"document_number": "110105194912310021"}, "document_number", "校验位不正确"),
        ({"document_number": ""}, "document_number", "请填写"),
        ({"document": "other", "document_number": "E-1"}, "document_number", "证件号码"),
        ({"document": "other", "document_number": "E12345678"}, "scan", "请上传"),
        ({"document": "nothing"}, "document", "请选择"),
        ({"captcha": "0000"}, "captcha", "验证码错误"),
    ],
    ids=str,
)
async def test_wrong_registrations_are_told_where(
    browser: Browser, changes: dict[str, str], field: str, told: str
) -> None:
    answer = await browser.go("POST", "/stub-idp/register", data=multipart({**STEP_1, **changes}))
    text = await answer.text()
    assert answer.status == 422
    assert told in errors_of(text)[field]
    # Nothing typed is lost.
    assert f'value="{({**STEP_1, **changes})["legal_name"]}"' in text


async def test_scan_is_what_it_is_not_what_it_says(browser: Browser) -> None:
    for scan in (b"MZ\x90 a program", b"<html>", PDF[:3]):
        answer = await browser.go("POST", "/stub-idp/register", data=multipart({**STEP_1, **FOREIGN}, scan))
        assert "PDF、JPG 或 PNG" in errors_of(await answer.text())["scan"]
    large = await browser.go(
        "POST", "/stub-idp/register", data=multipart({**STEP_1, **FOREIGN}, PDF + b" " * 6 * 2**20)
    )
    assert (large.status, "不得超过 5 MB" in await large.text()) == (413, True)


async def test_foreign_document_waits_for_its_review(
    browser: Browser, other: Browser, gateway: TestServer
) -> None:
    done = await register(browser, FOREIGN, {"username": "tanaka", "email": "tanaka@example.com"}, PDF)
    assert "1-2个工作日" in await done.text()
    early = await browser.send_form(await browser.to_form(), "tanaka", password=STEP_2["password"])
    assert (early.status, "身份证件正在审核" in await early.text()) == (422, True)
    page, token = await as_reviewer(other)
    id = re.search(r'action="/stub-idp/review/([0-9a-f-]{36})"', page)[1]  # type: ignore[index]
    assert "TK1234567" in page
    assert await (await other.go("GET", f"/stub-idp/review/{id}/scan")).read() == PDF
    # Nobody else sees it or decides.
    for method, path in (("GET", f"/stub-idp/review/{id}/scan"), ("POST", f"/stub-idp/review/{id}")):
        assert (await browser.go(method, path, allow_redirects=False)).headers["Location"].endswith("/sign-in")
    forged = await other.go("POST", f"/stub-idp/review/{id}", data={"decision": "approve", "csrf_token": "x"})
    assert forged.status == 403
    silent = await other.go("POST", f"/stub-idp/review/{id}", data={"decision": "refuse", "csrf_token": token})
    assert (silent.status, "请填写原因" in await silent.text()) == (409, True)
    await other.go("POST", f"/stub-idp/review/{id}", data={"decision": "approve", "csrf_token": token})
    twice = await other.go("POST", f"/stub-idp/review/{id}", data={"decision": "approve", "csrf_token": token})
    assert (twice.status, "已由他人处理" in await twice.text()) == (409, True)
    assert [m.subject for m in await mails_to(gateway, "tanaka@example.com")] == [
        "注册已提交，等待身份证件审核", "身份证件审核结果",
    ]  # fmt: skip
    assert (
        await browser.send_form(await browser.to_form("/welcome"), "tanaka", password=STEP_2["password"])
    ).status == 200
    async with gateway.app[DATABASE].begin() as session:
        review = await session.scalar(select(StubReview).where(StubReview.username == "tanaka"))
        assert review is not None
        # Kept for the decision only.
        assert (review.scan, review.facts) == (None, {"企业名称": FOREIGN["org_name"]})


async def test_refused_document_stays_out_and_says_why(browser: Browser, other: Browser) -> None:
    await register(browser, FOREIGN, {"username": "suzuki", "handler_id": "11010519491231002X"}, PDF)
    page, token = await as_reviewer(other)
    id = re.search(r'action="/stub-idp/review/([0-9a-f-]{36})"', page)[1]  # type: ignore[index]
    form = {"decision": "refuse", "reason": "扫描件不清晰", "csrf_token": token}
    await other.go("POST", f"/stub-idp/review/{id}", data=form)
    out = await browser.send_form(await browser.to_form(), "suzuki", password=STEP_2["password"])
    assert "未通过审核：扫描件不清晰" in await out.text()
    again = await register(browser, FOREIGN, {"username": "suzuki2", "handler_id": "11010519491231002X"}, PDF)
    assert "1-2个工作日" in await again.text()


async def test_second_step_belongs_to_the_browser_of_the_first(browser: Browser, other: Browser) -> None:
    begun = await browser.go("POST", "/stub-idp/register", data=multipart(STEP_1), allow_redirects=False)
    stolen = await other.go("POST", begun.headers["Location"], data={**STEP_2, "username": "thief1"})
    assert "不属于此浏览器" in await stolen.text()


async def test_captcha_is_drawn_spoken_and_spent_at_once(identity_url: str, redis_url: str) -> None:
    settings = make_settings(identity_url, redis_url, stub_captcha="", signins_per_minute=10_000)
    async with TestServer(create_app(settings), port=settings.gateway_port) as server:
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


async def certificate_form(browser: Browser) -> tuple[dict[str, str], str]:
    sealed = (await browser.to_form("/welcome"))["request"]
    page = await (await browser.go("GET", "/stub-idp/certificate", params={"request": sealed})).text()
    hidden = {n: unescape(v) for n, v in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)}
    return hidden, re.search(r'id="challenge">([^<]+)<', page)[1]  # type: ignore[index]


async def test_certificate_signs_in_without_registration(browser: Browser, gateway: TestServer) -> None:
    from services.gateway.context import SETTINGS

    folder = Path(gateway.app[SETTINGS].stub_ca_file).parent
    holder = Holder("91110109MA03JKLM4Q", "北京花丝镶嵌有限公司", "花丝")
    pem, key = certificates.issue(folder, "huasi", holder)
    hidden, challenge = await certificate_form(browser)
    form = {**hidden, "certificate": pem.read_text(), "signature": certificates.sign(key, "another challenge")}
    wrong = await browser.go("POST", "/stub-idp/certificate", data=form)
    assert (wrong.status, "签名与证书不符" in await wrong.text()) == (422, True)
    # The challenge was spent by that.
    form["signature"] = certificates.sign(key, challenge)
    late = await browser.go("POST", "/stub-idp/certificate", data=form)
    assert "签名内容已失效" in await late.text()
    hidden, challenge = await certificate_form(browser)
    form = {**hidden, "certificate": pem.read_text(), "signature": certificates.sign(key, challenge)}
    done = await browser.go("POST", "/stub-idp/certificate", data=form)
    assert (done.status, done.url.path) == (200, "/welcome")
    me = await (await browser.call("GET", "/me")).json()
    assert (me["name"], me["enterprise"]["uscc"]) == ("花丝", "91110109MA03JKLM4Q")


async def test_unbinding_from_the_notice_to_going_on(
    browser: Browser, other: Browser, gateway: TestServer
) -> None:
    notice = await browser.send_form(await browser.to_form("/welcome"), "qiye3")
    text = await notice.text()
    assert "需解绑" in text
    assert "010-55520600" in text
    assert (await browser.call("GET", "/me")).status == 401
    ticket = {"ticket": re.search(r'name="ticket" value="([^"]+)"', text)[1]}  # type: ignore[index]
    incomplete = await browser.go("POST", "/stub-idp/unbind", data=multipart({**ticket, "reason": "换"}))
    assert set(errors_of(await incomplete.text())) == {"name", "phone", "reason", "scan"}
    request = {**ticket, "name": "何青", "phone": "010-58511090", "reason": "原经办人已离职"}
    asked = await browser.go("POST", "/stub-idp/unbind", data=multipart(request, PDF))
    assert "正在审核" in await asked.text()
    await browser.go("POST", "/stub-idp/unbind", data=multipart(request, PDF))
    still = await browser.go("POST", "/stub-idp/unbind/continue", data=ticket)
    assert "正在审核" in await still.text()
    page, token = await as_reviewer(other)
    [id] = re.findall(r'review/([0-9a-f-]{36})">(?:(?!</form>).)*解绑审核', page, flags=re.S)
    await other.go("POST", f"/stub-idp/review/{id}", data={"decision": "approve", "csrf_token": token})
    on = await browser.go("POST", "/stub-idp/unbind/continue", data=ticket)
    assert (on.status, on.url.path) == (200, "/welcome")
    assert (await browser.call("GET", "/me")).status == 200
    assert [m.subject for m in await mails_to(gateway, "heqing@example.com")] == ["解绑申请已提交", "解绑审核结果"]
    # A second seeding does not bind it again.
    async with gateway.app[DATABASE].begin() as session:
        await seed_people(session)
    browser.http.cookie_jar.clear()
    assert (await browser.send_form(await browser.to_form(), "qiye3", allow_redirects=False)).status == 303


async def test_forgotten_password(browser: Browser, gateway: TestServer) -> None:
    async def send(username: str) -> str:
        return await (
            await browser.go("POST", "/stub-idp/password", data={"username": username, "captcha": "8888"})
        ).text()

    known, unknown = await send("qiye2"), await send("nobody")
    assert "验证码已发送" in known
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


async def test_address_is_locked_after_five_failures(identity_url: str, redis_url: str) -> None:
    settings = make_settings(
        identity_url, redis_url, allowed_addresses="", trusted_proxies="127.0.0.1", signins_per_minute=10_000
    )
    async with TestServer(create_app(settings), port=settings.gateway_port) as server:
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


async def test_mails_go_out_and_are_tried_again(gateway: TestServer, identity_url: str, redis_url: str) -> None:
    received: list[Any] = []

    class Handler:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            received.append(envelope)
            return "451 later" if len(received) == 1 else "250 taken"

    port = free_port()
    settings = make_settings(identity_url, redis_url, stub_smtp_url=f"smtp://127.0.0.1:{port}")
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
