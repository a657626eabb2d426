"""Short messages go to the contact's telephone where the enterprise agreed, and nowhere else."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.case import form_of
from services.applications.core.context import CODEC
from services.applications.outbox.events import about
from services.applications.tables.applications import Application, Audit
from shared.identity import Duty
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()


async def test_the_enterprise_agrees_and_takes_it_back(
    api: Api, server: Any, submitted: str, sessions: async_sessionmaker[AsyncSession]
) -> None:
    path = f"/api/v1/applications/{submitted}"

    async def mobile() -> str | None:
        async with sessions.begin() as session:
            found = await session.get_one(Application, UUID(submitted))
            assert form_of(found).contact_mobile == "contact.mobile"
            told = await about(session, server.app[CODEC], found)
            return str(told["to"].mobile) if told["to"].mobile else None

    async def choose(agreed: bool, who: Any = WHO) -> int:
        return (await api.call("PUT", f"{path}/sms", who, json={"agreed": agreed})).status

    assert await mobile() is None
    seen = await (await api.call("GET", path, WHO)).json()
    assert (seen["sms_section"], seen["sms_agreed"]) == ("contact", False)
    # Neither a stranger nor a colleague who may not fill in decides it.
    assert await choose(True, factories.applicant(factories.ENTERPRISE_2)) == 404
    assert await choose(True, WHO.model_copy(update={"duties": frozenset({Duty.CHECK})})) == 403
    assert await choose(True) == 204
    assert await choose(True) == 204
    assert (await mobile() or "").startswith("1")
    assert (await (await api.call("GET", path, WHO)).json())["sms_agreed"]
    assert await choose(False) == 204
    assert await mobile() is None
    async with sessions.begin() as session:
        rows = select(Audit.action).where(Audit.application_id == UUID(submitted), Audit.action.endswith("_sms"))
        assert list(await session.scalars(rows.order_by(Audit.id))) == ["agree_sms", "decline_sms"]
