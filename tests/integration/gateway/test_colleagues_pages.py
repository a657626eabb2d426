"""Notes, files of the desk and questions on a case's page; and that nobody but the bureau is ever shown a word of them."""

import io
import re
import zipfile
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiohttp import ClientSession, FormData
from aiohttp.test_utils import TestServer

from deploy.demo.files import pdf
from services.applications.routes import ROUTES as APPLICATIONS
from services.gateway.routes import table
from services.notify.routes import ROUTES as NOTIFY
from shared.http.app import Route
from shared.identity import Role
from shared.roles import GATEWAY, STAFF
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.gateway.conftest import Browser
from tests.integration.gateway.test_route_by_role import PEOPLE

MARK = f"内部备注{uuid4().hex[:12]}"
# These end what the others need, or never end.
LEFT_OUT = {"/logout", "/login", "/api/v1/events", "/account/sessions/end-all"}
# Where a note may be read: a case's page, and the two calls that it is made of.
CASE = "/review/{id}"
READ_AT = {
    CASE,
    "/review/{id}/reveal",
    *(f"/api/v1/review/applications/{{id}}/{n}" for n in ("case", "case/reveal", "colleagues")),
}


@pytest.fixture
async def api(applications: TestServer) -> AsyncIterator[Api]:
    async with ClientSession() as http:
        yield Api(http, applications)


@pytest.fixture
async def case(api: Api) -> str:
    who = factories.applicant()
    rounds = await (await api.call("GET", "/api/v1/rounds", who)).json()
    open_ = next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward")
    id = str((await api.create(who, open_))["id"])
    await api.fill(who, id)
    assert (await api.submit(who, id)).status == 200
    return id


def said_in(body: bytes) -> str:
    """What an answer says; of a workbook or a ZIP what its parts say."""
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as parts:
            body = b"\n".join(parts.read(name) for name in parts.namelist())
    return body.decode(errors="replace")


