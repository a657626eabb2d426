"""Run PostgreSQL's own tools, of the server's version, without a password on any command line."""

import contextlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg

from deploy.embedded.errors import CannotRun
from deploy.embedded.postgres import binaries


def plain(url: str) -> str:
    """Return the URL as libpq reads it."""
    return re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql://", url)


Connection = psycopg.Connection[tuple[object, ...]]


# Nobody is told of anything here before it is all there: a synchronous standby that is away must not hold it up.
ALONE = "-c synchronous_commit=local"


def connect(url: str) -> Connection:
    try:
        return psycopg.connect(plain(url), connect_timeout=5, options=ALONE)
    except psycopg.OperationalError as error:
        raise CannotRun(f"GM_DATABASE_URL: 无法连接数据库：{' '.join(str(error).split())}") from None


def _folders() -> list[Path]:
    found = []
    with contextlib.suppress(CannotRun):
        found.append(binaries() / "bin")
    if known := shutil.which("pg_dump"):
        found.append(Path(known).resolve().parent)
    return found + sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def _major(folder: Path) -> int:
    try:
        said = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(found[1]) if found else 0


def tools(server: int) -> Path:
    """Return the folder of the tools for a server of major version `server`: its own, or the next newer ones."""
    known = sorted((major, str(folder)) for folder in _folders() if (major := _major(folder)) >= server)
    if not known:
        raise CannotRun(f"no pg_dump of version {server} or newer here; install postgresql-client-{server}")
    return Path(known[0][1])


def run(tool: str, url: str, *options: str, server: int) -> None:
    """One tool on the database of `url`; `CannotRun` with its last words."""
    parts = urlsplit(plain(url))
    host = parts.hostname or ""
    where = f"{parts.username or ''}@{host}" + (f":{parts.port}" if parts.port else "")
    safe = urlunsplit((parts.scheme, where, parts.path, parts.query, ""))
    environment = {
        **os.environ, "PGOPTIONS": ALONE, "PGPASSWORD": unquote(parts.password or ""), "LC_ALL": "C",
    }  # fmt: skip
    done = subprocess.run(
        [str(tools(server) / tool), *options, "--dbname", safe],
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise CannotRun(f"{tool} failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
