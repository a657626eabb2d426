"""Papers of a page or two: the receipt is its enterprise's, the case in short is for whoever prepares a meeting and holds no sensitive value, and nothing that is kept from experts."""

from uuid import UUID

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.tables.applications import Application, Audit
from services.documents import rendering
from services.documents.rendering import Press
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.applications.papers import made, told

WHO = factories.applicant()


@pytest.fixture(scope="module")
def press() -> Press:
    return rendering.press()


async def test_receipt_tells_what_was_received_and_when(
    api: Api, server: TestServer, press: Press, submitted: str
) -> None:
    [revision] = await (await api.call("GET", f"/api/v1/applications/{submitted}/revisions", WHO)).json()
    name, pdf = await made(api, server, press, submitted, WHO, "receipt.pdf")
    text, embedded = told(pdf)
    receipt = revision["receipt"]
    assert all(
        said in text for said in (receipt["number"], receipt["signature"], receipt["sha256"], receipt["sm3"])
    )
    assert "申报回执" in text
    assert "13800138000" not in text
    assert embedded == 0
    assert "%E5%9B%9E%E6%89%A7" in name


async def test_case_in_short_holds_sums_and_no_personal_data(
    api: Api, server: TestServer, press: Press, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    reviewer = factories.staff(Role.REVIEWER)
    answer = await api.call("GET", f"/api/v1/applications/{submitted}/revisions/1", WHO)
    sections = (await answer.json())["content"]["sections"]
    _, pdf = await made(api, server, press, submitted, reviewer, "brief.pdf")
    text, embedded = told(pdf)
    assert "项目简表" in text
    assert "景泰蓝国礼" in text
    assert "人民币" in text
    kept = [sections["contact"]["mobile"], sections["fund_plan"]["bank_account"], "lixiang@example.com"]
    assert [value for value in kept if value in text] == []
    assert embedded == 0
    async with sessions.begin() as session:
        query = select(Audit).where(Audit.application_id == UUID(submitted), Audit.actor == reviewer.account)
        assert [(row.action, row.details) for row in await session.scalars(query)] == [
            ("read_pdf", {"submitted": 1, "masked": True})
        ]


@pytest.mark.parametrize(
    ("paper", "role"),
    [
        ("receipt.pdf", Role.REVIEWER),
        ("receipt.pdf", Role.AUDITOR),
        ("brief.pdf", Role.AUDITOR),
        ("brief.pdf", Role.EXPERT),
    ],
)
async def test_papers_are_not_everybodys(api: Api, submitted: str, paper: str, role: Role) -> None:
    answer = await api.call("GET", f"/api/v1/applications/{submitted}/revisions/1/{paper}", factories.staff(role))
    assert answer.status == 403


async def test_receipt_is_no_other_enterprises_and_of_a_revision_that_exists(api: Api, submitted: str) -> None:
    path = f"/api/v1/applications/{submitted}/revisions"
    other = factories.applicant(factories.ENTERPRISE_2)
    assert (await api.call("GET", f"{path}/1/receipt.pdf", other)).status == 404
    assert (await api.call("GET", f"{path}/2/receipt.pdf", WHO)).status == 404
    assert (await api.call("GET", f"{path}/0/receipt.pdf", WHO)).status == 404
    assert (await api.call("GET", f"{path}/1/brief.pdf", WHO)).status == 403


async def test_nothing_is_printed_of_a_forgotten_case(
    api: Api, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    async with sessions.begin() as session:
        await session.execute(update(Application).where(Application.id == UUID(submitted)).values(wrapped_key=b""))
    for paper, who in (("receipt.pdf", WHO), ("brief.pdf", factories.staff(Role.DIRECTOR))):
        answer = await api.call("GET", f"/api/v1/applications/{submitted}/revisions/1/{paper}", who)
        assert answer.status == 409
        assert (await answer.json())["type"].endswith("forgotten")
