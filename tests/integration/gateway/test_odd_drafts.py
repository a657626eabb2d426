"""Whatever an API client left in a 暂存, the section's page opens and shows it as far as it can be shown."""

from typing import Any
from uuid import uuid4

import pytest

from tests.integration.gateway.conftest import Browser

ODD: list[Any] = [
    5,
    1.5,
    True,
    "x",
    [1],
    ["x", {"y": 1}],
    {"a": 1},
    [{"row": ["x"], "id": {}}],
    [{"id": 7, "amount_wan": {}}],
    [None],
]


@pytest.mark.parametrize("shift", range(0, len(ODD), 3))
async def test_a_page_opens_whatever_was_kept(browser: Browser, shift: int) -> None:
    await browser.sign_in("qiye1")
    rounds = await (await browser.call("GET", "/rounds")).json()
    round_id = next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "subsidy")
    made = await browser.call(
        "POST", "/applications", json={"round_id": round_id}, headers={"Idempotency-Key": uuid4().hex}
    )
    application = await made.json()
    form = await (await browser.call("GET", "/forms/subsidy/1")).json()
    for section in form["sections"]:
        keys = [p["key"] for kind in ("fields", "tables", "slots") for p in section[kind]]
        path = f"/applications/{application['id']}/sections/{section['key']}"
        etag = (await (await browser.call("GET", path)).json())["etag"]
        kept = await browser.call(
            "PUT",
            f"{path}/draft",
            json={"values": {key: ODD[(n + shift) % len(ODD)] for n, key in enumerate(keys)}},
            headers={"If-Match": etag},
        )
        assert kept.status in (200, 422), await kept.text()
        page = await browser.go("GET", path)
        assert page.status == 200, (section["key"], shift)
        assert section["title"] in await page.text()
    for path in ("", "/submit", "/checks"):
        assert (await browser.go("GET", f"/applications/{application['id']}{path}")).status == 200, path
