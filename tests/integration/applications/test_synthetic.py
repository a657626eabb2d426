"""What the synthetic applicant hands in is handed in, and is nowhere that people look or count."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core import synthetic
from services.applications.operations.reconcile import reconcile
from services.applications.settings import ApplicationsSettings
from services.applications.tables.applications import Application, Audit, Base, Owed, Revision
from services.applications.tables.idempotency import IdempotencyKey
from shared import clock
from shared.identity import Role
from shared.messages import Delivery
from shared.store import Store
from shared.synthetic import ENTERPRISE, ENTERPRISE_NAME, KEPT, ROUND
from tests import factories
from tests.integration.applications.conftest import Api

Sessions = async_sessionmaker[AsyncSession]
ITSELF = factories.applicant((ENTERPRISE, ENTERPRISE_NAME))
STAFF = {role: factories.staff(role) for role in (Role.REVIEWER, Role.DIRECTOR, Role.AUDITOR, Role.OPERATOR)}
CONTACT = {"project_name": "系统自检", "contact_name": "自检", "email": "nobody@example.com"}


async def handed_in(api: Api) -> str:
    """Walk the way of `services.gateway.synthetic`; the application's id."""
    id = str((await api.create(ITSELF, str(ROUND)))["id"])
    path = f"/api/v1/applications/{id}/sections/contact"
    kept = await api.call("PUT", f"{path}/draft", ITSELF, json={"values": CONTACT}, headers={"If-Match": '"1"'})
    assert kept.status == 200, await kept.text()
    await api.save(ITSELF, id, "contact", CONTACT)
    file = await api.upload(ITSELF, id, "plan", "attachment")
    items = [{"subject_name": "材料费", "amount_wan": "1.00"}]
    await api.save(ITSELF, id, "plan", {"applied_wan": "1.00", "items": items, "attachment": [file]})
    answer = await api.submit(ITSELF, id)
    assert answer.status == 200, await answer.text()
    assert (await answer.json())["receipt"]["number"].startswith("ZJ")
    return id


async def seen_by_staff(api: Api) -> dict[str, Any]:
    """What the bureau's people and operators are shown that could name or count it."""
    asked = {
        "queue": ("/api/v1/review/queue", Role.REVIEWER),
        "rounds": ("/api/v1/rounds", Role.DIRECTOR),
        "overview": ("/api/v1/ops/overview", Role.OPERATOR),
        "audit": ("/api/v1/audit", Role.AUDITOR),
    }
    shown = {}
    for name, (path, role) in asked.items():
        answer = await api.call("GET", path, STAFF[role])
        assert answer.status == 200, f"{path}: {await answer.text()}"
        shown[name] = await answer.json()
    # Its work is work: what is owed, and by whom it is done, is not about people.
    shown["overview"] = shown["overview"]["processes"]
    return shown


async def test_it_is_handed_in_and_nobody_sees_or_counts_it(
    api: Api, sessions: Sessions, settings: ApplicationsSettings, submitted: str
) -> None:
    before = await seen_by_staff(api)
    async with sessions() as session:
        rows = await session.scalar(select(func.count()).select_from(Audit))
    id = await handed_in(api)
    own = await (await api.call("GET", "/api/v1/applications", ITSELF)).json()
    assert [item["id"] for item in own["items"]] == [id]
    assert await seen_by_staff(api) == before
    for who in (STAFF[Role.REVIEWER], factories.applicant()):
        assert (await api.call("GET", f"/api/v1/applications/{id}", who)).status == 404
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Audit)) == rows
        owed = await session.scalars(select(Owed.topic).where(Owed.application_id == UUID(id)))
        assert sorted(owed) == ["notify", "render_document"]

    async def nothing() -> list[Delivery]:
        return []

    async with sessions.begin() as session:
        report = await reconcile(session, Store.from_url(settings.store_url), nothing)
    assert report.counts["accepted"] == report.counts["revisions"]
    assert not [line for line in (*report.differences, *report.pending) if "ZJ" in line or id in line]


async def test_nobody_else_enters_its_round_and_it_enters_no_other(api: Api, round_id: str) -> None:
    await api.create(ITSELF, str(ROUND))
    for who, round_ in ((factories.applicant(), str(ROUND)), (ITSELF, round_id)):
        answer = await api.call(
            "POST", "/api/v1/applications", who, json={"round_id": round_}, headers={"Idempotency-Key": "k" * 32}
        )
        assert answer.status == 404, await answer.text()


async def test_what_is_an_hour_old_goes_when_the_next_begins(api: Api, sessions: Sessions) -> None:
    old, young = await handed_in(api), await handed_in(api)
    async with sessions.begin() as session:
        back = clock.now() - KEPT - timedelta(seconds=1)
        await session.execute(update(Application).where(Application.id == UUID(old)).values(created_at=back))
        await session.execute(update(IdempotencyKey).values(created_at=back))
    # A person's key stays, however old it is.
    person = factories.applicant()
    next_ = str((await api.create(ITSELF, str(ROUND)))["id"])
    async with sessions() as session:
        its = select(Application.id).where(Application.enterprise == ENTERPRISE)
        left = {str(id) for id in await session.scalars(its)}
        assert old not in left
        assert {young, next_} <= left
        assert await session.scalar(select(func.count()).where(Revision.application_id == UUID(old))) == 0
        keys = set(await session.scalars(select(IdempotencyKey.scope)))
        assert f"submit:{old}:{ENTERPRISE}" not in keys
        assert person.enterprise


def test_every_table_that_hangs_on_what_it_fills_in_is_removed() -> None:
    # A new table that its walk writes to would keep its application from being removed: then the foreign key says so, here or in the
    # test above. What the bureau, experts and later stages write never comes to it.
    hanging = {
        table.name
        for table in Base.metadata.tables.values()
        if any(key.column.table.name == "applications" for key in table.foreign_keys)
    }
    removed = {table.__tablename__ for table in synthetic._HANGING}
    assert removed - hanging == {"outbox"}


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.DIRECTOR, Role.FORM_EDITOR])
async def test_its_round_and_its_form_are_in_no_list(api: Api, role: Role) -> None:
    await api.create(ITSELF, str(ROUND))
    for path in ("/api/v1/rounds", "/api/v1/forms"):
        answer = await api.call("GET", path, factories.staff(role))
        if answer.status == 200:
            assert synthetic.TITLE not in await answer.text()
