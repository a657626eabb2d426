"""What operators set while the system runs."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.tables.applications import Audit
from shared import clock
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api

OPERATOR = factories.staff(Role.OPERATOR)
PATH = "/api/v1/ops/switches"
USUAL = {"autosave_seconds": 2, "previews": True, "exports": True, "announcement": "", "announcement_until": None}


async def put(api: Api, etag: str, **changes: object):  # type: ignore[no-untyped-def]
    return await api.call("PUT", PATH, OPERATOR, json={**USUAL, **changes}, headers={"If-Match": etag})


async def etag(api: Api) -> str:
    return (await api.call("GET", PATH, OPERATOR)).headers["ETag"]


async def test_set_audited_and_told_to_the_gateway(api: Api, sessions: async_sessionmaker[AsyncSession]) -> None:
    before = await api.call("GET", PATH, OPERATOR)
    until = (clock.now() + timedelta(hours=2)).isoformat()
    made = await put(
        api,
        before.headers["ETag"],
        autosave_seconds=20,
        announcement="  系统繁忙，\n请提前提交。 ",
        announcement_until=until,
    )
    assert made.status == 200, await made.text()
    told = await (await api.call("GET", "/internal/switches")).json()
    assert told["announcement"] == "系统繁忙， 请提前提交。"
    assert told["autosave_seconds"] == 20
    assert told["changed_by"] == OPERATOR.name
    async with sessions() as session:
        row = await session.scalar(
            select(Audit).where(Audit.action == "switch").order_by(Audit.id.desc()).limit(1)
        )
    assert row is not None
    assert row.details["changed"]["autosave_seconds"] == [2, 20]
    assert "previews" not in row.details["changed"]
    # Two operators do not overwrite one another.
    stale = await put(api, before.headers["ETag"], announcement="另一条")
    assert stale.status == 412
    assert (await stale.json())["current"]["autosave_seconds"] == 20
    await put(api, await etag(api))


async def test_previews_off_leave_everything_else_on(api: Api, round_id: str) -> None:
    who = factories.applicant()
    id = (await api.create(who, round_id))["id"]
    await put(api, await etag(api), previews=False)
    refused = await api.call("POST", f"/api/v1/applications/{id}/preview", who)
    assert (refused.status, (await refused.json())["type"]) == (503, "switched_off")
    assert refused.headers["Retry-After"] == "300"
    assert (await api.call("GET", f"/api/v1/applications/{id}/commitment.pdf", who)).status == 202
    await put(api, await etag(api))
    assert (await api.call("POST", f"/api/v1/applications/{id}/preview", who)).status == 202


@pytest.mark.parametrize(
    "change",
    [
        {"autosave_seconds": 0},
        {"autosave_seconds": 301},
        {"announcement": "长" * 301},
        {"previews": None},
        {"other": 1},
    ],
)
async def test_nonsense_is_refused(api: Api, change: dict[str, object]) -> None:
    assert (await put(api, await etag(api), **change)).status == 400


async def test_only_operators(api: Api) -> None:
    for who in (factories.applicant(), factories.staff(Role.REVIEWER)):
        assert (await api.call("GET", PATH, who)).status == 403
        assert (await api.call("PUT", PATH, who, json=USUAL, headers={"If-Match": '"0"'})).status == 403
