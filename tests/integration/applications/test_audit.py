"""The audit: who, when, what, from where, with what result; append-only, chained, and read by auditors only."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.core.audit import record
from services.applications.core.context import SETTINGS
from services.applications.tables.applications import AUDIT
from shared import clock
from shared.audit import chain
from shared.identity import Role
from tests import factories
from tests.integration.applications.conftest import Api

AUDITOR = factories.staff(Role.AUDITOR)
Sessions = async_sessionmaker[AsyncSession]


async def seal_all(sessions: Sessions, key: bytes) -> None:
    while True:
        async with sessions.begin() as session:
            if not await chain.seal(session, AUDIT, key):
                return


async def verify(sessions: Sessions, key: bytes, *noted: str) -> chain.Verdict:
    async with sessions.begin() as session:
        return await chain.verify(session, AUDIT, key, noted)


async def tamper(sessions: Sessions, *statements: str) -> None:
    """What a database administrator could do who switches the triggers off."""
    async with sessions.begin() as session:
        await session.execute(text("ALTER TABLE applications.audit DISABLE TRIGGER USER"))
        await session.execute(text("ALTER TABLE applications.audit_chain DISABLE TRIGGER USER"))
        for statement in statements:
            await session.execute(text(statement))
        await session.execute(text("ALTER TABLE applications.audit ENABLE TRIGGER USER"))
        await session.execute(text("ALTER TABLE applications.audit_chain ENABLE TRIGGER USER"))


@pytest.mark.parametrize("table", ["audit", "audit_chain"])
@pytest.mark.parametrize(
    "change", ["UPDATE applications.{} SET {}", "DELETE FROM applications.{}", "TRUNCATE applications.{}"]
)
async def test_rows_are_never_changed(submitted: str, sessions: Sessions, table: str, change: str) -> None:
    column = "action = 'x'" if table == "audit" else "hash = ''"
    with pytest.raises(DBAPIError, match="never changed"):
        async with sessions.begin() as session:
            await session.execute(text(change.format(table, column)))


async def test_row_says_who_what_whence_and_result(api: Api, round_id: str) -> None:
    who = factories.applicant().model_copy(update={"address": "203.0.113.9"})
    id = (await api.create(who, round_id))["id"]
    found = await (await api.call("GET", f"/api/v1/audit?application={id}", AUDITOR)).json()
    [row] = found["items"]
    assert (row["actor"], row["actor_name"], row["role"]) == (who.account, "李响", "applicant")
    assert (row["action"], row["label"], row["address"], row["result"]) == (
        "start",
        "新增项目",
        "203.0.113.9",
        "ok",
    )


async def test_filters_and_pages(api: Api, submitted: str) -> None:
    path = f"/api/v1/audit?application={submitted}"
    everything = (await (await api.call("GET", path, AUDITOR)).json())["items"]
    assert len(everything) > 5
    assert [r["id"] for r in everything] == sorted((r["id"] for r in everything), reverse=True)
    paged, cursor = [], ""
    while True:
        page = await (await api.call("GET", f"{path}&limit=2{cursor}", AUDITOR)).json()
        paged += page["items"]
        if not page["next_cursor"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert paged == everything
    only = (await (await api.call("GET", f"{path}&action=submit", AUDITOR)).json())["items"]
    assert [r["action"] for r in only] == ["submit"]
    later = (clock.now() + timedelta(hours=1)).isoformat().replace("+", "%2B")
    assert (await (await api.call("GET", f"{path}&since={later}", AUDITOR)).json())["items"] == []
    assert (await (await api.call("GET", f"{path}&actor=nobody", AUDITOR)).json())["items"] == []


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "since=2026-01-01",
        "cursor=x",
        "cursor=-1",
        "limit=0",
        "limit=501",
        "application=1",
        "until=9999-99-99",
    ],
)
async def test_wrong_filters_are_told(api: Api, query: str) -> None:
    answer = await api.call("GET", f"/api/v1/audit?{query}", AUDITOR)
    assert answer.status == 400


async def test_chain_names_the_first_broken_link(
    api: Api, server: TestServer, submitted: str, sessions: Sessions
) -> None:
    key = server.app[SETTINGS].audit_key
    await seal_all(sessions, key)
    good = await verify(sessions, key)
    assert good.fault is None
    assert good.links > 5
    # Another key could not have made it.
    assert (await verify(sessions, b"z" * 32)).fault is not None
    third = "SELECT audit_id FROM applications.audit_chain WHERE position = 3"

    async def fault(*statements: str) -> str:
        await tamper(sessions, *statements)
        return (await verify(sessions, key)).fault or ""

    assert await fault(f"UPDATE applications.audit SET actor_name = actor_name || '!' WHERE id = ({third})") != ""
    broken = await verify(sessions, key)
    assert (broken.links, (broken.fault or "").startswith("第 3 环")) == (2, True)
    assert (
        await fault(f"UPDATE applications.audit SET actor_name = rtrim(actor_name, '!') WHERE id = ({third})")
        == ""
    )
    await tamper(
        sessions,
        f"CREATE TABLE kept AS SELECT * FROM applications.audit WHERE id = ({third})",
        f"DELETE FROM applications.audit WHERE id = ({third})",
    )
    assert "第 3 环" in (await verify(sessions, key)).fault  # type: ignore[operator]
    assert "已被删除" in (await verify(sessions, key)).fault  # type: ignore[operator]
    await tamper(
        sessions, "INSERT INTO applications.audit OVERRIDING SYSTEM VALUE SELECT * FROM kept", "DROP TABLE kept"
    )
    assert (await verify(sessions, key)).fault is None
    # Cutting off the end is seen by whoever noted the head.
    await tamper(
        sessions,
        "CREATE TABLE cut AS SELECT * FROM applications.audit_chain ORDER BY position DESC LIMIT 1",
        "DELETE FROM applications.audit_chain WHERE position IN (SELECT position FROM cut)",
    )
    assert (await verify(sessions, key)).fault is None
    assert "链尾缺失" in (await verify(sessions, key, good.head)).fault  # type: ignore[operator]
    await tamper(sessions, "INSERT INTO applications.audit_chain SELECT * FROM cut", "DROP TABLE cut")
    assert (await verify(sessions, key, good.head)).fault is None


async def test_rows_committed_out_of_order_are_all_sealed(server: TestServer, sessions: Sessions) -> None:
    """A row with a smaller id may be committed after a larger one was sealed; nobody waits for it."""
    key = server.app[SETTINGS].audit_key
    who = factories.applicant()
    async with sessions() as slow, sessions() as fast:
        record(slow, who, "slow")
        await slow.flush()
        record(fast, who, "fast")
        await fast.commit()
        await seal_all(sessions, key)
        await slow.commit()
    await seal_all(sessions, key)
    assert (await verify(sessions, key)).fault is None
    async with sessions.begin() as session:
        left = await session.scalar(
            text(
                "SELECT count(*) FROM applications.audit a WHERE NOT EXISTS (SELECT 1 FROM applications.audit_chain c WHERE c.audit_id = a.id)"
            )
        )
    assert left == 0


async def test_two_sequencers_make_one_chain(server: TestServer, sessions: Sessions) -> None:
    key = server.app[SETTINGS].audit_key
    who = factories.applicant()
    async with sessions.begin() as session:
        for n in range(50):
            record(session, who, "many", n=n)
    await asyncio.gather(*(seal_all(sessions, key) for _ in range(4)))
    await seal_all(sessions, key)
    assert (await verify(sessions, key)).fault is None


async def test_row_that_is_never_sealed_is_a_fault(server: TestServer, sessions: Sessions) -> None:
    key = server.app[SETTINGS].audit_key
    await seal_all(sessions, key)
    async with sessions.begin() as session:
        await session.execute(
            text(
                "INSERT INTO applications.audit (at, actor, actor_name, role, action, request_id, details)"
                " VALUES (now() - interval '1 hour', 'x', 'x', 'x', 'x', 'x', '{}')"
            )
        )
    assert (await verify(sessions, key)).fault == "1 条记录未入链"
    await seal_all(sessions, key)
    assert (await verify(sessions, key)).fault is None
