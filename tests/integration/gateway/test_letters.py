"""发文登记簿: who was written to, under which number, for the bureau to look at and to take along."""

import csv
import io

from aiohttp.test_utils import TestServer
from sqlalchemy import select

from services.applications.core.context import SESSIONS
from services.gateway.accounts.models import Audit
from services.gateway.web.context import DATABASE
from tests.integration.applications.test_letters import issue
from tests.integration.gateway.conftest import Browser
from tests.integration.gateway.test_sign_out import draft_of


async def test_register_is_shown_and_exported(
    browser: Browser, other: Browser, gateway: TestServer, applications: TestServer
) -> None:
    await browser.sign_in("shencha")
    assert "没有符合条件的公文" in await (await browser.go("GET", "/review/letters?series=京工美无")).text()
    await other.sign_in("qiye1")
    sessions = applications.app[SESSIONS]
    id = await draft_of(other)
    references = [await issue(sessions, id, which) for which in ("return", "reject")]
    page = await (await browser.go("GET", "/review/letters")).text()
    assert page.index(references[1]) < page.index(references[0])
    only = await (await browser.go("GET", "/review/letters?series=京工美复")).text()
    assert references[1] in only
    assert references[0] not in only
    form = {"csrf_token": browser.csrf_token, "series": "京工美补", "year": ""}
    answer = await browser.go("POST", "/review/letters/export", data=form)
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO((await answer.read()).decode("utf-8-sig"))))
    assert [row["文号"] for row in rows][:1] == references[:1]
    assert {row["公文种类"] for row in rows} == {"退回补正通知书"}
    async with gateway.app[DATABASE].begin() as session:
        query = select(Audit.subject).where(Audit.action == "letters_exported")
        assert (await session.scalars(query)).all() == ["stub-shencha"]


async def test_register_is_not_for_applicants(browser: Browser) -> None:
    await browser.sign_in("qiye1")
    assert (await browser.go("GET", "/review/letters")).status == 403
    form = {"csrf_token": browser.csrf_token}
    assert (await browser.go("POST", "/review/letters/export", data=form)).status == 403
