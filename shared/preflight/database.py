"""Check whether PostgreSQL keeps what it confirms, has our clock, and has room for all our connections."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from shared import clock
from shared.database import engine
from shared.preflight import Finding, bad, good, warning
from shared.settings import DatabaseSettings

OLDEST = 15
SKEW_BAD, SKEW_WARNING = 1.0, 0.2
_ASKED = (
    "fsync", "full_page_writes", "synchronous_commit", "synchronous_standby_names", "max_connections",
    "superuser_reserved_connections", "data_checksums",
)  # fmt: skip


def findings(settings: DatabaseSettings, folder: Path, schema: str) -> Iterator[Finding]:
    """Yield all of it, with one connection. `folder`, `schema`: this service's migrations."""
    database = engine(settings)
    try:
        with database.connect() as connection:
            yield from _durability(connection)
            yield from _skew(connection)
            yield from _connections(connection)
            yield _migrated(connection, folder, schema)
            yield from _rights(connection, schema)
    finally:
        database.dispose()


def _rights(connection: Connection, schema: str) -> Iterator[Finding]:
    """Tell whether a service's own role could change what it did."""
    what = "审计不可改"
    table = f"{schema}.audit"
    if connection.scalar(text("SELECT to_regclass(:table)"), {"table": table}) is None:
        return
    may = connection.scalar(
        text("SELECT has_table_privilege(:table, 'UPDATE') OR has_table_privilege(:table, 'DELETE')"),
        {"table": table},
    )
    if may:
        yield warning(
            what, "服务所用的数据库角色可以修改审计记录", "另设 GM_MIGRATION_DATABASE_URL 后重新执行 migrate"
        )
    else:
        yield good(what, "服务所用的数据库角色只能追加")


def _durability(connection: Connection) -> Iterator[Finding]:
    # What this very role gets, whatever the server's file says.
    said: dict[str, str] = {
        row.name: row.setting
        for row in connection.execute(
            text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)"), {"names": list(_ASKED)}
        )
    }
    version = int(connection.scalar(text("SHOW server_version_num")) or 0) // 10000
    what = "提交即落盘"
    off = [name for name in ("fsync", "full_page_writes") if said[name] != "on"]
    if said["synchronous_commit"] == "off":
        off.append("synchronous_commit")
    if off:
        yield bad(what, f"{'、'.join(off)} 已关闭", "打开后重启数据库；否则断电会丢失已受理的申报")
    else:
        yield good(what, f"fsync 打开，synchronous_commit = {said['synchronous_commit']}")
    if connection.scalar(text("SELECT pg_is_in_recovery()")):
        yield bad("数据库角色", "只读的备库", "GM_DATABASE_URL 应指向主库")
    if said["data_checksums"] != "on":
        yield warning(
            "数据页校验", "未启用 data_checksums", "停机时用 pg_checksums --enable 启用，以便发现磁盘损坏"
        )
    if not said["synchronous_standby_names"]:
        yield warning("同步备库", "没有同步备库", "数据库所在机器损坏时，会丢失最近一次备份之后的申报")
    if version < OLDEST:
        yield bad("数据库版本", f"PostgreSQL {version}", f"需要 {OLDEST} 或更高版本")
    else:
        yield good("数据库版本", f"PostgreSQL {version}")


def _skew(connection: Connection) -> Iterator[Finding]:
    before = clock.now()
    theirs: Any = connection.scalar(text("SELECT clock_timestamp()"))
    after = clock.now()
    # Half the way there and back is nobody's fault.
    seconds = (theirs - (before + (after - before) / 2)).total_seconds()
    found = f"与数据库相差 {abs(seconds):.3f} 秒"
    advice = "检查两边的时间同步（chrony、ntp）；相差超过 1 秒的网关会停止接收请求"
    if abs(seconds) > SKEW_BAD:
        yield bad("时钟", found, advice)
    elif abs(seconds) > SKEW_WARNING:
        yield warning("时钟", found, advice)
    else:
        yield good("时钟", found)


def _connections(connection: Connection) -> Iterator[Finding]:
    room, used = connection.execute(
        text(
            "SELECT current_setting('max_connections')::int"
            " - current_setting('superuser_reserved_connections')::int,"
            " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
        )
    ).one()
    found = f"正在使用 {used}，最多 {room}"
    if used > room * 0.9:
        yield bad("数据库连接", found, "提高 max_connections，或在前面加 pgbouncer")
    else:
        yield good("数据库连接", found)


def _migrated(connection: Connection, folder: Path, schema: str) -> Finding:
    config = Config()
    config.set_main_option("script_location", str(folder))
    newest = ScriptDirectory.from_config(config).get_current_head()
    known = connection.scalar(
        text("SELECT to_regclass(:name)"), {"name": f"{schema}.alembic_version"}
    ) and connection.scalar(text(f'SELECT version_num FROM "{schema}".alembic_version'))  # noqa: S608
    if known != newest:
        return bad(f"数据库结构 {schema}", f"版本 {known}，程序需要 {newest}", "执行本服务的 migrate 命令")
    return good(f"数据库结构 {schema}", f"版本 {newest}")


def capacity(max_connections: int, wanted: dict[str, int]) -> Finding:
    """Tell whether the pools of all processes together fit. `wanted`: process to its pool's size."""
    total = sum(wanted.values())
    found = f"全部进程最多 {total} 个连接，数据库最多 {max_connections}"
    if total > max_connections:
        return bad("连接池合计", found, "减小 GM_DATABASE_POOL_SIZE、提高 max_connections，或使用 pgbouncer")
    if total > max_connections * 0.8:
        return warning("连接池合计", found, "余量不足两成，扩容进程前请先提高 max_connections")
    return good("连接池合计", found)


def max_connections(settings: DatabaseSettings) -> int:
    """Return how many connections the server leaves for roles like ours."""
    database = engine(settings)
    try:
        with database.connect() as connection:
            row = connection.execute(
                text(
                    "SELECT current_setting('max_connections')::int"
                    " - current_setting('superuser_reserved_connections')::int"
                )
            ).one()
            return int(row[0])
    finally:
        database.dispose()
