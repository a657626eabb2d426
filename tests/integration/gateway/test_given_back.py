"""A form that is given back for another try carries a fresh token only for the account that typed it."""

import re
from html import unescape

import pytest
from aiohttp import ClientResponse

from tests.integration.gateway.conftest import Browser

# Any form page does: nothing of it is reached without the right token.
PAGE = "/expert"
TYPED = {"reason": "与该单位有利害关系"}


def token_in(text: str) -> str:
    found = re.search(
        r'<form method="post" action="/[^"]*"[^>]*>\s*<input type="hidden" name="csrf_token" value="([^"]*)"',
        text.partition("<main")[2],
    )
    assert found is not None, text
    return unescape(found[1])


async def send(browser: Browser, token: str, path: str = PAGE, **headers: str) -> tuple[ClientResponse, str]:
    # As a browser says of a form of our own page.
    headers = {"Sec-Fetch-Site": "same-origin", **headers}
    answer = await browser.go(
        "POST", path, data={"csrf_token": token, **TYPED}, headers=headers, allow_redirects=False
    )
    return answer, await answer.text()


async def again(browser: Browser, username: str) -> str:
    browser.http.cookie_jar.clear()
    await browser.sign_in(username)
    return browser.csrf_token


async def test_the_same_account_gets_its_text_with_a_fresh_token(browser: Browser) -> None:
    old = await again(browser, "zhuanjia1")
    new = await again(browser, "zhuanjia1")
    answer, text = await send(browser, old)
    assert (answer.status, "页面已失效" in text, TYPED["reason"] in text) == (403, True, True)
    answer, text = await send(browser, token_in(text))
    assert answer.status != 403
    assert new.partition(".")[2] == old.partition(".")[2]


@pytest.mark.parametrize("other", ["zhuanjia2", "shencha", "qiye1"])
async def test_another_account_saves_nothing_of_it(browser: Browser, other: str) -> None:
    old = await again(browser, "zhuanjia1")
    await again(browser, other)
    for _ in range(2):
        answer, text = await send(browser, old)
        assert (answer.status, "已登录另一账号" in text, TYPED["reason"] in text) == (403, True, True)
        assert token_in(text) == old
    # A script is told the same.
    answer, text = await send(browser, old, Accept="application/json")
    assert answer.status == 403
    await again(browser, "zhuanjia1")
    answer, text = await send(browser, old)
    assert "页面已失效" in text
    assert (await send(browser, token_in(text)))[0].status != 403


async def test_nobody_signed_in_keeps_the_pages_token(browser: Browser) -> None:
    old = await again(browser, "zhuanjia1")
    browser.http.cookie_jar.clear()
    answer, text = await send(browser, old)
    assert (answer.status, token_in(text), TYPED["reason"] in text) == (401, old, True)


@pytest.mark.parametrize("forged", ["", "x", "x" * 43, "."])
async def test_a_forged_form_is_never_given_a_token(browser: Browser, forged: str) -> None:
    mine = await again(browser, "zhuanjia1")
    for site in ("same-origin", "same-site", "cross-site"):
        answer, text = await send(browser, forged, **{"Sec-Fetch-Site": site})
        assert answer.status == 403
        # The page's own frame has it, as every page.
        given_back = text.partition("<main")[2].partition("</main>")[0]
        assert mine not in given_back
        if site == "same-origin":
            assert token_in(text) == forged
