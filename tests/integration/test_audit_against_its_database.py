"""The audit holds against who can write its database: what they cut, change or replace is named by `audit-verify` itself."""

import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from deploy.backup.client import plain
from deploy.embedded.postgres import Postgres
from services.applications.operations.audit_heads import StoreHeads
from services.applications.tables.applications import AUDIT as APPLICATIONS
from services.gateway.accounts.models import AUDIT as IDENTITY
from shared.audit import chain as audit
from shared.audit import heads as audit_heads
from shared.audit.chain import ChainBroken, Ledger
from shared.audit.heads import Anchor, Forged, Sequencer, keep_sealing
from shared.database import async_engine, migrate
from shared.settings import DatabaseSettings
from shared.store import Store
from tests.integration.applications.conftest import make_settings

KEY = b"a" * 32
ROOT = Path(__file__).parents[2]
LEDGERS = {"applications": APPLICATIONS, "identity": IDENTITY}
INSERT = {
    "applications": "INSERT INTO applications.audit (actor, actor_name, role, action, request_id, details)"
    " VALUES ('a', 'A', 'reviewer', :action, '-', '{}')",
    "identity": "INSERT INTO identity.audit (subject, action, address, request_id, details)"
    " VALUES ('a', :action, '-', '-', '{}')",
}


class Chain:
    """One service's audit: written and sealed as its service does, tampered with as an administrator could."""

    def __init__(self, ledger: Ledger, sessions: async_sessionmaker[AsyncSession], heads: StoreHeads) -> None:
        self.ledger, self.sessions, self.heads = ledger, sessions, heads
        self.schema = ledger.schema

    async def write(self, count: int, action: str = "x") -> None:
        async with self.sessions.begin() as session:
            for _ in range(count):
                await session.execute(text(INSERT[self.schema]), {"action": action})

    def sequencer(self) -> Sequencer:
        """As a process that has just started has it."""
        return Sequencer(self.sessions, self.ledger, KEY, self.heads)

    async def tamper(self, *statements: str) -> None:
        async with self.sessions.begin() as session:
            for table in ("audit", "audit_chain"):
                await session.execute(text(f"ALTER TABLE {self.schema}.{table} DISABLE TRIGGER USER"))
            for statement in statements:
                await session.execute(text(statement.replace("{}", self.schema)))

    async def fault(self) -> str | None:
        async with self.sessions.begin() as session:
            return (await audit_heads.verify(session, self.ledger, KEY, self.heads)).fault

    async def links(self) -> int:
        async with self.sessions.begin() as session:
            return int(await session.scalar(text(f"SELECT count(*) FROM {self.schema}.audit_chain")) or 0)


@pytest.fixture(params=sorted(LEDGERS))
async def chain(
    request: pytest.FixtureRequest, make_migrated_database: Callable[[], str], tmp_path: Path
) -> AsyncIterator[Chain]:
    """Twenty rows, sealed and anchored."""
    ledger = LEDGERS[request.param]
    settings = make_settings(make_migrated_database(), tmp_path)
    engine = async_engine(settings)
    made = Chain(ledger, async_sessionmaker(engine), StoreHeads(Store.from_url(settings.store_url)))
    await made.write(20)
    sequencer = made.sequencer()
    assert await sequencer.step() == 20
    assert await sequencer.anchor()
    assert await made.fault() is None
    yield made
    await engine.dispose()


CUT = "DELETE FROM {}.audit_chain WHERE position > 15"
TAMPERED = {
    "cut the tail of the chain": (CUT,),
    "cut the tail of chain and audit": ("DELETE FROM {}.audit WHERE id > 15", CUT),
    "delete the chain and edit a row": (
        "DELETE FROM {}.audit_chain",
        "UPDATE {}.audit SET action = 'y' WHERE id = 3",
    ),
    "edit a sealed row": ("UPDATE {}.audit SET action = 'y' WHERE id = 3",),
    "remove a link and edit its row": (
        "DELETE FROM {}.audit_chain WHERE audit_id = 3",
        "UPDATE {}.audit SET action = 'y', at = at - interval '1 day' WHERE id = 3",
    ),
    "replace all": (
        "DELETE FROM {}.audit_chain",
        "DELETE FROM {}.audit WHERE id > 1",
        "UPDATE {}.audit SET action = 'y'",
    ),
    "remove all": ("TRUNCATE {}.audit", "TRUNCATE {}.audit_chain"),
}


