"""PostgreSQL as deploy/compose.yaml runs it — the same settings, archive and standby — on Debian's own servers."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from deploy.embedded.ports import free_port
from deploy.embedded.postgres import account
from deploy.embedded.system import ROOT
from tests.production.servers import as_server, own_folder, program

PASSWORD = "the owner's"
KEY = "the archive's key"
SECONDS = 60.0


class Machines:
    """A primary, a standby and an archive, in folders of one place. Both servers have ports that stay theirs."""

    def __init__(self, folder: Path) -> None:
        initdb = program("initdb", "postgresql", *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"))))
        program("pgbackrest", "pgbackrest")
        self.folder = folder
        self.programs = Path(initdb).parent
        self.ports = {"primary": free_port(), "standby": free_port()}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._as = as_server()
        # A checkout of root's is closed to the server's user.
        shutil.copytree(ROOT / "deploy/postgres", folder / "postgres")
        for name in ("archive", "sockets"):
            (folder / name).mkdir()
        for place in (folder, *folder.rglob("*")):
            self.give(place)

    def give(self, place: Path) -> None:
        """Let the servers' user have it."""
        who = account()
        if who.uid is not None:
            os.chown(place, who.uid, who.gid or 0)

    def data(self, name: str) -> Path:
        return self.folder / name / "data"

    def environment(self, name: str, key: str = KEY) -> dict[str, str]:
        """What a container of the image has."""
        return {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "PGDATA": str(self.data(name)),
            "PGPASSWORD": PASSWORD,
            "PRIMARY": "127.0.0.1",
            "PRIMARY_PORT": str(self.ports["primary"]),
            "PGBACKREST_CONFIG": str(self.folder / "postgres/pgbackrest.conf"),
            "PGBACKREST_PG1_PATH": str(self.data(name)),
            "PGBACKREST_PG1_PORT": str(self.ports[name]),
            "PGBACKREST_PG1_SOCKET_PATH": str(self.folder / "sockets"),
            "PGBACKREST_REPO1_PATH": str(self.folder / "archive"),
            "PGBACKREST_REPO1_CIPHER_PASS": key,
            "PGBACKREST_LOCK_PATH": str(self.folder / "locks"),
            "PGBACKREST_SPOOL_PATH": str(self.folder / "spool"),
            "POSTGRES_OPTIONS": " ".join(self._settings(name)),
        }

    def _settings(self, name: str, *more: str) -> list[str]:
        given = {
            "config_file": self.folder / "postgres/postgresql.conf",
            "hba_file": self.folder / "postgres/pg_hba.conf",
            "port": self.ports[name],
            "unix_socket_directories": self.folder / "sockets",
            # The machine's disk is not what is tried here.
            "fsync": "off",
        }
        flags = [f"{n}={v}" for n, v in given.items()] + list(more)
        return [part for flag in flags for part in ("-c", flag)]

    def run(self, name: str, *command: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
        """A command as in a container of the image."""
        return subprocess.run(
            command,
            env=self.environment(name, key),
            cwd="/",
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            **self._as,
        )

    def archive(self, name: str, *arguments: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
        return self.run(name, str(self.folder / "postgres/archive"), *arguments, key=key)

    def initialise(self) -> None:
        """An empty primary, as the usual image makes one."""
        place = self.folder / "primary"
        place.mkdir()
        self.give(place)
        password = self.folder / "password"
        password.write_text(PASSWORD)
        self.give(password)
        done = self.run(
            "primary", "initdb", "-U", "gongmei", "-A", "scram-sha-256", "--auth-local", "trust", "--pwfile", str(password),
            "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def start(self, name: str, *more: str, standby: bool = False) -> None:
        """Start a server with further settings, and wait until it answers."""
        if standby:
            (self.folder / name).mkdir(exist_ok=True)
            self.give(self.folder / name)
        command = str(self.folder / "postgres/standby") if standby else "postgres"
        log = self.folder / f"{name}.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [command, *self._settings(name, *more)], env=self.environment(name), cwd="/", stdout=out, stderr=out,
                start_new_session=True, **self._as,
            )  # fmt: skip
        self._running[name] = process
        until = time.monotonic() + SECONDS
        while True:
            try:
                self.connect(name).close()
                return
            except psycopg.OperationalError as error:
                if process.poll() is not None or time.monotonic() > until:
                    raise AssertionError(log.read_text(errors="replace")[-3000:]) from error
                time.sleep(0.1)

    def connect(self, name: str, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1", port=self.ports[name], user="gongmei", password=PASSWORD, dbname=database,
            connect_timeout=5, autocommit=True,
        )  # fmt: skip

    def lose(self, name: str) -> None:
        """The machine with its disk: every process of the server dies at once, and the folder is gone."""
        process = self._running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)
        self.forget(name)

    def forget(self, name: str) -> None:
        """Its disk is gone."""
        shutil.rmtree(self.folder / name)
        # PostgreSQL leaves the lock of its socket.
        for left in (self.folder / "sockets").glob(f".s.PGSQL.{self.ports[name]}*"):
            left.unlink()

    def stop(self) -> None:
        for process in self._running.values():
            process.send_signal(signal.SIGINT)
        for process in self._running.values():
            process.wait(30)
        self._running.clear()


@contextmanager
def machines() -> Iterator[Machines]:
    with own_folder() as folder:
        made = Machines(folder)
        try:
            yield made
        finally:
            made.stop()
