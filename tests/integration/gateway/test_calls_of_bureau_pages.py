"""How often services ask each other for one page of the bureau: counted where the real services answer."""

import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from sqlalchemy import select

from services.applications.core.peers import PROFILES
from services.gateway.accounts.models import Account
from services.gateway.web.context import DATABASE
from shared.http.app import REQUESTS
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.gateway.conftest import Browser

REVIEWER = factories.staff(Role.REVIEWER)
CASE = "applications GET /api/v1/review/applications/{id}/case"
DELIVERIES = "notify GET /internal/deliveries"
PROFILE = "gateway GET /internal/profiles/{account}"
# What services ask each other for nobody's page, every few seconds.
BESIDE = ("/internal/switches", "/internal/audit-heads")
Calls = dict[str, int]


def answered() -> Calls:
    """How often every route of every service has answered other services so far, for somebody's sake."""
    found: Calls = {}
    for metric in REQUESTS.collect():
        for sample in metric.samples:
            path = sample.labels.get("route", "")
            if (
                not sample.name.endswith("_total")
                or not path.startswith(("/api/", "/internal/"))
                or path in BESIDE
            ):
                continue
            route = f"{sample.labels['service']} {sample.labels['method']} {path}"
            found[route] = found.get(route, 0) + int(sample.value)
    return found


async def calls_of(person: Browser, path: str) -> Calls:
    """What services asked each other for one page."""
    before = answered()
    shown = await person.go("GET", path)
    assert shown.status == 200, await shown.text()
    return {route: n - before.get(route, 0) for route, n in answered().items() if n > before.get(route, 0)}


@pytest.fixture
async def api(applications: TestServer) -> AsyncIterator[Api]:
    async with ClientSession() as http:
        yield Api(http, applications)


