"""我的项目: what looking for other projects of the same enterprise costs, and when two are the same."""

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
