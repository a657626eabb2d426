"""使用以前提交的文件: what an enterprise submitted in a slot before is offered for an empty one, and taken by its content."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.tables.applications import Application, Attachment, Audit
from shared.identity import Actor, Agent
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()
Json = dict[str, Any]


async def offered(api: Api, id: str, key: str = "company", who: Actor = WHO) -> Json:
    answer = await api.call("GET", f"/api/v1/applications/{id}/sections/{key}/page", who)
    assert answer.status == 200, await answer.text()
    return dict((await answer.json())["earlier"])


async def take(
    api: Api, id: str, source: str, who: Actor = WHO, slot: str = "business_license"
) -> tuple[int, Any]:
    body = {"section": "company", "slot": slot, "source": source}
    answer = await api.call("POST", f"/api/v1/applications/{id}/attachments/earlier", who, json=body)
    return answer.status, await answer.json()


async def test_a_licence_is_not_asked_for_twice(
    api: Api, round_id: str, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    draft = str((await api.create(WHO, round_id))["id"])
    found = await offered(api, draft)
    assert set(found) == {"business_license", "financial_statements"}
    offer = found["business_license"]
    assert (offer["source"], len(offer["names"])) == (submitted, 1)
    # A declaration is made anew; what is not empty is not offered anything.
    assert await offered(api, draft, "commitment") == {}
    status, made = await take(api, draft, submitted)
    assert status == 201
    [file] = made
    async with sessions.begin() as session:
        query = select(Attachment).where(Attachment.application_id == UUID(submitted))
        source = (await session.scalars(query.where(Attachment.slot == "business_license"))).one()
        row = await session.get_one(Attachment, UUID(file["id"]))
        audit = select(Audit).where(Audit.application_id == UUID(draft), Audit.action == "attach")
        noted = (await session.scalars(audit)).one()
        assert (row.sha256, row.name, row.id != source.id) == (source.sha256, source.name, True)
        assert noted.details["earlier"] == submitted
    path = f"/api/v1/applications/{draft}/sections/company"
    values = {"values": {"business_license": [file["id"]]}}
    assert (await api.call("PUT", f"{path}/draft", WHO, json=values, headers={"If-Match": '"1"'})).status == 200
    assert set(await offered(api, draft)) == {"financial_statements"}


async def test_what_is_not_offered_is_not_taken(
    api: Api, round_id: str, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    draft = str((await api.create(WHO, round_id))["id"])
    stranger = factories.applicant(factories.ENTERPRISE_2)
    theirs = str((await api.create(stranger, round_id))["id"])
    assert await offered(api, theirs, who=stranger) == {}
    assert (await take(api, theirs, submitted, stranger))[0] == 404
    assert (await take(api, draft, submitted, stranger))[0] == 404
    assert (await take(api, draft, str(uuid4())))[0] == 404
    assert (await take(api, draft, submitted, slot="nothing"))[0] == 404
    # Whoever was invited to one application sees no other.
    agent = Agent(enterprise="x", enterprise_name="x", application=UUID(draft))
    invited = WHO.model_copy(update={"agent": agent})
    assert await offered(api, draft, who=invited) == {}
    assert (await take(api, draft, submitted, invited))[0] == 404

    async def offers() -> bool:
        return submitted in {found["source"] for found in (await offered(api, draft)).values()}

    async def having(**values: object) -> bool:
        async with sessions.begin() as session:
            rows = update(Attachment).where(Attachment.application_id == UUID(submitted))
            await session.execute(rows.values(**values))
        return await offers()

    assert not await having(infected="Eicar")
    assert not await having(infected=None, name="执照.tiff")
    assert await having(name="执照.pdf")
    async with sessions.begin() as session:
        forgotten = update(Application).where(Application.id == UUID(submitted))
        await session.execute(forgotten.values(wrapped_key=b""))
    assert not await offers()
