"""Each role's home is its work, and whoever is signed in stays so on pages that are open to anybody."""

import pytest
from aiohttp.test_utils import TestServer

from tests.integration.gateway.conftest import Browser

PAGE = {"Accept": "text/html"}
CASE = "/applications/6f2d7b0e-0000-4000-8000-000000000001"
# Open to anybody; the last three are no pages at all.
OPEN = (
    "/publicity", "/verify", "/verify/GM2026000001-1-unknown", "/help", "/api/v1/docs", "/unsubscribe/no-such-link", "/nowhere",
    "/idp/nowhere",
)  # fmt: skip
# Somebody else's.
CLOSED = "/review/letters"
HOMES = {
    "shencha": "/review",
    "shending": "/review/ranking",
    "shenji": "/audit",
    "zhuanjia1": "/expert",
    "yewu": "/rounds",
    "bianzhi": "/forms",
    "yunwei": "/ops",
}


async def text(browser: Browser, path: str, **headers: str) -> str:
    return await (await browser.go("GET", path, headers={**PAGE, **headers})).text()


@pytest.mark.parametrize(("username", "home"), HOMES.items())
async def test_staff_come_to_their_work(browser: Browser, username: str, home: str) -> None:
    await browser.sign_in(username)
    entrance = await browser.go("GET", "/", allow_redirects=False)
    assert (entrance.status, entrance.headers["Location"]) == (303, home)
    shown = await browser.go("GET", home, headers=PAGE)
    assert shown.status == 200
    assert f'href="{home}" aria-current="page"' in await shown.text()


async def test_whoever_is_signed_in_keeps_the_menu(browser: Browser, other: Browser) -> None:
    await browser.sign_in("qiye1")
    for path in OPEN:
        assert 'class="who"' in await text(browser, path), path
        assert 'class="who"' not in await text(other, path), path
    refused = await browser.go("GET", CLOSED, headers=PAGE)
    assert refused.status == 403
    assert 'class="who"' in await refused.text()


async def test_the_way_back_is_one_of_our_own(browser: Browser, gateway: TestServer) -> None:
    ours = str(gateway.make_url("/")).rstrip("/")
    for path in ("/publicity", "/verify", "/help", "/api/v1/docs", "/nowhere"):
        assert f'href="{CASE}/view?revision=1"' in await text(
            browser, path, Referer=f"{ours}{CASE}/view?revision=1"
        )
        for foreign in (
            f"http://example.com{CASE}/view",
            f"{ours}.example.com{CASE}/view",
            f'{ours}{CASE}/view?"><script>',
            f"{ours}//example.com/",
            f"{ours}/logout",
            f"javascript:alert(1)//{CASE}",
            "",
        ):
            assert "返回申请" not in await text(browser, path, Referer=foreign), foreign
