"""How often services ask each other for one page of the applicant: counted where the real services answer."""

import re
from html import unescape

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestServer

from services.applications.core.peers import PROFILES as KNOWN_THERE
from services.gateway.form import common_returns
from services.gateway.form.common_returns import COMMON_RETURNS
from services.gateway.form.page_after import PAGES_AFTER
from services.gateway.web import calls
from services.gateway.web.profiles import PROFILES
from shared.errors import DomainError, NotFound, Unavailable
from tests.integration.gateway.conftest import Browser
from tests.integration.gateway.test_calls_of_bureau_pages import Calls, answered

S = "/api/v1/applications/{id}/sections/{key}"
PAGE, SAVED, KEPT = (f"applications {route}" for route in (f"GET {S}/page", f"PUT {S}/page", f"PUT {S}/draft"))
FORM = "applications GET /api/v1/forms/{fund_type}/{version}"
RETURNS = "applications GET /api/v1/common-returns/{fund_type}"


async def begun(browser: Browser) -> str:
    """A draft of one's own; its address."""
    await browser.sign_in("qiye1")
    rounds = await (await browser.call("GET", "/rounds")).json()
    chosen = next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "reward")
    headers = {"Idempotency-Key": f"count-{chosen}"}
    made = await browser.call("POST", "/applications", json={"round_id": chosen}, headers=headers)
    return f"/applications/{(await made.json())['id']}"


def fields(page: str) -> dict[str, str]:
    """The hidden fields of the page's own form."""
    form = page[page.index("data-form") :]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found}


def multipart(values: dict[str, str]) -> FormData:
    form = FormData(default_to_multipart=True)
    for name, value in values.items():
        form.add_field(name, value)
    return form


async def counted(
    browser: Browser, method: str, path: str, values: dict[str, str] | None = None
) -> tuple[Calls, str]:
    """What services asked each other until the page is there, and the page."""
    before = answered()
    data = multipart(values) if values else None
    shown = await browser.go(method, path, data=data)
    text = await shown.text()
    assert shown.status == 200, text
    return {route: n - before.get(route, 0) for route, n in answered().items() if n > before.get(route, 0)}, text


async def test_a_form_page_is_one_question(browser: Browser, gateway: TestServer) -> None:
    here = await begun(browser)
    calls._FORMS.clear()
    gateway.app[PROFILES]._known.clear()
    gateway.app[COMMON_RETURNS]._known.clear()
    # The definition is asked for once a process, reasons of earlier returns once an hour; the profile travels with the call.
    assert (await counted(browser, "GET", f"{here}/sections/contact"))[0] == {PAGE: 1, FORM: 1, RETURNS: 1}
    assert (await counted(browser, "GET", f"{here}/sections/company"))[0] == {PAGE: 1}


@pytest.mark.parametrize("error", [NotFound, Unavailable])
async def test_a_form_is_shown_where_reasons_of_earlier_returns_cannot_be_had(
    browser: Browser, gateway: TestServer, monkeypatch: pytest.MonkeyPatch, error: type[DomainError]
) -> None:
    """Away, or of the release before, which is not asked."""

    async def refused(*_: object) -> None:
        raise error

    here = await begun(browser)
    gateway.app[COMMON_RETURNS]._known.clear()
    monkeypatch.setattr(common_returns, "ask", refused)
    asked, page = await counted(browser, "GET", f"{here}/sections/contact")
    assert "联系电话" in page
    assert RETURNS not in asked


async def test_saving_and_the_page_after_it_are_one_question(
    browser: Browser, gateway: TestServer, applications: TestServer
) -> None:
    here = f"{await begun(browser)}/sections/social_benefit"
    shown = (await counted(browser, "GET", here))[1]
    # Whatever was known before: nobody asks the gateway back.
    applications.app[KNOWN_THERE]._known.clear()
    typed = {
        **fields(shown),
        "f.social_benefit": "带动二十名青年学艺，保护国家级非物质文化遗产项目。",
        "action": "save",
    }
    asked, after = await counted(browser, "POST", here, typed)
    assert "已保存表单。" in after
    assert asked == {SAVED: 1}
    refused = {**fields(after), "f.social_benefit": "", "action": "save"}
    asked, after = await counted(browser, "POST", here, refused)
    assert "所填内容已为您暂存" in after
    assert asked == {SAVED: 1}
    # Another process of the gateway, which has nothing at hand, asks for the page.
    again = {
        **fields(after),
        "f.social_benefit": "带动三十名青年学艺，保护国家级非物质文化遗产项目。",
        "action": "save",
    }
    saved = await browser.go("POST", here, data=multipart(again), allow_redirects=False)
    gateway.app[PAGES_AFTER]._known.clear()
    asked, after = await counted(browser, "GET", saved.headers["Location"].partition("#")[0])
    assert "已保存表单。" in after
    assert asked == {PAGE: 1}


async def test_a_page_that_was_saved_is_shown_once(browser: Browser) -> None:
    """Whoever loads it again sees what is there by then."""
    here = f"{await begun(browser)}/sections/social_benefit"
    shown = (await counted(browser, "GET", here))[1]
    await counted(browser, "POST", here, {**fields(shown), "f.social_benefit": "第一次", "action": "save"})
    assert (await counted(browser, "GET", f"{here}?done=saved"))[0] == {PAGE: 1}


async def test_autosave_is_one_question(browser: Browser) -> None:
    here = f"{await begun(browser)}/sections/contact"
    shown = (await counted(browser, "GET", here))[1]
    typed = multipart({**fields(shown), "f.email": "li@example.com", "action": "draft"})
    before = answered()
    kept = await browser.go("POST", here, data=typed, headers={"Accept": "application/json"})
    assert kept.status == 200, await kept.text()
    assert {route: n - before.get(route, 0) for route, n in answered().items() if n > before.get(route, 0)} == {
        KEPT: 1
    }


async def test_my_projects_and_reading_and_submitting(browser: Browser) -> None:
    here = await begun(browser)
    listed, _ = await counted(browser, "GET", "/projects")
    assert listed == {"applications GET /api/v1/applications": 1}
    # Whoever comes first asks for the form too, which the gateway keeps.
    await browser.go("GET", f"{here}/submit")
    confirm, _ = await counted(browser, "GET", f"{here}/submit")
    assert confirm == {"applications GET /api/v1/applications/{id}/submission/page": 1}
    read, _ = await counted(browser, "GET", f"{here}/view")
    # What became of notices is notify's.
    assert read == {"applications GET /api/v1/applications/{id}/page": 1, "notify GET /internal/deliveries": 1}
