"""卷宗 from a case's page to its list: asked for once, stopped, switched off."""

import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.gateway.conftest import Browser


@pytest.fixture
async def case(applications: TestServer) -> AsyncIterator[str]:
    async with ClientSession() as http:
        api, who = Api(http, applications), factories.applicant()
        rounds = await (await api.call("GET", "/api/v1/rounds", who)).json()
        open_ = next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward")
        id = str((await api.create(who, open_))["id"])
        await api.fill(who, id)
        assert (await api.submit(who, id)).status == 200
        yield id


async def test_a_case_file_is_asked_for_on_the_cases_page(browser: Browser, other: Browser, case: str) -> None:
    await browser.sign_in("shencha")
    page = await (await browser.go("GET", f"/review/{case}")).text()
    assert (
        f'<input type="hidden" name="application" value="{case}"><button class="quiet">生成卷宗</button>' in page
    )
    token = {"csrf_token": browser.csrf_token}
    for _ in range(2):
        listed = await (await browser.go("POST", "/review/dossiers", data={**token, "application": case})).text()
        assert "已开始生成卷宗" in listed
    assert listed.count(f'href="/review/{case}"') == 1
    assert "等待生成" in listed
    [id] = set(re.findall(r'action="/review/dossiers/([0-9a-f-]{36})/stop"', listed))
    for data, said in (({}, "请指定"), ({"round": case}, "没有这个申报批次"), ({"application": "x"}, "")):
        refused = await browser.go("POST", "/review/dossiers", data={**token, **data})
        assert (refused.status, said in await refused.text()) == (409, True)
    assert "卷宗已停止或删除" in await (await browser.go("POST", f"/review/dossiers/{id}/stop", data=token)).text()
    again = await browser.go("POST", f"/review/dossiers/{id}/stop", data=token)
    assert (again.status, "该卷宗已经结束" in await again.text()) == (409, True)
    # Nobody else finds it, and without the form's token nothing is asked for.
    await other.sign_in("shenji")
    assert (await other.go("GET", "/review/dossiers")).status == 403
    assert ">生成卷宗</button>" not in await (await other.go("GET", f"/review/{case}")).text()
    assert (await browser.go("POST", "/review/dossiers", data={"application": case})).status == 403