async def test_a_case_is_talked_about_beside_it(browser: Browser, other: Browser, case: str) -> None:
    await browser.sign_in("shencha")
    await other.sign_in("shencha2")
    page = await (await browser.go("GET", f"/review/{case}")).text()
    assert "stub-" not in page[page.index('id="colleagues"') : page.index('id="colleagues"') + 4000]
    colleagues = dict(re.findall(r'name="mentions" value="([^"]+)"> ([^<]+)</label>', page))
    assert "褚审查" in colleagues.values()
    assert "陈审查" not in colleagues.values()  # not oneself
    assert "孙专家" not in colleagues.values()
    account = next(account for account, name in colleagues.items() if name == "褚审查")
    token = {"csrf_token": browser.csrf_token}
    [key] = set(re.findall(r'name="note" value="([0-9a-f]{32})"', page))

    # What is refused comes back at its place with all that was typed; sent twice it is one note.
    written = {**token, "note": key, "note_text": f"{MARK}<b>请@卫审查</b>", "mentions": account}
    for changes, said in (({"note_text": " "}, "请填写备注内容。"), ({"mentions": "nobody"}, "请重新选择。")):
        refused = await browser.go("POST", f"/review/{case}/notes", data={**written, **changes})
        text = await refused.text()
        assert (refused.status, said in text) == (409, True), text
        assert f'name="note" value="{key}"' in text
        assert changes.get("mentions") or f'value="{account}" checked' in text
    for _ in range(2):
        kept = await browser.go("POST", f"/review/{case}/notes", data=written)
        assert kept.status == 200
        assert "已保存备注。" in await kept.text()
    # Whoever was named is told in 消息, with the number in the menu of a page without scripts, until the case is opened.
    told = await (await other.go("GET", "/messages")).text()
    assert "消息（1 条未读）" in told
    assert f'<a href="/review/{case}#colleagues">' in told
    assert MARK not in told
    queue = await (await other.go("GET", "/review?order=newest")).text()
    assert '<span data-messages> <span class="count">1</span>' in queue
    page = await (await other.go("GET", f"/review/{case}")).text()
    assert "条未读）" not in await (await other.go("GET", "/messages")).text()
    chosen = {"csrf_token": other.csrf_token, "way.mention": "at_once", "way.asked": "portal"}
    kept = await (await other.go("POST", "/messages/choices", data=chosen)).text()
    assert "已保存接收设置。" in kept
    ways = re.findall(r'name="way\.(\w+)">.*?value="(\w+)" selected', kept)
    assert {kind: way for kind, way in ways if way != "none"} == {"mention": "at_once", "asked": "portal"}
    for path, data, status in (
        ("/messages/choices", {**chosen, "way.mention": "nonsense"}, 400),
        ("/messages", {**chosen, "id": "x"}, 400),
        ("/messages", chosen, 200),
    ):
        assert (await other.go("POST", path, data=data)).status == status
    assert (await other.go("GET", "/messages?cursor=x")).status == 400
    assert page.count(f"{MARK}&lt;b&gt;请@卫审查&lt;/b&gt;") == 1
    assert "提醒：褚审查、卫审查" in page
    assert '<button class="link">撤回' not in page[page.index('id="notes"') : page.index('id="desk-files"')]

    # A file without a file, one of another kind, and one that is kept.
    for content, name, status, said in (
        (b"", "", 409, "请选择要上传的文件。"),
        (b"x", "记录.docx", 409, "此处只接受"),
        (pdf("y"), "记录.pdf", 200, "已上传工作文件。"),
    ):
        form = FormData({**token, "kind": "site_visit", "limited": "1"})
        form.add_field("file", content, filename=name)
        answer = await browser.go("POST", f"/review/{case}/files", data=form)
        text = await answer.text()
        assert (answer.status, said in text) == (status, True), text
    assert "仅限指定人员查看" in await (await other.go("GET", f"/review/{case}")).text()

    # Two are asked at once; one answers, which the page of the other tells.
    page = await (await browser.go("GET", f"/review/{case}")).text()
    [key] = set(re.findall(r'name="inquiry" value="([0-9a-f]{32})"', page))
    director = next(account for account, name in colleagues.items() if name == "郑审定")
    question = {**token, "inquiry": key, "question": "金额是否合理？", "working_days": "2"}
    nobody = await browser.go("POST", f"/review/{case}/inquiries", data=question)
    assert (nobody.status, "请选择征求意见的人员" in await nobody.text()) == (409, True)
    both = [*question.items(), ("colleagues", account), ("colleagues", director)]
    assert "已发出征求意见。" in await (await browser.go("POST", f"/review/{case}/inquiries", data=both)).text()
    page = await (await other.go("GET", f"/review/{case}")).text()
    [name] = set(re.findall(r'name="(answer\.[0-9a-f-]{36})"', page))
    path = f"/review/{case}/inquiries/{name.removeprefix('answer.')}"
    said = {"csrf_token": other.csrf_token, "action": "answer", name: ""}
    assert "请填写意见。" in await (await other.go("POST", path, data=said)).text()
    assert "已提交意见。" in await (await other.go("POST", path, data={**said, name: "合理"})).text()
    page = await (await browser.go("GET", f"/review/{case}")).text()
    assert "1 次待答复" in page
    assert '<dd class="text">合理<br>' in page
    assert (await browser.go("POST", path, data={**token, "action": "close"})).status == 200
    # An auditor reads and writes nothing; a forged form does nothing.
    other.http.cookie_jar.clear()
    await other.sign_in("shenji")
    page = await (await other.go("GET", f"/review/{case}")).text()
    assert MARK in page
    assert "保存备注" not in page
    forged = await browser.go(
        "POST", f"/review/{case}/notes", data={**written, "csrf_token": "x", "note": uuid4().hex}
    )
    assert forged.status == 403


