"""Personal data has one gate: role × form. Whoever may not see a value sees it in no form, and who reads is recorded."""

from uuid import UUID

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.disclosure import holds_personal_data
from services.applications.forms.catalogue import form
from services.applications.forms.definition import Form
from services.applications.tables.applications import Audit
from services.applications.tables.decision import Assessment
from services.documents import rendering
from services.documents.rendering import Press
from shared.identity import Actor, Role
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.applications.papers import made, told

WHO = factories.applicant()
MASKED = [Role.EXPERT, Role.AUDITOR]
WHOLE = [Role.REVIEWER, Role.DIRECTOR]
# Slots of the reward form, and whether those who read nothing whole are shown their files.
OPEN = {"photos", "ip_proof", "acceptance_proof"}

# What version 2 of the form keeps from experts, as it is filled in: landline, address, bank.
CLOSED = ["010-58511090", "lixiang@example.com", "中国工商银行北京朝阳支行"]


@pytest.fixture(scope="module")
def press() -> Press:
    return rendering.press()


@pytest.fixture
async def case(api: Api, submitted: str, sessions: async_sessionmaker[AsyncSession]) -> str:
    """A submitted application that an expert was given."""
    async with sessions.begin() as session:
        session.add(
            Assessment(
                application_id=UUID(submitted), account=factories.staff(Role.EXPERT).account, name="专家",
                sheet="standard-1", assigned_by="test", values={},
            )
        )  # fmt: skip
    return submitted


async def sensitive(api: Api, id: str) -> list[str]:
    answer = await api.call("GET", f"/api/v1/applications/{id}/revisions/1", WHO)
    sections = (await answer.json())["content"]["sections"]
    return [sections["contact"]["mobile"], sections["fund_plan"]["bank_account"]]


async def rows(sessions: async_sessionmaker[AsyncSession], id: str, actor: Actor, action: str) -> list[Audit]:
    async with sessions.begin() as session:
        query = select(Audit).where(
            Audit.application_id == UUID(id), Audit.actor == actor.account, Audit.action == action
        )
        return list(await session.scalars(query))


@pytest.mark.parametrize("role", MASKED)
async def test_pdf_of_experts_and_auditors_is_masked(
    api: Api, server: TestServer, press: Press, case: str, sessions: async_sessionmaker[AsyncSession], role: Role
) -> None:
    actor = factories.staff(role)
    name, pdf = await made(api, server, press, case, actor)
    text, embedded = told(pdf)
    values = await sensitive(api, case)
    assert all(value not in text for value in (*values, *CLOSED))
    assert "移动电话" not in text
    assert "景泰蓝国礼" in text
    assert embedded == 0
    assert "%E9%9A%90%E5%8E%BB" in name
    [row] = await rows(sessions, case, actor, "read_pdf")
    assert row.details["masked"] is True


@pytest.mark.parametrize("role", WHOLE)
async def test_pdf_of_those_who_decide_is_whole_and_recorded(
    api: Api, server: TestServer, press: Press, case: str, sessions: async_sessionmaker[AsyncSession], role: Role
) -> None:
    actor = factories.staff(role)
    _, pdf = await made(api, server, press, case, actor)
    text, embedded = told(pdf)
    assert all(value in text for value in await sensitive(api, case))
    assert embedded == 1
    [row] = await rows(sessions, case, actor, "read_pdf")
    assert row.details == {"submitted": 1, "masked": False}


@pytest.mark.parametrize("role", [*MASKED, *WHOLE])
async def test_no_answer_but_reveal_tells_a_sensitive_value_to_the_bureau(api: Api, case: str, role: Role) -> None:
    actor, path = factories.staff(role), f"/api/v1/applications/{case}"
    review = f"/api/v1/review/applications/{case}"
    values = await sensitive(api, case)
    read = 0
    for where in (
        path, f"{path}/revisions/1", f"{path}/revisions/1?masked=0", f"{path}/checks", f"{path}/changes",
        f"{path}/revisions", f"{path}/timeline", f"{path}/opinions", f"{path}/letters", f"{review}/origins",
        f"{review}/others", f"{review}/stage", "/api/v1/review/applications", "/api/v1/review/export?format=csv",
        "/api/v1/audit", f"{path}/sections/contact",
    ):  # fmt: skip
        answer = await api.call("GET", where, actor)
        text = await answer.text()
        assert not any(value in text for value in values), where
        read += answer.status == 200
    assert read >= 3


