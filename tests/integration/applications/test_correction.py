"""What an applicant does with a return: the gateway's stamp decides what is in time, and any change counts as having seen it."""

from datetime import timedelta
from io import BytesIO
from uuid import UUID

import pytest
from aiohttp import ClientResponse, FormData
from aiohttp.test_utils import TestServer
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.case import form_of
from services.applications.core.context import CODEC
from services.applications.filling.registry_refresh import refresh
from services.applications.forms.filled.registry_values import registry_fields
from services.applications.tables.applications import Application, Audit
from shared import clock
from shared.identity import Role
from shared.messages import Profile
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()
REVIEWER = factories.staff(Role.REVIEWER)
# Of the section that is returned.
SECTION, SLOT = "company", "business_license"
Sessions = async_sessionmaker[AsyncSession]


async def send_back(api: Api, id: str) -> None:
    opinions = [{"section": SECTION, "text": "请核对"}]
    correct_by = (clock.now() + timedelta(days=5)).isoformat()
    answer = await api.act(REVIEWER, id, "return", correct_by=correct_by, opinions=opinions)
    assert answer.status == 200, await answer.text()


async def attach(api: Api, id: str, **options: object) -> ClientResponse:
    name, content = factories.file_for(SLOT)
    form = FormData()
    form.add_field("file", BytesIO(content), filename=name)
    path = f"/api/v1/applications/{id}/attachments?section={SECTION}&slot={SLOT}"
    return await api.call("POST", path, WHO, data=form, **options)  # type: ignore[arg-type]


async def code_of(answer: ClientResponse) -> tuple[int, str]:
    return answer.status, (await answer.json())["type"]


@pytest.mark.parametrize("what", ["draft", "save", "attach", "detach", "discard"])
async def test_any_change_counts_as_having_seen_the_return(
    api: Api, sessions: Sessions, submitted: str, what: str
) -> None:
    path = f"/api/v1/applications/{submitted}/sections/{SECTION}"
    before = await (await api.call("GET", path, WHO)).json()
    used = [file["id"] for file in before["attachments"]]
    await send_back(api, submitted)
    body, etag = {"values": before["saved"]}, {"If-Match": f'"{before["etag"]}"'}
    if what == "draft":
        done = await api.call("PUT", f"{path}/draft", WHO, json=body, headers=etag)
    elif what == "save":
        done = await api.call("PUT", path, WHO, json=body, headers=etag)
    elif what == "discard":
        done = await api.call("DELETE", f"{path}/draft", WHO, headers=etag)
    elif what == "attach":
        done = await attach(api, submitted)
    else:
        # A file that no saved values name: they name none any more.
        async with sessions.begin() as session:
            await session.execute(
                update(Application).where(Application.id == UUID(submitted)).values(return_seen_at=clock.now())
            )
        emptied = {**before["saved"], SLOT: []}
        wrong = await api.call("PUT", f"{path}/draft", WHO, json={"values": emptied}, headers=etag)
        assert wrong.status == 200
        new = (await (await attach(api, submitted)).json())["id"]
        assert new not in used
        async with sessions.begin() as session:
            await session.execute(
                update(Application).where(Application.id == UUID(submitted)).values(return_seen_at=None)
            )
        done = await api.call("DELETE", f"/api/v1/applications/{submitted}/attachments/{new}", WHO)
    assert done.status < 300, await done.text()
    async with sessions.begin() as session:
        rows = await session.scalar(
            select(func.count()).where(Audit.application_id == UUID(submitted), Audit.action == "see_return")
        )
        assert rows == 1
    refused = await api.act(REVIEWER, submitted, "recall")
    assert await code_of(refused) == (409, "already_seen")


async def test_what_reached_the_gateway_in_time_is_in_time(api: Api, sessions: Sessions, submitted: str) -> None:
    """A file may take minutes to arrive: the stamp of its request counts for it, as for 保存表单 and 提交申请."""
    await send_back(api, submitted)
    path = f"/api/v1/applications/{submitted}/sections/{SECTION}"
    section = await (await api.call("GET", path, WHO)).json()
    over = clock.now() - timedelta(seconds=1)
    async with sessions.begin() as session:
        await session.execute(update(Application).where(Application.id == UUID(submitted)).values(correct_by=over))
    in_time, late = over - timedelta(seconds=3), over + timedelta(microseconds=1)

    kept = await attach(api, submitted, received_at=in_time)
    assert kept.status == 201, await kept.text()
    headers = {"If-Match": f'"{section["etag"]}"'}
    saved = await api.call(
        "PUT", path, WHO, json={"values": section["saved"]}, headers=headers, received_at=in_time
    )
    assert saved.status == 200, await saved.text()
    shown = await (await api.call("GET", path, WHO, received_at=in_time)).json()
    assert shown["editable"]

    assert await code_of(await attach(api, submitted, received_at=late)) == (409, "correction_overdue")
    headers = {"If-Match": saved.headers["ETag"]}
    refused = await api.call(
        "PUT", path, WHO, json={"values": section["saved"]}, headers=headers, received_at=late
    )
    assert await code_of(refused) == (409, "correction_overdue")
    removed = await api.call(
        "DELETE",
        f"/api/v1/applications/{submitted}/attachments/{(await kept.json())['id']}",
        WHO,
        received_at=late,
    )
    assert await code_of(removed) == (409, "correction_overdue")
    assert not (await (await api.call("GET", path, WHO, received_at=late)).json())["editable"]


async def test_values_taken_over_from_the_registry_count_as_having_seen_it(
    server: TestServer, sessions: Sessions, api: Api, submitted: str
) -> None:
    await send_back(api, submitted)
    async with sessions.begin() as session:
        application = await session.get_one(Application, UUID(submitted))
        section = form_of(application).section(SECTION)
        assert section is not None
        [source] = [f.prefill for f in registry_fields(section) if f.key == "legal_rep_name"]
        assert source is not None
        said = {source.removeprefix("registry."): "王法人"}
        profile = Profile(registry=said, registry_fetched_at=clock.now(), account={}, account_fetched_at=None)
        who = WHO.model_copy(update={"received_at": clock.now()})
        done = await refresh(
            session, server.app[CODEC], who, UUID(submitted), profile, {(SECTION, "legal_rep_name")}
        )
        assert done.adopted == [(SECTION, "legal_rep_name")]
    assert await code_of(await api.act(REVIEWER, submitted, "recall")) == (409, "already_seen")
