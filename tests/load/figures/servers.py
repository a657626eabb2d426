"""A PostgreSQL of a bench's own, durable as in production."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.embedded.ports import free_port
from deploy.embedded.postgres import Postgres


@contextmanager
def durable(folder: Path) -> Iterator[str]:
    """The URL of an empty database, gone afterwards."""
    server = Postgres(folder, free_port(), "bench")
    server.prepare()
    process = subprocess.Popen(
        server.command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=server.env(),
        **server.popen_options,
    )
    try:
        server.wait(30, process)
        server.create_database("bench")
        yield server.url("bench")
    finally:
        process.terminate()
        process.wait(30)
        server.remove()
