"""A PostgreSQL cluster in which every migration ran already: made once for each state of the migrations, kept for all workers, runs and
clones of a user, and copied, which takes a twentieth of the time."""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import sql

from deploy.embedded.plan import DATABASE
from deploy.embedded.ports import free_port
from deploy.embedded.postgres import Postgres, account
from deploy.embedded.system import ROOT
from shared.database import migrate
from shared.settings import DatabaseSettings
from tests import factories

# Whose migrations make which schema.
SCHEMAS = {
    "gateway": "identity",
    "gateway/stub_idp": "stub_idp",
    "applications": "applications",
    "notify": "notify",
}
# The database to be copied; beside it stands one by the name that the embedded system gives its own.
TEMPLATE = "migrated"
PASSWORD = "test"
# Beside what deploy/bootstrap.sh keeps for all clones. Sixty megabytes each, and made anew in two seconds.
KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gongmei"
KEPT_SECONDS = 2 * 24 * 60 * 60


def put(folder: Path) -> None:
    """Put a copy at a place where nothing is yet, or where a link leads."""
    KEPT.mkdir(parents=True, exist_ok=True)
    kept = KEPT / f"cluster-{_state()}"
    with (KEPT / "cluster.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            _make(kept)
    _copy(kept, folder.resolve())


@contextmanager
def serving(server: Postgres, log: Path, stop: signal.Signals) -> Iterator[None]:
    """Run a cluster's server, and end it by this signal."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            server.command, stdout=out, stderr=out, env=server.env(), **server.popen_options
        )
        try:
            server.wait(30, process)
            yield
        finally:
            process.send_signal(stop)
            process.wait(20)


def _state() -> str:
    """A digest of all that the cluster is made of."""
    folders = [ROOT / "services" / folder / "migrations" for folder in SCHEMAS]
    files = [file for folder in folders for file in sorted(folder.rglob("*.py"))]
    more = ("uv.lock", "shared/database.py", "deploy/embedded/postgres.py", "tests/system/cluster.py")
    digest = hashlib.sha256(repr(account()).encode())
    for file in (*files, *(ROOT / name for name in more)):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _make(kept: Path) -> None:
    for old in KEPT.glob("cluster-*"):
        if time.time() - old.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(old)
    with TemporaryDirectory() as made:
        folder = Path(made)
        server = Postgres(folder / "data", free_port(), PASSWORD, durable=False)
        try:
            server.prepare()
            # A stop that leaves nothing to be done at the next start.
            with serving(server, folder / "log", signal.SIGINT):
                _migrate(server)
            # Whole or not at all: a run may be killed meanwhile.
            part = kept.with_name(f"part-{kept.name}")
            shutil.rmtree(part, ignore_errors=True)
            _copy((folder / "data").resolve(), part)
            part.rename(kept)
        finally:
            server.remove()


def _migrate(server: Postgres) -> None:
    server.create_database(TEMPLATE)
    settings = DatabaseSettings(
        database_url=server.url(TEMPLATE),  # type: ignore[arg-type]
        signing_key=factories.private_key("notify"),
        trusted_keys=factories.trusted_keys(),  # type: ignore[arg-type]
    )
    for folder, schema in SCHEMAS.items():
        migrate(settings, ROOT / "services" / folder / "migrations", schema)
    clone(server, DATABASE)


def clone(server: Postgres, name: str) -> None:
    """Make a database that is a copy of the migrated one."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(
            # Copying files costs a third of what writing every page to the log does.
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(TEMPLATE)
            )
        )


def _copy(folder: Path, to: Path) -> None:
    # It belongs to the server's user also where root copies it.
    subprocess.run(["cp", "-a", "--reflink=auto", folder, to], check=True)
