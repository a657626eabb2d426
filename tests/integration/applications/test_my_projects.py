"""我的项目: an enterprise lists what it has, by state, type and words, page by page."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.filling.other_applications import other_applications
from services.applications.filling.queries import applications
from services.applications.tables.applications import Application, Round
from services.applications.workflow import State
from tests import factories
from tests.integration.applications.conftest import Api

WHO = factories.applicant()

# Drafts of others, with no statistics since.
OTHERS = """
INSERT INTO applications.applications (
  id, round_id, fund_type, form_version, enterprise, enterprise_name, created_by, state, version, revision, round_trips,
  unlocked, project_name, wrapped_key)
SELECT gen_random_uuid(), (SELECT id FROM applications.rounds LIMIT 1), 'reward', 1, lpad(n::text, 18, '9'), '别家', 'test',
  'draft', 1, 0, 0, '{}', '', ''
FROM generate_series(1, 3000) AS n
"""


async def listed(api: Api, **query: Any) -> tuple[list[str], str | None]:
    found = await (await api.call("GET", "/api/v1/applications", WHO, params=query)).json()
    return [item["id"] for item in found["items"]], found["next_cursor"]


async def test_listed_by_state_type_and_words_page_by_page(api: Api, round_id: str, submitted: str) -> None:
    drafts = [(await api.create(WHO, round_id))["id"] for _ in range(3)][::-1]
    assert (await listed(api))[0] == [*drafts, submitted]
    assert await listed(api, state="draft") == (drafts, None)
    assert await listed(api, state="pending_acceptance,returned") == ([submitted], None)
    assert await listed(api, q="景泰蓝国礼") == ([submitted], None)
    assert await listed(api, q="景泰蓝国礼", state="draft") == ([], None)
    # As people read a name: blanks, brackets, width, case and what nobody sees make no difference; % and _ are letters.
    for said in ("景泰蓝 国礼", "“景泰蓝”国礼", "景泰蓝\u200b国礼", "（景泰蓝国礼）"):
        assert await listed(api, q=said) == ([submitted], None), said
    for said in ("景泰蓝%礼", "景泰蓝_礼"):
        assert await listed(api, q=said) == ([], None), said
    number = (await (await api.call("GET", f"/api/v1/applications/{submitted}", WHO)).json())["number"]
    assert await listed(api, q=f" {number.lower()}") == ([submitted], None)
    assert await listed(api, fund_type="subsidy") == ([], None)
    first, cursor = await listed(api, state="draft", limit=2)
    assert (first, await listed(api, state="draft", limit=2, cursor=cursor)) == (drafts[:2], (drafts[2:], None))


async def test_not_looked_for_among_the_drafts_of_all_when_statistics_are_old(
    api: Api, sessions: async_sessionmaker[AsyncSession]
) -> None:
    asked: list[tuple[str, Any]] = []
    async with sessions.begin() as session:
        await session.execute(text(OTHERS))
        bind = (await session.connection()).engine.sync_engine

        def note(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
            asked.append((statement, values))

        event.listen(bind, "before_cursor_execute", note)
        try:
            await applications(session, WHO, states=[State.DRAFT])
        finally:
            event.remove(bind, "before_cursor_execute", note)
        [(statement, values)] = asked
        raw = (await (await session.connection()).get_raw_connection()).driver_connection
        assert raw is not None
        plan = await (await raw.execute(f"EXPLAIN {statement}", values)).fetchall()
        await session.rollback()
    assert "ix_applications_drafts" not in str(plan), plan


@pytest.mark.parametrize("name", ["景泰蓝国礼", "景泰蓝 国礼", "（景泰蓝）国礼", "景泰蓝国\u200b礼"])
async def test_the_same_project_is_the_same_however_it_is_written(
    sessions: async_sessionmaker[AsyncSession], submitted: str, name: str
) -> None:
    async with sessions() as session:
        application = await session.get_one(Application, UUID(submitted))
        round_ = await session.get_one(Round, application.round_id)
        another = Application(id=uuid4(), enterprise=WHO.enterprise, fund_type=application.fund_type)
        found = await other_applications(session, another, round_, name)
        assert found.same_name_count == found.count > 0
        assert (await other_applications(session, another, round_, f"{name}二")).same_name_count == 0
