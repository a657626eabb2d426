"""Connect to PostgreSQL: engines with bounded pools, one declarative base a schema, migrations by Alembic."""

import json
import logging
import random
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

import psycopg
from psycopg import errors, sql
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    ExceptionContext,
    MetaData,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.exc import InterfaceError, InvalidatePoolError, OperationalError, TimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from shared import clock
from shared.settings import DatabaseSettings

# By PostgreSQL's classes something else: the server became a standby, or ended our session.
GOING = (errors.ReadOnlySqlTransaction, errors.IdleInTransactionSessionTimeout)
# What a person is told as «busy, try again»: the pool is empty, the server is gone or going, somebody holds a lock, two
# transactions met; the driver's own where it is asked directly. Whatever else a database refuses is a mistake of ours,
# which trying again does not mend.
BUSY: tuple[type[Exception], ...] = (
    TimeoutError, OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError, *GOING
)  # fmt: skip
# What a migration meets when somebody reads or writes; trying again mends it.
MET = (errors.LockNotAvailable, errors.DeadlockDetected)
# Everybody's queries stand in line behind a migration that waits for its lock, so it waits shortly and tries again.
MIGRATION_LOCK_TIMEOUT, MIGRATION_PATIENCE_SECONDS = "500ms", 600.0
# No schema changes so shortly before a round's close.
RELEASE_FREEZE = timedelta(hours=24)
# A connection that answered so lately is taken at its word: asking it first would cost every request a round trip.
FRESH_SECONDS = 1.0
# PostgreSQL reads and plans a statement anew each time until a connection has asked it so often: then it keeps what it found.
PREPARED_AFTER = 5

_NAMES = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


T = TypeVar("T")

log = logging.getLogger(__name__)


def metadata(schema: str) -> MetaData:
    """Metadata of one service's schema, with names for every constraint so that migrations can speak of them."""
    return MetaData(schema=schema, naming_convention=_NAMES)


def _process() -> str:
    """Return what runs here, as `applications relay`: of `python -m services.applications relay`."""
    return " ".join([Path(sys.argv[0]).parent.name, *sys.argv[1:2]])[:63]


def _options(settings: DatabaseSettings, name: str | None = None) -> dict[str, Any]:
    return {
        "pool_size": settings.database_pool_size,
        "max_overflow": 0,
        "pool_timeout": settings.database_pool_timeout,
        # As short as it can be: escaped, Chinese takes twice the bytes and PostgreSQL longer to read.
        "json_serializer": json.JSONEncoder(ensure_ascii=False).encode,
        "connect_args": {
            "connect_timeout": 5,
            # Who holds which lock is seen in `pg_stat_activity`.
            "application_name": name or _process(),
            # None until it is known that nobody stands between us and the server (`_prepare_where_alone`).
            "prepare_threshold": None,
            # A lock that is not to be had becomes «busy, try again» well before the caller gives up.
            "options": "-c timezone=UTC -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s",
        },
    }


def async_engine(settings: DatabaseSettings, name: str | None = None) -> AsyncEngine:
    """Return the engine of an aiohttp service. When the pool is empty, waiting ends after `database_pool_timeout`. Its connections are named
    by what runs here, or as told."""
    made = create_async_engine(settings.database_url.get_secret_value(), **_options(settings, name))
    _equip(made.sync_engine)
    return made


