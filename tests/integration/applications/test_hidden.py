"""What a condition hid in a revision exists nowhere: not for the reviewer, the expert, in the PDF or as a place for an opinion."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.forms.catalogue import form
from services.applications.tables.applications import Document
from services.applications.tables.decision import Assessment
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.applications.test_bad_input import problem

WHO, REVIEWER = factories.applicant(), factories.staff(Role.REVIEWER)
EXPERT = factories.staff(Role.EXPERT, "孙专家")
# 补助类 asks for these of platforms alone.
PLATFORM_ONLY = ("served_firms", "platform_staff", "site_proof")
DEFINITION = form("subsidy", 1).by_key["project_content"]
HIDDEN = {part.key: part.label for part in (*DEFINITION.fields, *DEFINITION.slots) if part.key in PLATFORM_ONLY}


async def filled(api: Api, id: str, direction: str) -> None:
    files = {
        slot: [await api.upload(WHO, id, section, slot)] for slot, section in factories.SLOTS["subsidy"].items()
    }
    for key, values in factories.values_of("subsidy", files, direction=direction).items():
        await api.save(WHO, id, key, values)


@pytest.fixture
async def production(api: Api) -> str:
    """A 补助类 application that is no platform."""
    rounds = await (await api.call("GET", "/api/v1/rounds", WHO)).json()
    created = await api.create(WHO, next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "subsidy"))
    await filled(api, created["id"], factories.PRODUCTION)
    answer = await api.submit(WHO, created["id"])
    assert answer.status == 200, await answer.text()
    return str(created["id"])


async def test_nothing_hidden_is_shown_or_can_be_spoken_of(
    api: Api, sessions: async_sessionmaker[AsyncSession], production: str
) -> None:
    assert len(HIDDEN) == len(PLATFORM_ONLY)
    path = f"/api/v1/review/applications/{production}"
    await api.call("POST", f"{path}/lease", REVIEWER)
    async with sessions.begin() as session:
        session.add(
            Assessment(
                application_id=UUID(production),
                account=EXPERT.account,
                name=EXPERT.name,
                sheet="standard/1",
                assigned_by="",
            )
        )
    read: dict[str, Any] = {}
    for who, at in (
        (WHO, f"/api/v1/applications/{production}/page"),
        (REVIEWER, f"{path}/case?opinion=1"),
        (REVIEWER, f"{path}/return"),
        (EXPERT, f"/api/v1/expert/applications/{production}/case"),
    ):
        answer = await api.call("GET", at, who)
        assert answer.status == 200, at
        read[at] = await answer.json()
    async with sessions() as session:
        paper = await session.scalar(select(Document.id).where(Document.application_id == UUID(production)))
    model = await api.call("GET", f"/internal/documents/{paper}/model", service="documents")
    assert model.status == 200
    for key, label in HIDDEN.items():
        for at, page in read.items():
            assert label not in str(page.get("materials", page)) + str(page.get("writing")), (at, label)
        assert label not in await model.text(), key
        # A request that was made by hand.
        opinion = {"section": "project_content", "field": key, "text": "请补充"}
        refused = await problem(await api.call("POST", f"{path}/opinions", REVIEWER, json=opinion), 422, "invalid")
        assert [(e["field"], e["code"]) for e in refused["errors"]] == [("opinions.0.field", "not_in_revision")]
        for action in ("return", "return/preview"):
            answer = await api.act(REVIEWER, production, action, working_days=5, opinions=[opinion])
            assert (await problem(answer, 422, "invalid"))["errors"][0]["code"] == "not_in_revision"


async def test_what_a_correction_hid_is_shown_as_gone(api: Api) -> None:
    rounds = await (await api.call("GET", "/api/v1/rounds", WHO)).json()
    created = await api.create(WHO, next(r["id"] for r in rounds if r["is_open"] and r["fund_type"] == "subsidy"))
    id = created["id"]
    await filled(api, id, factories.PLATFORM)
    assert (await api.submit(WHO, id)).status == 200
    opinion = {"section": "project_content", "field": "site_proof", "text": "请盖章"}
    assert (await api.act(REVIEWER, id, "return", working_days=5, opinions=[opinion])).status == 200
    [said] = await (await api.call("GET", f"/api/v1/applications/{id}/opinions", WHO)).json()
    await api.call("PUT", f"/api/v1/applications/{id}/opinions/{said['id']}", WHO, json={"reply": "已改方向"})
    section = await (await api.call("GET", f"/api/v1/applications/{id}/sections/project_content", WHO)).json()
    await api.save(WHO, id, "project_content", section["saved"] | {"direction": factories.PRODUCTION})
    again = await api.submit(WHO, id)
    assert again.status == 200, await again.text()
    case = await (await api.call("GET", f"/api/v1/review/applications/{id}/case", REVIEWER)).json()
    content = next(m for m in case["materials"] if m["key"] == "project_content")
    gone = [part["key"] for part in (*content["fields"], *content["slots"]) if part["gone"]]
    assert set(gone) == set(PLATFORM_ONLY)
    [proof] = [slot for slot in content["slots"] if slot["gone"]]
    assert (proof["files"], len(proof["removed"]), len(proof["opinions"])) == ([], 1, 1)
