"""Make a backup while everything runs."""

import asyncio
import contextlib
import hashlib
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from deploy.backup import client
from deploy.backup.manifest import (
    COUNTED,
    DUMP,
    LISTED,
    MANIFEST,
    OBJECTS,
    PLAIN,
    SEALED,
    Manifest,
    content_of,
    digest,
    fingerprint,
    read,
)
from deploy.backup.sealing import SUFFIX, Recipients, encrypt, recipients
from deploy.embedded.errors import CannotRun
from shared import clock
from shared.audit.heads import FOLDER as HEADS
from shared.store import Store, attachment_key, pdf_key

# What `preflight` tries once, and case files, which are made again.
PASSING = ("preflight/", "dossiers/")


def create(database_url: str, store_url: str, master_key: str, to: Path, key: str = "") -> Path:
    """Return a finished backup's folder below `to`, encrypted to `key` where there is one; nobody else on this machine may read
    it either way.

    Objects are copied before and after the dump: what the dump names was either there before it, or came while it
    was made, and an object younger than the sweep's grace is not removed in between.
    """
    started = clock.now()
    known_as = fingerprint(master_key)
    keys_of = recipients(key)
    suffix = SUFFIX if keys_of else ""
    folder = to / started.strftime("%Y%m%dT%H%M%S%fZ")
    to.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.mkdir(mode=0o700)
    store = Store.from_url(store_url)
    pool = to / OBJECTS
    try:
        before = asyncio.run(_copy(store, pool, keys_of))
        dump = folder / DUMP
        server, counts, named = _dump(database_url, dump)
        dumped = digest(dump)
        if keys_of:
            encrypt(dump, folder / (DUMP + suffix), keys_of)
            dump.unlink()
        keys = asyncio.run(_copy(store, pool, keys_of))
        missing = sorted(key for key in named if not (pool / (key + suffix)).is_file())
        if missing:
            raise CannotRun(f"the store lacks {len(missing)} objects that the database names, {missing[0]} first")
        # What was removed between the two copies is in the pool all the same, and the dump may name it.
        # A head of the audit that was anchored after the dump would say that the dump lacks its end.
        heads = {key for key in keys - before if key.startswith(HEADS)}
        listed = sorted((keys - heads) | named)
        (folder / LISTED).write_text("\n".join(listed) + "\n", encoding="utf-8")
        found = Manifest(
            format=SEALED if keys_of else PLAIN,
            started_at=started,
            finished_at=clock.now(),
            server=server,
            dump_sha256=dumped,
            listed_sha256=digest(folder / LISTED),
            objects=len(listed),
            object_bytes=sum((pool / (key + suffix)).stat().st_size for key in listed),
            master_key=known_as,
            counts=counts,
        )
        part = folder / f"{MANIFEST}.part"
        part.write_text(found.model_dump_json(indent=1), encoding="utf-8")
        os.sync()
        part.replace(folder / MANIFEST)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def copy_objects(store_url: str, to: Path, key: str = "") -> int:
    """Bring every object into the pool of all backups that is not there yet; how many the store has. What an archived
    database names is there then, however long ago the last whole backup was."""
    to.mkdir(parents=True, exist_ok=True, mode=0o700)
    return len(asyncio.run(_copy(Store.from_url(store_url), to / OBJECTS, recipients(key))))


def _dump(url: str, file: Path) -> tuple[int, dict[str, int], set[str]]:
    """Return the dump, and from its own snapshot: the server's version, counts, the keys of objects it names."""
    with client.connect(url) as connection:
        server = connection.info.server_version // 10000
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        snapshot = str(_one(connection, "SELECT pg_export_snapshot()"))
        counts = {name: int(str(_one(connection, f"SELECT count(*) FROM {name}"))) for name in COUNTED}  # noqa: S608
        # Of an application that was forgotten (`retention`) the rows stay and the files go.
        pdfs = connection.execute(
            "SELECT d.sha256 FROM applications.documents d"
            " JOIN applications.applications a ON a.id = d.application_id AND length(a.wrapped_key) > 0"
            " WHERE d.kind = 'revision' AND d.sha256 IS NOT NULL"
        )
        named = {pdf_key(str(row[0])) for row in pdfs}
        attachments = connection.execute(
            "SELECT sha256 FROM applications.attachments WHERE deleted_at IS NULL"
            " UNION SELECT sha256 FROM applications.case_files WHERE removed_at IS NULL"
        )
        named |= {attachment_key(str(row[0])) for row in attachments}
        of_notices = connection.execute("SELECT sha256 FROM applications.notice_files")
        named |= {attachment_key(str(row[0])) for row in of_notices}
        client.run(
            "pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}",
            f"--file={file}", server=server,
        )  # fmt: skip
    return server, counts, named


def _one(connection: client.Connection, query: str) -> object:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


async def _copy(store: Store, pool: Path, keys: Recipients) -> set[str]:
    """Bring every object into the pool that is not there yet; the keys of all that the store has."""
    seen = set()
    async for page in store.list(""):
        for key in page:
            if key.startswith(PASSING):
                continue
            target = pool / (key + (SUFFIX if keys else ""))
            if target.exists():
                seen.add(key)
                continue
            with contextlib.suppress(FileNotFoundError):  # removed since it was listed
                await _fetch(store, key, target, keys)
                seen.add(key)
    return seen


async def _fetch(store: Store, key: str, target: Path, keys: Recipients) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    content = hashlib.sha256()
    with part.open("wb") as out:
        async for chunk in store.stream(key):
            content.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    expected = content_of(key)
    if expected is not None and content.hexdigest() != expected:
        raise CannotRun(f"object {key} in the store is not what its name says")
    if keys:
        sealed = target.with_name(f"{target.name}.sealed")
        encrypt(part, sealed, keys)
        part.unlink()
        part = sealed
    part.replace(target)


def prune(to: Path, keep: int) -> tuple[int, int]:
    """Remove all but the newest `keep` backups, and objects that none of those names; how many of each."""
    whole = sorted((f.parent for f in to.glob(f"*/{MANIFEST}")), key=lambda folder: read(folder).finished_at)
    kept = whole[-keep:]
    if not kept:
        raise CannotRun(f"{to} has no backup")
    for folder in whole[:-keep]:
        shutil.rmtree(folder)
    named = {
        key + read(folder).suffix
        for folder in kept
        for key in (folder / LISTED).read_text(encoding="utf-8").split()
    }
    removed = 0
    newest = read(kept[-1]).started_at
    for file in (to / OBJECTS).rglob("*"):
        # A younger one may belong to a backup that is being made.
        younger = file.is_file() and datetime.fromtimestamp(file.stat().st_mtime, UTC) > newest
        if file.is_file() and not younger and str(file.relative_to(to / OBJECTS)) not in named:
            file.unlink()
            removed += 1
    return len(whole) - len(kept), removed