@pytest.fixture
async def corrected(api: Api, gateway: TestServer) -> str:
    """A case of an account that has signed in, with values from the registry; returned, corrected and submitted again; its id."""
    person = Browser(gateway)
    await person.sign_in("qiye1")
    await person.http.close()
    async with gateway.app[DATABASE].begin() as session:
        account = await session.scalar(select(Account.id).where(Account.enterprise == factories.ENTERPRISE_1[0]))
    who = factories.applicant().model_copy(update={"account": str(account)})
    rounds = await (await api.call("GET", "/api/v1/rounds", who)).json()
    id = (await api.create(who, next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward")))[
        "id"
    ]
    await api.fill(who, id)
    assert (await api.submit(who, id)).status == 200
    opinion = {"section": "company", "field": "registered_address", "text": "请核对注册地址。"}
    assert (await api.act(REVIEWER, id, "return", opinions=[opinion], working_days=10)).status == 200
    for said in await (await api.call("GET", f"/api/v1/applications/{id}/opinions", who)).json():
        path = f"/api/v1/applications/{id}/opinions/{said['id']}"
        assert (await api.call("PUT", path, who, json={"reply": "已核对"})).status == 200
    assert (await api.submit(who, id)).status == 200
    return str(id)


async def test_a_case_is_one_question_and_what_notify_knows(
    browser: Browser, applications: TestServer, corrected: str
) -> None:
    await browser.sign_in("shencha")
    applications.app[PROFILES]._known.clear()
    # What the registry says now is asked for once a minute, however many look.
    assert await calls_of(browser, f"/review/{corrected}") == {CASE: 1, DELIVERIES: 1, PROFILE: 1}
    assert await calls_of(browser, f"/review/{corrected}") == {CASE: 1, DELIVERIES: 1}
    writing = await calls_of(browser, f"/review/{corrected}?opine=company.registered_address")
    assert writing == {CASE: 1, DELIVERIES: 1}


async def test_the_queue_is_one_question(browser: Browser, corrected: str) -> None:
    await browser.sign_in("shencha")
    assert await calls_of(browser, "/review?state=pending_acceptance") == {
        "applications GET /api/v1/review/queue": 1
    }
    # Filters that make no sense are no reason to ask more often.
    before = answered()
    refused = await browser.go("GET", "/review?min_wan=许多")
    assert refused.status == 400
    assert "金额应为" in await refused.text()
    assert sum(answered().values()) - sum(before.values()) == 1
    # A view that one keeps is a tab, marked where one is; a heading sorts, and turns round what it has sorted.
    kept = {"csrf_token": browser.csrf_token, "name": "金额<大>"}
    await browser.go("POST", "/review/filters?state=pending_acceptance&order=-amount", data=kept)
    text = await (await browser.go("GET", "/review?state=pending_acceptance&order=-amount")).text()
    assert re.search(r'<a class="own" href="[^"]*" aria-current="page">金额&lt;大&gt;</a>', text)
    assert text.count('aria-current="page"') == 2  # the menu's, and the view's
    assert re.search(r'aria-sort="descending"><a href="/review\?state=pending_acceptance&amp;order=amount"', text)
    assert (await browser.go("GET", "/review?order=wrapped_key")).status == 400
    long = await browser.go("POST", "/review/filters?order=newest", data={**kept, "name": "名" * 10_000})
    assert (long.status, "请填写名称，1 至 40 字" in await long.text()) == (400, True)


async def test_a_return_is_written_after_one_question(api: Api, browser: Browser, corrected: str) -> None:
    await browser.sign_in("shencha")
    asked = await calls_of(browser, f"/review/{corrected}/return")
    assert asked == {"applications GET /api/v1/review/applications/{id}/return": 1}
    # Beside its case it is refused, and looked at, where it was written; what was typed is still there.
    token = {"csrf_token": browser.csrf_token}
    await browser.go("POST", f"/review/{corrected}/lease", data=token)
    await browser.go("POST", f"/review/{corrected}/opinions", data={**token, "place": "", "text": "<b>请核对</b>"})
    page = await (await browser.go("GET", f"/review/{corrected}")).text()
    [noted] = re.findall(r'name="(noted\.[0-9a-f-]{36})"', page)
    [etag] = re.findall(r'name="etag" value="(\d+)"><input type="hidden" name="panel"', page)
    written = {**token, "panel": "1", "etag": etag, noted: "另请核对", "unlock": "company"}
    for changes, status, said in (
        ({"action": "preview", "working_days": "", "correct_by": "2026-13-45"}, 409, "请选择补正期限。"),
        ({"action": "preview", "working_days": "9999"}, 409, "工作日数应为 1 至 120。"),
        ({"action": "send", "working_days": "10", "etag": "0"}, 409, "请核对后重试"),
        ({"action": "send", "working_days": "10", noted: " "}, 409, "请填写已记录的意见，或删除该条意见。"),
        ({"action": "forget:nonsense"}, 404, "未找到"),
        ({"action": "preview", "working_days": "10"}, 200, 'id="preview"'),
    ):
        answer = await browser.go("POST", f"/review/{corrected}/return", data={**written, **changes})
        text = await answer.text()
        assert (answer.status, said in text) == (status, True), (changes, text)
        if status != 404:
            assert 'data-panel="' in text, changes
            assert re.search(r'value="company" checked', text), changes
    assert "另请核对</textarea>" in text


async def test_an_experts_case_is_one_question(api: Api, browser: Browser, other: Browser, corrected: str) -> None:
    for action in ("accept", "pass"):
        assert (await api.act(REVIEWER, corrected, action)).status == 200
    await browser.sign_in("shencha")
    choices = await browser.call("GET", f"/review/applications/{corrected}/experts")
    given = {"experts": [choice["account"] for choice in (await choices.json())["choices"]]}
    etag = {"If-Match": await api.etag(REVIEWER, corrected)}
    path = f"/review/applications/{corrected}/experts"
    assert (await browser.call("PUT", path, json=given, headers=etag)).status == 200
    await other.sign_in("zhuanjia1")
    asked = await calls_of(other, f"/expert/{corrected}")
    assert asked == {"applications GET /api/v1/expert/applications/{id}/case": 1}
    # Whoever may give it to experts is told who they are, without a question more.
    assert (await calls_of(browser, f"/review/{corrected}")).keys() <= {CASE, DELIVERIES, PROFILE}


async def test_no_other_page_of_the_bureau_asks_more_than_twice(browser: Browser) -> None:
    pages = {
        "shencha": ("/review/ranking", "/review/batches", "/review/letters", "/review/phrases", "/notices/parked"),
        "shending": ("/review?order=oldest", "/review/ranking"),
        "zhuanjia1": ("/expert",),
        "yunwei": ("/ops", "/rounds"),
        "yewu": ("/rounds", "/rounds/new"),
        "shenji": ("/audit?source=applications", "/audit?source=accounts"),
    }
    for username, paths in pages.items():
        person = Browser(browser.server)
        await person.sign_in(username)
        for path in paths:
            assert sum((await calls_of(person, path)).values()) <= 2, path
        await person.http.close()