@pytest.mark.parametrize("what", TAMPERED)
@pytest.mark.parametrize("running", [True, False])
async def test_tampering_is_named_and_never_sealed_over(
    chain: Chain, what: str, running: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """`running`: the process that seals went on all the while, or was started afterwards."""
    sequencer = chain.sequencer()
    await sequencer.step()
    await chain.tamper(*TAMPERED[what])
    left = await chain.links()
    if not running:
        sequencer = chain.sequencer()
    with caplog.at_level(logging.CRITICAL):
        await keep_sealing(sequencer)
    if "cut" in what or "chain" in what or "all" in what:
        assert "tampered" in caplog.text
    assert await chain.links() == left
    assert await chain.fault() is not None


async def test_who_holds_the_lock_makes_no_sequencer_forget(chain: Chain) -> None:
    """Cut while the sequencers are kept from sealing, and let go again."""
    sequencer = chain.sequencer()
    await chain.write(5)
    assert await sequencer.step() == 5
    async with chain.sessions.begin() as session:
        lock = text("SELECT pg_advisory_xact_lock(hashtext(:name))")
        await session.execute(lock, {"name": f"audit chain {chain.schema}"})
        await chain.tamper("DELETE FROM {}.audit_chain WHERE position > 20", "DELETE FROM {}.audit WHERE id > 20")
        with pytest.raises(ChainBroken):
            await sequencer.step()
    await chain.write(1)
    with pytest.raises(ChainBroken):
        await sequencer.step()


async def test_what_was_written_while_nothing_sealed_is_sealed_afterwards(chain: Chain) -> None:
    await chain.write(5)
    assert await chain.sequencer().step() == 5
    assert await chain.fault() is None


async def test_another_administrators_chain_is_not_ours(chain: Chain) -> None:
    """Who replaces everything, chain and anchors, without the key."""
    await chain.tamper("DELETE FROM {}.audit_chain", "UPDATE {}.audit SET action = 'y' WHERE id = 3")
    async with chain.sessions.begin() as session:
        await audit.seal(session, chain.ledger, b"z" * 32)
        head = await audit.head(session, chain.ledger)
    forged = Anchor(chain.schema, head, audit_heads.clock.now(), accepted=True)
    await chain.heads.put(chain.schema, forged.line(b"z" * 32))
    assert "不是本系统签名" in (await chain.fault() or "")
    with pytest.raises(Forged):
        await chain.sequencer().step()


async def test_an_old_chain_without_any_anchor_is_named(chain: Chain, tmp_path: Path) -> None:
    chain.heads = StoreHeads(Store.from_url((tmp_path / "another").as_uri()))
    assert await chain.fault() is None
    await chain.tamper("DELETE FROM {}.audit_chain", "UPDATE {}.audit SET at = at - interval '1 hour'")
    async with chain.sessions.begin() as session:
        await audit.seal(session, chain.ledger, KEY)
    assert "没有任何链头" in (await chain.fault() or "")


async def test_a_restore_is_accepted_with_a_reason_and_later_cuts_are_named_again(
    chain: Chain, caplog: pytest.LogCaptureFixture
) -> None:
    await chain.tamper("DELETE FROM {}.audit WHERE id > 15", CUT)
    assert "链尾缺失" in (await chain.fault() or "")
    async with chain.sessions.begin() as session:
        with caplog.at_level(logging.INFO):
            await audit_heads.accept(session, chain.ledger, KEY, chain.heads, "自备份恢复")
    assert any(getattr(record, "reason", "") == "自备份恢复" for record in caplog.records)
    assert await chain.fault() is None
    await chain.write(3)
    sequencer = chain.sequencer()
    assert await sequencer.step() == 3
    await chain.tamper("DELETE FROM {}.audit_chain WHERE position = 15")
    assert await chain.fault() is not None


async def test_a_broken_chain_is_not_accepted(chain: Chain) -> None:
    await chain.tamper("UPDATE {}.audit SET action = 'y' WHERE id = 3")
    async with chain.sessions.begin() as session:
        assert (await audit_heads.accept(session, chain.ledger, KEY, chain.heads, "x")).fault is not None
    assert len(await chain.heads.all(chain.schema)) == 1


def test_a_line_is_only_read_with_its_key_and_for_its_chain() -> None:
    anchor = Anchor("identity", audit.Head(7, b"h" * 32), audit_heads.clock.now().replace(microsecond=0))
    line = anchor.line(KEY)
    assert audit_heads.read(KEY, "identity", line) == anchor
    for schema, key, said in (
        ("applications", KEY, line),
        ("identity", b"z" * 32, line),
        ("identity", KEY, line.replace("000000000007", "000000000008")),
        ("identity", KEY, "nonsense"),
    ):
        with pytest.raises(Forged):
            audit_heads.read(key, schema, said)


# ---- roles ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def owned(
    postgres: Postgres, make_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """A database that was migrated by its owner for a role of the services'; both addresses."""
    owner = make_database()
    name = owner.rpartition("/")[2]
    service = postgres.service_url(name, "service")
    settings = make_settings(service, tmp_path_factory.mktemp("owned"), migration_database_url=owner)
    for folder, schema in (("applications", "applications"), ("gateway", "identity"), ("notify", "notify")):
        migrate(settings, ROOT / "services" / folder / "migrations", schema)
        migrate(settings, ROOT / "services" / folder / "migrations", schema)
    return {"owner": owner, "service": service}


@pytest.mark.parametrize(
    "table", ["applications.audit", "applications.audit_chain", "identity.audit", "identity.audit_chain"]
)
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}", "DROP TABLE {}", "ALTER TABLE {} DISABLE TRIGGER USER",
        "SET session_replication_role = replica",
    ],
)  # fmt: skip
def test_services_can_only_add_to_the_audit(owned: dict[str, Any], table: str, change: str) -> None:
    column = "position" if table.endswith("chain") else "action"
    statement = change.format(table, column, column)
    with psycopg.connect(plain(owned["service"])) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)
        connection.rollback()
        [owner] = connection.execute(
            "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone() or [True]
    assert owner is False


def test_services_work_with_every_other_table(owned: dict[str, Any]) -> None:
    with psycopg.connect(plain(owned["service"])) as connection:
        connection.execute(INSERT["applications"].replace(":action", "'x'"))
        connection.execute("INSERT INTO notify.unsubscribed (address) VALUES ('a@b.cn')")
        connection.execute("UPDATE notify.unsubscribed SET at = now()")
        connection.execute("DELETE FROM notify.unsubscribed")
        assert connection.execute("SELECT count(*) FROM applications.alembic_version").fetchone() == (1,)


def test_a_superuser_is_refused_as_the_services_role(owned: dict[str, Any], tmp_path: Path) -> None:
    with psycopg.connect(plain(owned["owner"]), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS too_mighty")
        connection.execute("CREATE ROLE too_mighty SUPERUSER LOGIN PASSWORD 'x'")
    mighty = owned["owner"].replace("://gongmei:", "://too_mighty:")
    settings: DatabaseSettings = make_settings(mighty, tmp_path, migration_database_url=owned["owner"])
    with pytest.raises(SystemExit, match="超级用户"):
        migrate(settings, ROOT / "services" / "notify" / "migrations", "notify")


def test_an_owner_who_may_make_no_role_is_told_whom_to_ask(
    postgres: Postgres, make_database: Callable[[], str], tmp_path: Path
) -> None:
    owner = make_database()
    name = owner.rpartition("/")[2]
    with psycopg.connect(plain(owner), autocommit=True) as connection:
        connection.execute("CREATE ROLE plain_owner LOGIN PASSWORD 'x'")
        connection.execute(f'ALTER DATABASE "{name}" OWNER TO plain_owner')
    modest = f"postgresql://plain_owner:x@127.0.0.1:{postgres.port}/{name}"
    nobody = f"postgresql://nobody_yet:x@127.0.0.1:{postgres.port}/{name}"
    settings: DatabaseSettings = make_settings(nobody, tmp_path, migration_database_url=modest)
    with pytest.raises(SystemExit, match="请先由管理员创建"):
        migrate(settings, ROOT / "services" / "notify" / "migrations", "notify")