async def in_transaction(settings: DatabaseSettings, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """Do one transaction's work in a command, with an engine of its own."""
    made = async_engine(settings)
    try:
        async with async_sessionmaker(made).begin() as session:
            return await work(session)
    finally:
        await made.dispose()


def engine(settings: DatabaseSettings) -> Engine:
    """Return the engine of a worker."""
    made = create_engine(settings.database_url.get_secret_value(), **_options(settings))
    _equip(made)
    return made


def _equip(made: Engine) -> None:
    event.listen(made, "handle_error", _going)
    event.listen(made, "connect", _prepare_where_alone)
    _ask_the_idle(made)


def _prepare_where_alone(connection: Any, record: Any) -> None:
    """Let a connection of our own to the server keep prepared statements. A pooler in transaction mode deals its few sessions out among
    all clients and would mix them up; it tells each client another process than the one that answers."""
    cursor = connection.cursor()
    cursor.execute("SELECT pg_backend_pid()")
    (answers,) = cursor.fetchone()
    cursor.close()
    connection.rollback()
    driver = record.driver_connection
    if answers == driver.info.backend_pid:
        driver.prepare_threshold = PREPARED_AFTER


def _going(context: ExceptionContext) -> OperationalError | None:
    error = context.original_exception
    if not (isinstance(error, GOING) or _outlived(error)):
        return None
    # The next connection may lead to the right server, and has prepared nothing yet.
    context.is_disconnect = True
    return OperationalError(context.statement, None, error)


def _outlived(error: BaseException) -> bool:
    """Tell whether a migration changed what a prepared statement gives. PostgreSQL has no code of its own for it, only a place."""
    return isinstance(error, errors.FeatureNotSupported) and error.diag.source_function == "RevalidateCachedQuery"


def _ask_the_idle(made: Engine) -> None:
    """A connection that has been idle is asked whether it is still there; when it is gone, all that were opened before are
    replaced, as they are when one is lost in use."""

    @event.listens_for(made, "checkout")
    def look(connection: Any, record: Any, _: Any) -> None:
        answered = record.info.get("answered")
        if answered is None or monotonic() - answered < FRESH_SECONDS:
            return
        try:
            made.dialect.do_ping(connection)
        except psycopg.Error as error:
            raise InvalidatePoolError from error

    @event.listens_for(made, "checkin")
    def note(_: Any, record: Any) -> None:
        record.info["answered"] = monotonic()


def migrate(
    settings: DatabaseSettings, folder: Path, schema: str, patience: float = MIGRATION_PATIENCE_SECONDS
) -> None:
    """Bring one schema to its newest version, wholly or not at all. Several processes may call it at once: one waits for the other.

    Whoever works with the tables goes on: a lock that is not to be had at once is tried for again, for `patience` seconds.
    Ends the process with one line when the database does not take us.
    """
    owner = settings.migration_database_url or settings.database_url
    database = create_engine(owner.get_secret_value(), **_options(settings))
    until = monotonic() + patience
    try:
        while True:
            try:
                _migrate(database, settings, folder, schema)
                _index(database, folder, schema)
                return
            except OperationalError as error:
                reason = " ".join(str(error.orig).split())
                if not isinstance(error.orig, MET):
                    name = "GM_MIGRATION_DATABASE_URL" if settings.migration_database_url else "GM_DATABASE_URL"
                    raise SystemExit(f"{name}: 无法连接数据库：{reason}") from None
                if monotonic() > until:
                    raise SystemExit(
                        f"数据库结构未作任何改动：{patience:.0f} 秒内没有取得锁（{reason}）。请结束长时间打开的事务后重试。"
                    ) from None
                log.warning("migration tries again", extra={"schema": schema, "reason": reason})
                sleep(random.uniform(0.5, 1.5))  # noqa: S311  no secret
    finally:
        database.dispose()


def _migrate(database: Engine, settings: DatabaseSettings, folder: Path, schema: str) -> None:
    # Here and not above: it is a tenth of what starting a service costs, and services do not migrate.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(folder))
    with database.begin() as connection:
        # Waiting for another's migration is the point here.
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"migrate {schema}"})
        connection.execute(text(f"SET LOCAL lock_timeout = '{MIGRATION_LOCK_TIMEOUT}'"))
        connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
        config.attributes["connection"] = connection
        config.attributes["schema"] = schema
        if not settings.migrate_before_close and _pending(connection, config, schema):
            _refuse_before_a_close(connection)
        command.upgrade(config, "head")
        if settings.migration_database_url is not None:
            _grant(connection, make_url(settings.database_url.get_secret_value()), schema)


def _pending(connection: Connection, config: Any, schema: str) -> bool:
    """Tell whether a schema that is in use would change."""
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    found = MigrationContext.configure(connection, opts={"version_table_schema": schema}).get_current_heads()
    return bool(found) and set(found) != set(ScriptDirectory.from_config(config).get_heads())


