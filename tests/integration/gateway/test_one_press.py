"""保存并提交申请: while people stand in line, one press suffices where nothing else is open."""

from uuid import uuid4

import pytest
from aiohttp.test_utils import TestServer

from services.gateway.web.context import BROWSER_SESSIONS
from services.gateway.web.line import LINE
from shared.overload.crowd import Crowd
from tests.integration.gateway.conftest import Browser
from tests.integration.gateway.test_calls_of_applicants_pages import fields, multipart
from tests.integration.gateway.test_registry import fill, section, write

LAST = "social_benefit"
BUTTON = 'value="submit">保存并提交申请'


@pytest.fixture
def crowded(gateway: TestServer, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    """A line that stands and moves nobody."""
    people = Crowd()
    people.level.value = 1000
    monkeypatch.setattr(people, "judge", lambda now: None)
    monkeypatch.setattr(gateway.app[LINE], "crowd", people)
    return people


async def ready(browser: Browser) -> str:
    """An application with everything saved but a newer 暂存 of the last material; its id."""
    await browser.sign_in("qiye1")
    rounds = await (await browser.call("GET", "/rounds")).json()
    chosen = next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward")
    headers = {"Idempotency-Key": uuid4().hex}
    made = await browser.call("POST", "/applications", json={"round_id": chosen}, headers=headers)
    id = str((await made.json())["id"])
    await fill(browser, id)
    await keep(browser, id, LAST)
    return id


async def keep(browser: Browser, id: str, key: str) -> None:
    """A 暂存 that is newer than what is saved."""
    await write(browser, id, key, (await section(browser, id, key))["saved"], draft=True)


async def opened(browser: Browser, id: str) -> str:
    page = await browser.go("GET", f"/applications/{id}/sections/{LAST}")
    assert page.status == 200
    return await page.text()


async def press(
    browser: Browser, id: str, page: str, text: str, accept: str = "text/html"
) -> tuple[int, str, str]:
    """保存并提交申请: status, where one is sent, and what is shown there."""
    typed = {**fields(page), "f.social_benefit": text, "action": "submit"}
    path = f"/applications/{id}/sections/{LAST}"
    answer = await browser.go("POST", path, data=multipart(typed), headers={"Accept": accept})
    return answer.status, answer.url.path, await answer.text()


async def state(browser: Browser, id: str) -> str:
    return str((await (await browser.call("GET", f"/applications/{id}")).json())["state"])


async def test_one_press_saves_and_submits(browser: Browser, crowded: Crowd) -> None:
    id = await ready(browser)
    page = await opened(browser, id)
    assert BUTTON in page
    assert "项目一经提交将不允许修改" in page
    status, where, shown = await press(browser, id, page, "带动三十名青年学艺。")
    assert (status, where) == (200, f"/applications/{id}/receipt/1"), shown
    assert await state(browser, id) == "pending_acceptance"
    sent = await (await browser.call("GET", f"/applications/{id}/revisions/1")).json()
    assert "带动三十名青年学艺。" in str(sent)
    # The same page once more, from another tab or by the back button: nothing happens twice, and what was typed is shown.
    status, _, shown = await press(browser, id, page, "又写了一句。")
    assert status in {409, 412}
    assert "又写了一句。" in shown
    assert await state(browser, id) == "pending_acceptance"


async def test_one_press_by_a_script_says_where_to_go(browser: Browser, crowded: Crowd) -> None:
    id = await ready(browser)
    status, _, told = await press(browser, id, await opened(browser, id), "由脚本提交。", "application/json")
    assert status == 200
    assert f"/applications/{id}/receipt/1" in told


async def test_what_does_not_hold_is_kept_and_said(browser: Browser, crowded: Crowd) -> None:
    """Everything else is saved, and this material is not right: it stays a 暂存, and nothing is submitted."""
    id = await ready(browser)
    status, where, shown = await press(browser, id, await opened(browser, id), "")
    assert (status, where) == (200, f"/applications/{id}/sections/{LAST}")
    assert "所填内容已为您暂存" in shown
    assert await state(browser, id) == "draft"


async def test_a_check_that_fails_leads_to_the_page_that_says_so(
    browser: Browser, crowded: Crowd, gateway: TestServer
) -> None:
    """All is saved, but amounts do not agree: there is no such button; whoever had the page from before is told the reason, and
    goes with everybody else from then on."""
    id = await ready(browser)
    page = await opened(browser, id)
    plan = (await section(browser, id, "fund_plan"))["saved"]
    await write(browser, id, "fund_plan", {**plan, "applied_total_wan": "0.01"})
    assert BUTTON not in await opened(browser, id)
    status, where, shown = await press(browser, id, page, "金额不一致的一份。")
    assert (status, where) == (200, f"/applications/{id}/submit"), shown
    assert "暂不能提交" in shown
    assert await state(browser, id) == "draft"
    assert (await section(browser, id, LAST))["saved"]["social_benefit"] == "金额不一致的一份。"
    session = await gateway.app[BROWSER_SESSIONS].find(browser.cookie())
    assert session is not None
    crowded.level.value = 0
    crowded._inside.clear()
    browser.http.cookie_jar.clear(lambda cookie: cookie.key == "gm_place")
    assert (await browser.go("GET", f"/applications/{id}/submit")).status == 503


async def test_on_a_normal_day_it_is_saved_first_and_then_looked_over(
    browser: Browser, gateway: TestServer
) -> None:
    id = await ready(browser)
    assert not gateway.app[LINE].crowd.line_stands
    assert BUTTON not in await opened(browser, id)


async def test_not_while_another_material_is_not_saved(browser: Browser, crowded: Crowd) -> None:
    id = await ready(browser)
    await keep(browser, id, "contact")
    assert BUTTON not in await opened(browser, id)


async def test_who_has_saved_everything_opens_the_page_whose_arrival_counts(
    browser: Browser, crowded: Crowd
) -> None:
    id = await ready(browser)
    await write(browser, id, LAST, (await section(browser, id, LAST))["saved"])
    assert BUTTON not in await opened(browser, id)


async def test_nobody_elses_application(browser: Browser, other: Browser, crowded: Crowd) -> None:
    id = await ready(browser)
    page = await opened(browser, id)
    await other.sign_in("qiye2")
    stolen = page.replace(fields(page)["csrf_token"], other.csrf_token)
    assert (await press(other, id, stolen, "不是自己的。"))[0] == 404
    assert (await press(other, id, page, "也没有令牌。"))[0] == 403
    assert await state(browser, id) == "draft"
