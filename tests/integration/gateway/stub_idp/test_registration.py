"""法人账号注册 in three steps, and the review of documents."""

import re

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import select

from services.gateway.stub_idp.models import (
    StubAccount,
    StubRegistration,
    StubReview,
)
from services.gateway.web.context import DATABASE
from tests.integration.gateway.conftest import Browser
from tests.integration.gateway.stub_idp.conftest import (
    FOREIGN,
    PDF,
    STEP_1,
    STEP_2,
    as_reviewer,
    errors_of,
    mails_to,
    multipart,
    register,
)


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
    # Too large: told at its place, and nothing else has to be typed again; far too large: not read to its end.
    large = await browser.go(
        "POST", "/stub-idp/register", data=multipart({**STEP_1, **FOREIGN}, PDF + b" " * 6 * 2**20)
    )
    text = await large.text()
    assert (large.status, errors_of(text)) == (422, {"scan": "扫描件不得超过 5 MB"})
    assert f'value="{FOREIGN["org_name"]}"' in text
    form = multipart({**STEP_1, **FOREIGN}, PDF + b" " * 31 * 2**20)
    assert (await browser.go("POST", "/stub-idp/register", data=form)).status == 413


async def test_all_mistakes_are_told_at_once_and_the_registry_to_no_machine(browser: Browser) -> None:
    several = {**STEP_1, "captcha": "0000", "uscc": "9111", "document_number": ""}
    answer = await browser.go("POST", "/stub-idp/register", data=multipart(several))
    assert set(errors_of(await answer.text())) == {"captcha", "uscc", "document_number"}
    # Whether the registry has it is told to nobody whose captcha was wrong.
    guess = {**STEP_1, "captcha": "0000", "legal_name": "别人"}
    answer = await browser.go("POST", "/stub-idp/register", data=multipart(guess))
    assert set(errors_of(await answer.text())) == {"captcha"}


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
    assert (silent.status, "请填写原因" in await silent.text()) == (422, True)
    # What follows is said first, and nothing has followed yet; afterwards it is said that it has.
    approve = {"decision": "approve", "csrf_token": token}
    asked = await (await other.go("POST", f"/stub-idp/review/{id}", data=approve)).text()
    assert "账号可以登录，申请人将收到邮件" in asked
    assert "确认通过" in asked
    assert id in await (await other.go("GET", "/stub-idp/review")).text()
    sure = approve | {"sure": "1"}
    done = await (await other.go("POST", f"/stub-idp/review/{id}", data=sure)).text()
    assert "“tanaka”：已通过" in done
    twice = await other.go("POST", f"/stub-idp/review/{id}", data=sure)
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
    asked = await (await other.go("POST", f"/stub-idp/review/{id}", data=form)).text()
    assert 'value="扫描件不清晰"' in asked
    await other.go("POST", f"/stub-idp/review/{id}", data=form | {"sure": "1"})
    out = await browser.send_form(await browser.to_form(), "suzuki", password=STEP_2["password"])
    assert "未通过审核：扫描件不清晰" in await out.text()
    again = await register(browser, FOREIGN, {"username": "suzuki2", "handler_id": "11010519491231002X"}, PDF)
    assert "1-2个工作日" in await again.text()


async def test_second_step_belongs_to_the_browser_of_the_first(browser: Browser, other: Browser) -> None:
    begun = await browser.go("POST", "/stub-idp/register", data=multipart(STEP_1), allow_redirects=False)
    stolen = await other.go("POST", begun.headers["Location"], data={**STEP_2, "username": "thief1"})
    assert "不属于此浏览器" in await stolen.text()
