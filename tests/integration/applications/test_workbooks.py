"""A workbook's way: taken, filled in, compared without a trace, agreed to once, and by nobody else."""

import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from aiohttp import ClientResponse, FormData
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.tables.applications import Audit
from shared.identity import Actor
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()
OTHER = factories.applicant(factories.ENTERPRISE_2)


async def take(api: Api, id: str, who: Actor = WHO, section: str = "") -> ClientResponse:
    return await api.call("GET", f"/api/v1/applications/{id}/workbook", who, params={"section": section})


async def bring(api: Api, id: str, content: bytes, who: Actor = WHO) -> ClientResponse:
    form = FormData()
    form.add_field("file", io.BytesIO(content), filename="填报.xlsx")
    return await api.call("POST", f"/api/v1/applications/{id}/workbook", who, data=form)


async def agree(api: Api, id: str, read: dict[str, Any], who: Actor = WHO, **changes: Any) -> ClientResponse:
    body = {"form_version": read["form_version"], "sections": read["sections"], **changes}
    return await api.call("PUT", f"/api/v1/applications/{id}/workbook/agreed", who, json=body)


async def section(api: Api, id: str, key: str) -> dict[str, Any]:
    found: dict[str, Any] = await (await api.call("GET", f"/api/v1/applications/{id}/sections/{key}", WHO)).json()
    return found


def filled(content: bytes, change: Callable[[Any], None]) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(content))
    change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def contact(book: Any) -> None:
    sheet = book["1.项目联系人"]
    sheet["C3"], sheet["C5"], sheet["C6"] = "工作簿里的项目", "010-58511090", 13800138000


def several(book: Any) -> None:
    contact(book)
    # Fixed rows, a money cell as a number, and one that is no number.
    sheet = next(s for s in book if s.title.endswith("近两年经营情况"))
    sheet["C3"], sheet["D3"], sheet["D4"] = 2025, 1234.5, "约三百万"


@pytest.fixture
async def draft(api: Api, round_id: str) -> str:
    return str((await api.create(WHO, round_id))["id"])


async def test_a_workbook_is_compared_agreed_to_and_kept_as_typed(
    api: Api, draft: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    whole = await take(api, draft)
    assert (whole.status, whole.headers["Cache-Control"]) == (200, "private, no-store")
    content = filled(await whole.read(), several)
    read = await (await bring(api, draft, content)).json()
    assert {c["cell"] for c in read["changes"] if c["sheet"] == "1.项目联系人"} == {"C3", "C5", "C6"}
    assert [(r["cell"], r["code"], r["severity"]) for r in read["remarks"]] == [("D4", "not_money", "wrong")]
    # Nothing was kept by looking.
    assert [(await section(api, draft, key))["draft"] for key in ("contact", "company")] == [None, None]

    # Somebody else's: neither to take, to bring, nor to agree to.
    for answer in (
        await take(api, draft, OTHER),
        await bring(api, draft, content, OTHER),
        await agree(api, draft, read, OTHER),
    ):
        assert answer.status == 404

    kept = await agree(api, draft, read)
    assert kept.status == 200, await kept.text()
    [first, second] = [(await section(api, draft, key))["draft"] for key in ("contact", "company")]
    named = await (await api.call("GET", f"/api/v1/applications/{draft}", WHO)).json()
    assert named["project_name"] == "工作簿里的项目"
    assert (first["project_name"], first["mobile"]) == ("工作簿里的项目", "13800138000")
    assert [(row["row"], row.get("revenue_wan")) for row in second["finance"]] == [
        ("last_year", "1234.50"), ("year_before", "约三百万"),
    ]  # fmt: skip
    # Once: what was compared is not what stands any more. And the same workbook brings nothing new.
    again = await agree(api, draft, read)
    assert (again.status, (await again.json())["type"].rpartition("/")[2]) == (412, "stale")
    assert (await (await bring(api, draft, content)).json())["changes"] == []
    async with sessions() as session:
        rows = await session.scalars(select(Audit.action).where(Audit.application_id == draft))
        assert [action for action in rows if "workbook" in action] == ["take_workbook", "bring_workbook"]


async def test_all_is_kept_or_nothing(api: Api, draft: str) -> None:
    read = await (await bring(api, draft, filled(await (await take(api, draft)).read(), several))).json()
    # Somebody types in one of the materials while another looks at the comparison.
    answer = await api.call(
        "PUT", f"/api/v1/applications/{draft}/sections/company/draft", WHO,
        json={"values": {"org_profile": "同时在网页上写的"}}, headers={"If-Match": '"1"'},
    )  # fmt: skip
    assert answer.status == 200
    assert (await agree(api, draft, read)).status == 412
    assert (await section(api, draft, "contact"))["draft"] is None
    # What is agreed to is looked at like anything typed: unknown materials, keys and versions are refused.
    unknown = [{"key": "nothing", "etag": "1", "values": {}}]
    assert (await agree(api, draft, read, sections=unknown)).status == 404
    strange = [{"key": "contact", "etag": "1", "values": {"strange": 1}}]
    assert (await agree(api, draft, read, sections=strange)).status == 422
    assert (await agree(api, draft, read, form_version=1)).status == 412


async def test_a_workbook_of_another_application_and_of_one_material(api: Api, draft: str, round_id: str) -> None:
    other = str((await api.create(WHO, round_id))["id"])
    theirs = await bring(api, draft, await (await take(api, other)).read())
    assert (theirs.status, (await theirs.json())["type"].rpartition("/")[2]) == (409, "workbook_of_another")
    one = await take(api, draft, section="contact")
    book = openpyxl.load_workbook(io.BytesIO(await one.read()))
    assert book.sheetnames == ["填写说明", "1.项目联系人", "_lists", "_gm"]
    assert (await take(api, draft, section="nothing")).status == 404
    for content, status in ((b"PK\x03\x04 no", 415), (b"a,b\n", 415), (b"x" * (6 << 20), 413)):
        assert (await bring(api, draft, content)).status == status


async def test_a_workbook_after_submission_changes_nothing(api: Api, draft: str) -> None:
    await api.fill(WHO, draft)
    content = filled(await (await take(api, draft)).read(), contact)
    read = await (await bring(api, draft, content)).json()
    assert (await api.submit(WHO, draft)).status == 200
    for answer in (await agree(api, draft, read), await bring(api, draft, content), await take(api, draft)):
        assert (answer.status, (await answer.json())["type"].rpartition("/")[2]) == (409, "wrong_state")
