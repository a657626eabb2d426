"""The outside witness sees what does not fit together, each thing by name."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.operations.reconcile import reconcile
from services.applications.settings import ApplicationsSettings
from services.applications.tables.applications import Application, Audit
from services.applications.workflow import State
from shared.identity import Role
from shared.messages import Delivery
from shared.store import Store
from tests import factories
from tests.integration.applications.conftest import Api

Sessions = async_sessionmaker[AsyncSession]
REVIEWER = factories.staff(Role.REVIEWER)


async def nobody() -> list[Delivery]:
    """A ledger with no delivery in it."""
    return []


async def _moves_at_fault(sessions: Sessions, settings: ApplicationsSettings) -> list[str]:
    async with sessions.begin() as session:
        report = await reconcile(session, Store.from_url(settings.store_url), nobody)
    return [line for line in report.differences if "流转" in line or "衔接" in line or "审计记录" in line]


async def _audit(sessions: Sessions, id: str, **values: Any) -> None:
    async with sessions.begin() as session:
        row = await session.scalar(select(Audit).where(Audit.application_id == UUID(id)).limit(1))
        assert row is not None
        copied = {"actor": row.actor, "actor_name": row.actor_name, "role": row.role, "request_id": "-"}
        session.add(Audit(application_id=UUID(id), details={}, **copied, **values))


async def test_every_way_an_application_went_is_legal(
    api: Api, submitted: str, round_id: str, sessions: Sessions, settings: ApplicationsSettings
) -> None:
    who = factories.applicant()
    # Other tests of this file leave moves that are not.
    before = await _moves_at_fault(sessions, settings)
    assert (await api.act(REVIEWER, submitted, "accept")).status == 200
    withdrawn, deleted = (await api.create(who, round_id))["id"], (await api.create(who, round_id))["id"]
    await api.fill(who, withdrawn)
    await api.submit(who, withdrawn)
    headers = {"If-Match": await api.etag(who, withdrawn)}
    left = await api.call("POST", f"/api/v1/applications/{withdrawn}/withdraw", who, json={}, headers=headers)
    assert left.status == 200
    headers = {"If-Match": await api.etag(who, deleted)}
    assert (await api.call("DELETE", f"/api/v1/applications/{deleted}", who, headers=headers)).status == 204
    assert await _moves_at_fault(sessions, settings) == before


@pytest.mark.parametrize(
    ("move", "says"),
    [
        ({"action": "approve", "from_state": "pending_acceptance", "to_state": "approved"}, "不是允许的流转"),
        ({"action": "accept", "from_state": "pending_acceptance", "to_state": "approved"}, "不是允许的流转"),
        ({"action": "pass", "from_state": "form_review", "to_state": "expert_review"}, "不衔接"),
    ],
    ids=["no such move", "wrong end", "gap"],
)
async def test_move_outside_the_table_is_named(
    api: Api,
    submitted: str,
    sessions: Sessions,
    settings: ApplicationsSettings,
    move: dict[str, str],
    says: str,
) -> None:
    number = (await (await api.call("GET", f"/api/v1/applications/{submitted}", factories.applicant())).json())[
        "number"
    ]
    await _audit(sessions, submitted, **move)
    assert any(number in line and says in line for line in await _moves_at_fault(sessions, settings))


async def test_state_without_a_move_is_named(
    submitted: str, sessions: Sessions, settings: ApplicationsSettings
) -> None:
    async with sessions.begin() as session:
        await session.execute(
            update(Application).where(Application.id == UUID(submitted)).values(state=State.APPROVED)
        )
    found = await _moves_at_fault(sessions, settings)
    assert any("状态为 approved，审计记录止于 pending_acceptance" in line for line in found)


async def test_what_happens_meanwhile_is_no_difference(
    api: Api, round_id: str, sessions: Sessions, settings: ApplicationsSettings
) -> None:
    """Everything is compared as it was at one instant; the ledger, which is asked last, may know more."""
    numbers = []

    async def ledger() -> list[Delivery]:
        who = factories.applicant()
        created = await api.create(who, round_id)
        await api.fill(who, created["id"])
        numbers.append((await (await api.submit(who, created["id"])).json())["receipt"]["number"])
        return []

    async with sessions.begin() as session:
        report = await reconcile(session, Store.from_url(settings.store_url), ledger)
    assert numbers
    assert not [line for line in report.differences + report.pending if numbers[0] in line]
