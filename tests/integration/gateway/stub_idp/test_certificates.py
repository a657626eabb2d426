"""一证通 certificates, and 解绑 between the password and the portal."""

import re
from html import unescape
from pathlib import Path

from aiohttp.test_utils import TestServer

from services.gateway.stub_idp import certificates
from services.gateway.stub_idp.certificates import Holder
from services.gateway.web.context import DATABASE
from tests.integration.gateway.conftest import Browser, seed_people
from tests.integration.gateway.stub_idp.conftest import PDF, as_reviewer, errors_of, mails_to, multipart


async def certificate_form(browser: Browser) -> tuple[dict[str, str], str]:
    sealed = (await browser.to_form("/welcome"))["request"]
    page = await (await browser.go("GET", "/stub-idp/certificate", params={"request": sealed})).text()
    hidden = {n: unescape(v) for n, v in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)}
    return hidden, re.search(r'id="challenge">([^<]+)<', page)[1]  # type: ignore[index]


async def test_certificate_signs_in_without_registration(browser: Browser, ca_folder: Path) -> None:
    holder = Holder("91110109MA03JKLM4Q", "北京花丝镶嵌有限公司", "花丝")
    pem, key = certificates.issue(ca_folder, "huasi", holder)
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
    # For which enterprise, and what must be handed in.
    assert "北京玉海琢玉有限公司" in text
    assert re.search(r'<span class="must"[^>]*>\*</span>解绑申请书', text)
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
    await other.go(
        "POST", f"/stub-idp/review/{id}", data={"decision": "approve", "sure": "1", "csrf_token": token}
    )
    on = await browser.go("POST", "/stub-idp/unbind/continue", data=ticket)
    assert (on.status, on.url.path) == (200, "/welcome")
    assert (await browser.call("GET", "/me")).status == 200
    assert [m.subject for m in await mails_to(gateway, "heqing@example.com")] == ["解绑申请已提交", "解绑审核结果"]
    # A second seeding does not bind it again.
    async with gateway.app[DATABASE].begin() as session:
        await seed_people(session)
    browser.http.cookie_jar.clear()
    assert (await browser.send_form(await browser.to_form(), "qiye3", allow_redirects=False)).status == 303
