"""Bring a backup back, into an empty database and a store."""

import asyncio
from pathlib import Path

from deploy.backup import client
from deploy.backup.manifest import DUMP, OBJECTS, Manifest, fingerprint, verify
from deploy.backup.sealing import SUFFIX, opened
from deploy.embedded.errors import CannotRun
from shared.store import Store

_TABLES = """
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'S', 'v') AND n.nspname !~ '^(pg_|information_schema)'
"""


def restore(folder: Path, database_url: str, store_url: str, master_key: str) -> Manifest:
    """Refuses (`CannotRun`) a damaged backup, another master key than the one it needs, and a database that is not
    empty. Afterwards the counts are those of the moment the backup was taken."""
    found, keys = verify(folder)
    if fingerprint(master_key) != found.master_key:
        raise CannotRun("GM_MASTER_KEY is not the key of this backup: sensitive values could not be read")
    with client.connect(database_url) as connection:
        row = connection.execute(_TABLES).fetchone()
        server = connection.info.server_version // 10000
    if row is None or row[0] != 0:
        raise CannotRun("the database is not empty; make a new one and name it in GM_DATABASE_URL")
    asyncio.run(_put(Store.from_url(store_url), folder.parent / OBJECTS, keys, found.suffix))
    with opened(folder / (DUMP + found.suffix)) as dump:
        client.run(
            "pg_restore", database_url, "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges",
            str(dump), server=server,
        )  # fmt: skip
    with client.connect(database_url) as connection:
        for name, expected in found.counts.items():
            counted = connection.execute(f"SELECT count(*) FROM {name}").fetchone()  # noqa: S608
            if counted is None or counted[0] != expected:
                raise CannotRun(f"{name}: {expected} rows were backed up, {counted and counted[0]} are there")
        # A dump brings no statistics, and without them the first minutes would be slow ones.
        connection.execute("ANALYZE")
    return found


def restore_objects(to: Path, store_url: str) -> int:
    """Bring every object of the pool back into a store, beside a database that was restored out of its archive; how many."""
    pool = to / OBJECTS
    files = [str(file.relative_to(pool)) for file in pool.rglob("*") if file.is_file() and file.suffix != ".part"]
    if not files:
        raise CannotRun(f"{pool} has no objects")
    store = Store.from_url(store_url)
    for suffix in (SUFFIX, ""):
        keys = [name.removesuffix(suffix) for name in files if name.endswith(SUFFIX) == bool(suffix)]
        asyncio.run(_put(store, pool, keys, suffix))
    return len(files)


async def _put(store: Store, pool: Path, keys: list[str], suffix: str) -> None:
    for key in keys:
        with opened(pool / (key + suffix)) as plain:
            await store.put_file(key, plain)