def _path(path: str, case: str) -> str:
    path = path.replace("{rest:.+}", "applications").replace("{n}", "1").replace("{version}", "1")
    path = path.replace("{fund_type}", "reward").replace("{id}", case)
    path = re.sub(r"\{key[^}]*\}", "company", path)
    return re.sub(r"\{[a-z_]+[^}]*\}", str(uuid4()), path)


async def test_no_page_export_or_call_shows_it_to_anybody_else(
    browser: Browser, applications: TestServer, api: Api, case: str
) -> None:
    await browser.sign_in("shencha")
    people = await (await browser.call("GET", "/review/reviewers")).json()
    for path, body in (
        (f"notes/{uuid4()}", {"text": MARK}),
        (
            f"inquiries/{uuid4()}",
            {"question": MARK, "colleagues": [p["account"] for p in people if not p["mine"]]},
        ),
    ):
        made = await browser.call("PUT", f"/review/applications/{case}/{path}", json=body)
        assert made.status == 200, await made.text()
    form = FormData()
    form.add_field("file", pdf("x"), filename=f"{MARK}.pdf")
    made = await browser.call("POST", f"/review/applications/{case}/files?kind=other", data=form)
    assert made.status == 201
    file = (await made.json())["id"]

    lines = [(line.method, line.path, line.roles) for line in table(development=False)]
    services: list[Route] = [*APPLICATIONS, *NOTIFY]
    lines += [(r.method, r.path, r.roles) for r in services if r.callers == GATEWAY and r.path.startswith("/api/")]
    seen, asked, by_staff = set(), 0, set[tuple[str, str]]()
    for role, name in PEOPLE.items():
        browser.http.cookie_jar.clear()
        await browser.sign_in(name)
        for method, path, roles in lines:
            reads = method == "GET" or path.endswith(("/export", "/reveal"))
            if not reads or path in LEFT_OUT or (roles and role not in roles):
                continue
            # What one of the bureau has opened looks the same to the next; all of them are tried with a case below.
            if role in STAFF and (method, path) in by_staff:
                continue
            by_staff |= {(method, path)} if role in STAFF else set()
            token = {"X-CSRF-Token": browser.csrf_token}
            data = {"csrf_token": browser.csrf_token} if method == "POST" and "/api/" not in path else None
            answer = await browser.go(
                method,
                _path(path, case),
                headers=token,
                data=data,
                json={} if method == "POST" and data is None else None,
            )
            assert answer.status < 500 or answer.status == 503, (path, answer.status)
            asked += 1
            if MARK in said_in(await answer.read()) or MARK in str(answer.headers):
                seen.add((role, path))
    assert asked > 300
    assert {path for _, path in seen} == READ_AT
    assert {role for role, _ in seen} <= set(STAFF)
    # Nor to somebody who is not signed in.
    async with ClientSession() as nobody:
        for method, path, _ in lines:
            if method == "GET" and path not in LEFT_OUT:
                async with nobody.get(browser.server.make_url(_path(path, case))) as answer:
                    assert MARK not in said_in(await answer.read())
    # The file itself: by its own address, to nobody outside the bureau.
    for role, name in PEOPLE.items():
        browser.http.cookie_jar.clear()
        await browser.sign_in(name)
        read = await browser.call("GET", f"/review/applications/{case}/files/{file}")
        assert (read.status == 200) == (role in STAFF), role
        page = await browser.go("GET", f"/review/{case}")
        assert (MARK in await page.text()) == (role in STAFF), role
    # What an applicant is told of what was done, and what the timeline of the bureau adds.
    history = await api.call("GET", f"/api/v1/applications/{case}/history", factories.applicant())
    for label in ("备注", "征求意见", "工作文件"):
        assert label not in await history.text()
    told = await api.call("GET", f"/api/v1/review/applications/{case}/case", factories.staff(Role.REVIEWER))
    assert "填写内部备注" in [event["label"] for event in (await told.json())["events"]]