def _refuse_before_a_close(connection: Connection) -> None:
    """End the process with one line where a round closes within a day: a new release waits until the close is over. All three schemas
    are of one release, so each asks the rounds; nothing is refused where they are not to be seen."""
    seen = "SELECT coalesce(has_table_privilege(to_regclass('applications.rounds'), 'SELECT'), false)"
    if not connection.scalar(text(seen)):
        return
    closing = "SELECT title, closes_at FROM applications.rounds WHERE closes_at BETWEEN now() AND now() + :time ORDER BY closes_at LIMIT 1"
    found = connection.execute(text(closing), {"time": RELEASE_FREEZE}).one_or_none()
    if found is not None:
        at = found.closes_at.astimezone(clock.SHANGHAI)
        raise SystemExit(
            f"数据库结构未作任何改动：批次“{found.title}”将于 {at:%Y-%m-%d %H:%M} 截止，截止前 24 小时内不升级。"
            "必须升级时设 GM_MIGRATE_BEFORE_CLOSE=true 后重试。"
        )


def _index(database: Engine, folder: Path, schema: str) -> None:
    """Build the indexes that revisions name in `CONCURRENTLY` (name: statement) while everybody goes on reading and writing.

    Outside of any transaction, so each may be left half-built by a process that dies; the next migration builds it anew.
    """
    if not any("\nCONCURRENTLY" in file.read_text(encoding="utf-8") for file in folder.glob("versions/*.py")):
        return
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(folder))
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # It waits for older transactions and holds up nobody meanwhile.
        connection.execute(text("SET lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_lock(hashtext(:name))"), {"name": f"indexes {schema}"})
        try:
            for revision in reversed(list(ScriptDirectory.from_config(config).walk_revisions())):
                for name, statement in getattr(revision.module, "CONCURRENTLY", {}).items():
                    _index_one(connection, schema, name, statement)
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(hashtext(:name))"), {"name": f"indexes {schema}"})


def _index_one(connection: Connection, schema: str, name: str, statement: str) -> None:
    quoted = connection.dialect.identifier_preparer.quote_identifier
    whole = f"{quoted(schema)}.{quoted(name)}"
    valid = connection.scalar(
        text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:whole)"), {"whole": whole}
    )
    if valid is False:
        connection.execute(text(f"DROP INDEX CONCURRENTLY {whole}"))
    if not valid:
        connection.execute(text(statement))


# What a service may add to and read, and nobody but the owner change.
APPEND_ONLY = ("audit", "audit_chain", "form_versions")


def _grant(connection: Connection, service: URL, schema: str) -> None:
    """Let the services' role work in a schema: every table read and written, the audit only added to. The role is made
    where it is missing."""
    role, mine = service.username or "", connection.scalar(text("SELECT current_user"))
    if role == mine:
        return
    quoted = connection.dialect.identifier_preparer.quote_identifier
    name, where = quoted(role), quoted(schema)
    # Services that migrate at once make it once; none gives up because another takes long.
    connection.execute(text("SET LOCAL lock_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('services role'))"))
    connection.execute(text(f"SET LOCAL lock_timeout = '{MIGRATION_LOCK_TIMEOUT}'"))
    known = connection.execute(
        text("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = :role"), {"role": role}
    ).one_or_none()
    if known is None:
        made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
            sql.Identifier(role), sql.Literal(service.password or "")
        )
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        try:
            raw.execute(made)
        except errors.InsufficientPrivilege:
            raise SystemExit(
                f"GM_DATABASE_URL: 没有角色 {role}，GM_MIGRATION_DATABASE_URL 的角色 {mine} 也无权创建；请先由管理员创建"
            ) from None
    elif known.rolsuper:
        raise SystemExit(f"GM_DATABASE_URL: 角色 {role} 是超级用户；请给服务另设角色")
    for statement in (
        f"GRANT USAGE ON SCHEMA {where} TO {name}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {where} TO {name}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {where} TO {name}",
    ):
        connection.execute(text(statement))
    tables = inspect(connection).get_table_names(schema)
    for table in APPEND_ONLY:
        if table in tables:
            whole = f"{where}.{quoted(table)}"
            connection.execute(text(f"REVOKE UPDATE, DELETE, TRUNCATE ON {whole} FROM {name}"))


def run_migrations(target: MetaData) -> None:
    """The whole of a service's `env.py`: run on the connection that `migrate` opened, in its transaction."""
    from alembic import context

    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=target,
        version_table_schema=context.config.attributes["schema"],
        include_schemas=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()
