"""The audit of accounts, its page and its export."""

import asyncio
import csv
import io

from aiohttp.test_utils import TestServer

from services.gateway.accounts.models import AUDIT
from services.gateway.web.context import DATABASE, SETTINGS
from services.gateway.web.csv_file import _cell
from shared import clock
from shared.audit import chain
from tests.integration.gateway.conftest import Browser


async def test_auditor_reads_filters_and_exports(browser: Browser, other: Browser) -> None:
    await other.sign_in("qiye1", anew=True)
    await other.send_form(await Browser.to_form(other), "qiye1")
    await browser.sign_in("shenji", anew=True)
    page = await (await browser.go("GET", "/audit?actor=stub-qiye1&action=sign_in")).text()
    assert "stub-qiye1" in page
    assert "127.0.0.1" in page
    # A person by name and unit, and found by either.
    assert "李响<br>北京燕京景泰蓝工艺品有限公司" in page
    for known in ("李响", "北京燕京景泰蓝工艺品有限公司"):
        found = await (await browser.go("GET", f"/audit?actor={known}&action=sign_in")).text()
        assert "stub-qiye1" in found, known
    assert "没有符合条件的记录" in await (await browser.go("GET", "/audit?actor=张三&action=sign_in")).text()
    assert "登录失败" not in page.split("<tbody>")[1]
    today = clock.today().isoformat()
    empty = await (await browser.go("GET", "/audit?from=2020-01-01&to=2020-01-02")).text()
    assert "没有符合条件的记录" in empty
    for query in ("from=today", "source=everything", "cursor=x"):
        assert (await browser.go("GET", f"/audit?{query}")).status == 400
    form = {"csrf_token": browser.csrf_token, "source": "accounts", "from": today, "to": today}
    answer = await browser.go("POST", "/audit/export", data=form)
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO((await answer.read()).decode("utf-8-sig"))))
    assert {"sign_in"} <= {row["action"] for row in rows}
    again = await (await browser.call("GET", "/audit/accounts?action=audit_exported")).json()
    assert again["items"][0]["actor"] == "stub-shenji"


async def test_auditor_reads_what_happened_to_applications(browser: Browser, other: Browser) -> None:
    await other.sign_in("qiye1", anew=True)
    rounds = await (await other.call("GET", "/rounds")).json()
    made = await other.call(
        "POST",
        "/applications",
        json={"round_id": next(r["id"] for r in rounds if r["is_open"])},
        headers={"Idempotency-Key": "an-audited-one"},
    )
    id = (await made.json())["id"]
    await browser.sign_in("shenji", anew=True)
    page = await (await browser.go("GET", f"/audit?source=applications&application={id}")).text()
    assert "新增项目" in page
    assert id in await (await browser.go("GET", "/audit?source=applications&actor=李响")).text()
    # From where: the browser's address came along to the service.
    assert "127.0.0.1" in page.split("<tbody>")[1]


async def test_refusals_are_recorded(browser: Browser, other: Browser) -> None:
    await other.sign_in("qiye1", anew=True)
    assert (await other.go("GET", "/ops")).status == 403
    assert (await other.call("GET", "/ops/overview")).status == 403
    assert (await other.call("GET", "/audit")).status == 403
    await browser.sign_in("shenji", anew=True)
    found = (await (await browser.call("GET", "/audit/accounts?actor=stub-qiye1&action=access_refused")).json())[
        "items"
    ]
    assert [(r["result"], r["details"]["route"]) for r in found[:3]] == [
        ("refused", "/api/v1/audit"),
        ("refused", "/api/v1/ops/overview"),
        ("refused", "/ops"),
    ]


async def _sealed(gateway: TestServer, key: bytes) -> chain.Verdict:
    async with gateway.app[DATABASE].begin() as session:
        while await chain.seal(session, AUDIT, key):
            pass
        return await chain.verify(session, AUDIT, key)


async def test_chain_holds_and_its_fault_is_named(browser: Browser, gateway: TestServer) -> None:
    await browser.sign_in("qiye1", anew=True)
    key = gateway.app[SETTINGS].audit_key
    async with asyncio.timeout(20):
        # The gateway's own sequencer may be at it.
        while not (verdict := await _sealed(gateway, key)).links:
            await asyncio.sleep(0.05)
    assert verdict.fault is None
    async with gateway.app[DATABASE].begin() as session:
        assert (
            await chain.verify(session, AUDIT, key, ["1:00"])
        ).fault == "第 1 环（审计记录 1）：与此前记下的不符"


def test_exported_cells_run_nothing() -> None:
    for text in ("=1+1", "+1", "@SUM(A1)", "-2+3", "\tx", "\r=1"):
        assert _cell(text).startswith("'")
    assert (_cell("普通"), _cell(None), _cell({"a": 1}), _cell("-")) == ("普通", "", '{"a": 1}', "-")