@pytest.mark.parametrize("role", [*MASKED, *WHOLE])
async def test_attachments_by_role_and_slot(
    api: Api, case: str, sessions: async_sessionmaker[AsyncSession], role: Role
) -> None:
    actor = factories.staff(role)
    path = f"/api/v1/applications/{case}/revisions/1"
    content, own = [(await (await api.call("GET", path, who)).json())["content"] for who in (actor, WHO)]
    definition = form("reward", 2)
    seen = {}
    for section in definition.sections:
        for slot in section.slots:
            for id in (own["sections"].get(section.key) or {}).get(slot.key) or []:
                path = f"/api/v1/applications/{case}/attachments/{id}"
                answers = [await api.call("GET", path + tail, actor) for tail in ("", "/pages", "/pages/1")]
                seen[slot.key] = {answer.status for answer in answers}
                shown = role in WHOLE or slot.key in OPEN
                closed = role is Role.EXPERT and slot.key == "commitment_scan"
                assert (id in content["attachments"]) != closed
                if not closed:
                    assert (content["attachments"][id].get("withheld") is None) == shown
                noted = [
                    r
                    for r in await rows(sessions, case, actor, "read_attachment")
                    if r.details["attachment"] == id
                ]
                # The file, and its pages as one reading.
                assert len(noted) == (1 if shown else 0), slot.key
                if not shown:
                    said = (await answers[0].json())["type"]
                    assert said.endswith("not_for_experts" if closed else "personal_data")
    for slot, statuses in seen.items():
        assert (403 in statuses) == (role in MASKED and slot not in OPEN), slot
        assert len(statuses & {200, 403}) == 1
    assert {"commitment_scan", "photos"} <= seen.keys()


@pytest.mark.parametrize("role", [*MASKED, *WHOLE])
async def test_experts_are_told_nothing_that_the_form_keeps_for_the_bureau(
    api: Api, case: str, role: Role
) -> None:
    actor, path = factories.staff(role), f"/api/v1/applications/{case}"
    told = ""
    for where in (f"{path}/revisions/1", f"{path}/checks", f"/api/v1/expert/applications/{case}/case"):
        answer = await api.call("GET", where, actor)
        assert answer.status in ({200, 403} if "expert" in where else {200}), where
        told += await answer.text() if answer.status == 200 else ""
    assert "景泰蓝国礼" in told
    assert [value for value in CLOSED if value in told] == ([] if role is Role.EXPERT else CLOSED)
    # A check about what they are not shown is none of theirs.
    checks = await (await api.call("GET", f"{path}/checks", actor)).json()
    assert {"plan_sum", "same_project"} <= {check["id"] for check in checks}


async def test_its_enterprise_reads_its_own_unrecorded(
    api: Api, server: TestServer, press: Press, case: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    _, pdf = await made(api, server, press, case, WHO)
    assert all(value in told(pdf)[0] for value in await sensitive(api, case))
    assert await rows(sessions, case, WHO, "read_pdf") == []


def test_a_slot_is_withheld_unless_its_form_says_that_it_tells_of_nobody() -> None:
    definition = form("reward", 1)
    assert holds_personal_data(definition, "commitment", "commitment_scan")
    assert holds_personal_data(definition, "gone", "photos")
    written = definition.model_dump()
    [(section, slot)] = [
        (s, slot) for s in written["sections"] for slot in s["slots"] if slot["key"] == "contracts_invoices"
    ]
    assert holds_personal_data(Form.model_validate(written), section["key"], slot["key"])
    slot["personal"] = False
    assert not holds_personal_data(Form.model_validate(written), section["key"], slot["key"])
