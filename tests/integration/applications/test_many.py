"""Many cases at once, each answered for by itself; and lists as files that no spreadsheet runs."""

import csv
import io
import zipfile
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.tables.applications import Application, Audit, Owed
from shared import clock
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api
from tests.integration.applications.test_desk import insert

Sessions = async_sessionmaker[AsyncSession]
REVIEWER = factories.staff(Role.REVIEWER)
OTHER = factories.staff(Role.REVIEWER, "另一审核员")
DIRECTOR = factories.staff(Role.DIRECTOR)


@pytest.fixture(autouse=True)
async def clean(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await session.execute(update(Application).values(deleted_at=clock.now()))


async def moves(api: Api, who: Any, status: int = 200, **body: Any) -> Any:
    found = await api.call("POST", "/api/v1/review/moves", who, json=body)
    assert found.status == status, await found.text()
    return await found.json()


async def states(sessions: Sessions, ids: list[str]) -> list[str]:
    async with sessions() as session:
        found = {str(a.id): a.state for a in await session.scalars(select(Application))}
    return [found[id] for id in ids]


async def test_what_cannot_be_moved_holds_up_no_other(api: Api, sessions: Sessions, round_id: str) -> None:
    free, held, mine, elsewhere = await insert(sessions, round_id, 4)
    await api.call("POST", f"/api/v1/review/applications/{held}/lease", OTHER, json={})
    await api.call("POST", f"/api/v1/review/applications/{mine}/lease", REVIEWER, json={})
    async with sessions.begin() as session:
        await session.execute(
            update(Application).where(Application.id == UUID(elsewhere)).values(state="approved")
        )
    nowhere = str(uuid4())
    ids = [free, held, nowhere, mine, elsewhere, free]
    outcomes = await moves(api, REVIEWER, action="accept", applications=ids)
    assert [(o["id"], o["done"]) for o in outcomes] == [
        (free, True), (held, False), (nowhere, False), (mine, True), (elsewhere, False),
    ]  # fmt: skip
    told = {o["id"]: o["message"] for o in outcomes}
    assert told[held] == "该申请正由另一审核员办理。"
    assert told[free] == "现为“形式审查中”。"
    assert "已批复" in told[elsewhere]
    assert await states(sessions, [free, held, mine]) == ["form_review", "pending_acceptance", "form_review"]
    # What failed left nothing behind: no lease, no audit row, no mail.
    async with sessions() as session:
        left = await session.scalars(select(Audit).where(Audit.application_id == UUID(elsewhere)))
        assert list(left) == []
        told_to = await session.scalars(select(Owed.application_id).where(Owed.topic == "notify"))
        assert {str(i) for i in told_to} >= {free, mine}
        assert UUID(held) not in set(told_to)
    passed = await moves(api, REVIEWER, action="pass", applications=[free, held])
    assert [o["done"] for o in passed] == [True, False]
    assert await states(sessions, [free]) == ["expert_review"]


async def test_who_may_not_move_is_told_so_for_each(api: Api, sessions: Sessions, round_id: str) -> None:
    [id] = await insert(sessions, round_id, 1)
    [outcome] = await moves(api, DIRECTOR, action="accept", applications=[id])
    assert (outcome["done"], outcome["message"]) == (False, "您没有执行此操作的权限。")
    assert (await api.call("POST", "/api/v1/review/moves", factories.applicant(), json={})).status == 403
    await moves(api, REVIEWER, 400, action="return", applications=[id])
    await moves(api, REVIEWER, 400, action="accept", applications=[])


async def test_what_ended_its_publicity_is_approved_together(api: Api, sessions: Sessions, round_id: str) -> None:
    over, running = await insert(sessions, round_id, 2, state="publicity", approved_wan=5)
    async with sessions.begin() as session:
        for id, until in ((over, -1), (running, 1)):
            at = clock.now() + timedelta(hours=until)
            await session.execute(
                update(Application).where(Application.id == UUID(id)).values(publicity_until=at, publicity_from=at)
            )
    outcomes = await moves(api, DIRECTOR, action="approve", applications=[over, running])
    assert [(o["done"], o["message"]) for o in outcomes] == [(True, "现为“已批复”。"), (False, "公示期未满。")]


async def export(api: Api, query: str, who: Any = REVIEWER) -> bytes:
    found = await api.call("GET", f"/api/v1/review/export?{query}", who)
    assert found.status == 200, await found.text()
    assert found.headers["Content-Disposition"].startswith("attachment; ")
    return await found.read()


async def test_a_list_is_exported_under_its_filters_and_runs_nothing(
    api: Api, sessions: Sessions, round_id: str
) -> None:
    bad, plain, other = await insert(sessions, round_id, 3)
    async with sessions.begin() as session:
        for id, values in (
            (bad, {"project_name": '=HYPERLINK("http://x")', "district": "朝阳区"}),
            (plain, {"project_name": "雕漆\n屏风", "district": "朝阳区", "applied_wan": 12.5}),
            (other, {"district": "海淀区"}),
        ):
            await session.execute(update(Application).where(Application.id == UUID(id)).values(**values))
    text = (await export(api, "format=csv&district=朝阳区")).decode("utf-8-sig")
    head, *rows = list(csv.reader(io.StringIO(text)))
    assert head[:3] == ["申报编号", "版次", "项目名称"]
    assert {row[2] for row in rows} == {'\'=HYPERLINK("http://x")', "雕漆\n屏风"}
    assert {row[9] for row in rows} == {"10.00", "12.50"}
    book = zipfile.ZipFile(io.BytesIO(await export(api, "district=朝阳区")))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "=HYPERLINK" in sheet
    assert "<v>12.5</v>" in sheet
    assert "海淀区" not in sheet
    async with sessions() as session:
        said = await session.scalars(select(Audit).where(Audit.action == "export").order_by(Audit.id))
        assert [a.details["format"] for a in said][-2:] == ["csv", "xlsx"]
    for query, status in (("format=pdf", 400), ("min_wan=x", 400)):
        assert (await api.call("GET", f"/api/v1/review/export?{query}", REVIEWER)).status == status
    assert (await api.call("GET", "/api/v1/review/export", factories.staff(Role.EXPERT))).status == 403


async def test_more_than_a_page_is_exported_whole_and_once(api: Api, sessions: Sessions, round_id: str) -> None:
    await insert(sessions, round_id, 1203)
    text = (await export(api, "format=csv")).decode("utf-8-sig")
    numbers = [row[0] for row in csv.reader(io.StringIO(text))][1:]
    assert len(numbers) == len(set(numbers)) == 1203
