"""The public page behind a document's QR code: for anybody, page and JSON, a file is compared and not kept."""

import hashlib
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from aiohttp import ClientSession, FormData
from aiohttp.test_utils import TestServer

from services.gateway.web.context import SERVICES
from tests.integration.gateway.conftest import Browser

JSON = {"Accept": "application/json"}
UNKNOWN = "GM2026000001-1-" + "A" * 86


async def get(gateway: TestServer, path: str, **options: Any) -> tuple[int, str]:
    async with ClientSession() as http, http.get(gateway.make_url(path), **options) as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize(
    ("accept", "json"),
    [
        (None, False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("text/*", False),
        ("application/json", True),
        ("application/json, */*;q=0.5", True),
        ("application/json;q=0.9, text/html", False),
        ("text/html;q=0.5, application/json", True),
        ("application/json;q=0", False),
        ("application/json;q=x", True),
    ],
)
@pytest.mark.parametrize("path", ["/publicity", f"/verify/{UNKNOWN}"])
async def test_a_page_is_a_page_unless_json_is_preferred(
    gateway: TestServer, path: str, accept: str | None, json: bool
) -> None:
    async with ClientSession(skip_auto_headers=["Accept"]) as http:
        headers = {"Accept": accept} if accept else {}
        async with http.get(gateway.make_url(path), headers=headers) as answer:
            assert (answer.status, answer.content_type) == (200, "application/json" if json else "text/html")


async def test_nobody_has_to_sign_in(gateway: TestServer) -> None:
    status, text = await get(gateway, f"/verify/{UNKNOWN}", headers={"Accept": "text/html"})
    assert status == 200
    assert "不存在" in text
    status, text = await get(gateway, f"/verify/{UNKNOWN}", headers=JSON)
    assert (status, '"status":"unknown"' in text.replace(" ", "")) == (200, True)
    status, text = await get(gateway, "/.well-known/gongmei-keys.json")
    assert (status, '"Ed25519"' in text) == (200, True)


async def test_a_typed_code_or_a_pasted_address_leads_on(browser: Browser) -> None:
    for typed in (UNKNOWN, f"http://127.0.0.1:8080/verify/{UNKNOWN}", f" {UNKNOWN[:9]}\n{UNKNOWN[9:]}\u200b "):
        answer = await browser.go("GET", "/verify", params={"token": typed}, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, f"/verify/{UNKNOWN}")
    answer = await browser.go("GET", "/verify", params={"token": '"><script>'})
    text = await answer.text()
    assert "核验码格式不正确" in text
    assert "<script>" not in text
    assert (await browser.go("GET", "/verify")).status == 200


async def test_the_way_back_outlives_what_one_does_here(browser: Browser) -> None:
    back = f"/applications/{uuid4()}/view"
    asked = {"token": UNKNOWN, "back": back}
    answer = await browser.go("GET", "/verify", params=asked, allow_redirects=False)
    kept = f"/verify/{UNKNOWN}?back={quote(back)}"
    assert answer.headers["Location"] == kept
    for path in (f"/verify?token=%22&back={quote(back)}", kept):
        text = await (await browser.go("GET", path)).text()
        assert f'href="{back}"' in text
        assert f'name="back" value="{back}"' in text
    for foreign in ("//example.com/view", "javascript:alert(1)", "/logout", f'{back}"><b>'):
        text = await (await browser.go("GET", "/verify", params={"back": foreign})).text()
        assert "返回申请" not in text
        answer = await browser.go(
            "GET", "/verify", params={"token": UNKNOWN, "back": foreign}, allow_redirects=False
        )
        assert answer.headers["Location"] == f"/verify/{UNKNOWN}"


async def test_a_file_is_hashed_and_compared(browser: Browser) -> None:
    content = uuid4().bytes * 50_000
    form = FormData()
    form.add_field("file", content, filename="申报书.pdf")
    answer = await browser.go("POST", f"/verify/{UNKNOWN}", data=form, headers=JSON)
    assert (answer.status, (await answer.json())["status"]) == (200, "unknown")
    for fields in ({"file": "no file"}, {"other": b"x"}):
        form = FormData()
        for name, value in fields.items():
            form.add_field(name, value, filename=None if name == "file" else "x.pdf")
        answer = await browser.go("POST", f"/verify/{UNKNOWN}", data=form, headers=JSON)
        assert answer.status in {400, 415}, await answer.text()
    answer = await browser.go("POST", f"/verify/{UNKNOWN}", data={"file": "x"}, headers=JSON)
    assert answer.status == 415


async def test_another_site_cannot_send_files_here(browser: Browser) -> None:
    form = FormData()
    form.add_field("file", b"x", filename="x.pdf")
    headers = {**JSON, "Origin": "https://elsewhere.example"}
    assert (await browser.go("POST", f"/verify/{UNKNOWN}", data=form, headers=headers)).status == 403


async def test_the_digest_is_the_files(browser: Browser) -> None:
    """What the service is asked about is the SHA-256 of the very bytes."""
    services = browser.server.app[SERVICES]
    asked: list[Any] = []
    ours = services.tell

    async def listen(
        service: str, path: str, request_id: str, model: Any, query: dict[str, str] | None = None
    ) -> Any:
        asked.append(query)
        return await ours(service, path, request_id, model, query)

    services.tell = listen  # type: ignore[method-assign]
    try:
        content = b"%PDF-1.7 " + uuid4().bytes * 30_000
        form = FormData()
        form.add_field("file", content, filename="x.pdf")
        await browser.go("POST", f"/verify/{UNKNOWN}", data=form, headers=JSON)
    finally:
        del services.tell
    assert asked == [{"file": hashlib.sha256(content).hexdigest()}]
