"""Debian's own servers and moto's S3, each started for a test in a folder and on a port of its own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx
import psycopg
import pytest
import redis

from deploy.embedded.ports import free_port
from deploy.embedded.postgres import account

PASSWORD = "test"
BUCKET = "gongmei"


def program(name: str, package: str, *places: str) -> str:
    """A program's path, or the test is skipped with the package that brings it."""
    found = shutil.which(name, path=os.pathsep.join([*places, os.environ["PATH"], "/usr/sbin"]))
    if found is None:
        pytest.skip(f"{name} is missing: apt-get install {package} (deploy/bootstrap.sh test-all)")
    return found


def wait(ready: Callable[[], Any], process: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            ready()
            return
        except Exception as error:
            if process.poll() is not None or time.monotonic() > until:
                raise AssertionError(log.read_text(errors="replace")[-3000:]) from error
            time.sleep(0.1)


@contextmanager
def running(
    command: list[str], log: Path, ready: Callable[[], Any], env: dict[str, str] | None = None, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A server in the foreground, ended with everything that it started."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, env={**os.environ, **(env or {})}, start_new_session=True, **options
        )
        try:
            wait(ready, process, log)
            yield process
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(20)


def as_server() -> dict[str, Any]:
    """PostgreSQL and pgbouncer refuse to be root."""
    return dict(account().popen)


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder of whom the servers run as; pytest's own are closed to others."""
    who = account()
    folder = Path(tempfile.mkdtemp(prefix="gongmei-servers-"))
    if who.uid is not None:
        os.chown(folder, who.uid, who.gid or 0)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgresql() -> Iterator[str]:
    """Debian's PostgreSQL: the URL of an empty database."""
    initdb = program("initdb", "postgresql", *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"))))
    port = free_port()
    with own_folder() as folder:
        yield from _postgresql(Path(initdb), folder, port)


def _postgresql(initdb: Path, folder: Path, port: int) -> Iterator[str]:
    data, password = folder / "data", folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    subprocess.run(
        [str(initdb), "-D", str(data), "-U", "gongmei", "-A", "scram-sha-256", "--pwfile", str(password), "-E", "UTF8",
         "--locale=C.UTF-8"],
        check=True, capture_output=True, cwd="/", **as_server(),
    )  # fmt: skip
    settings = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": "", "fsync": "off"}
    flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    server = str(initdb.with_name("postgres"))
    url = f"postgresql://gongmei:{PASSWORD}@127.0.0.1:{port}"

    def ready() -> None:
        psycopg.connect(f"{url}/postgres", connect_timeout=2).close()

    with running([server, "-D", str(data), *flags], folder / "postgres.log", ready, cwd="/", **as_server()):
        with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE gongmei")
            # What our connections ask for at their start, which a pooler in between does not pass on.
            connection.execute("ALTER ROLE gongmei SET timezone = 'UTC'")
            connection.execute("ALTER ROLE gongmei SET lock_timeout = '5s'")
        yield f"{url}/gongmei"


@contextmanager
def pgbouncer(database_url: str) -> Iterator[str]:
    """Debian's pgbouncer in transaction mode before a database: the URL through it."""
    server, port = program("pgbouncer", "pgbouncer"), free_port()
    with own_folder() as folder:
        yield from _pgbouncer(server, folder, port, database_url)


def _pgbouncer(server: str, folder: Path, port: int, database_url: str) -> Iterator[str]:
    target = psycopg.conninfo.conninfo_to_dict(database_url)
    users = folder / "users.txt"
    users.write_text(f'"gongmei" "{PASSWORD}"\n')
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\ngongmei = host=127.0.0.1 port={target['port']} dbname=gongmei\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = scram-sha-256\nauth_file = {users}\npool_mode = transaction\n"
        "default_pool_size = 20\nmax_client_conn = 400\n"
        "ignore_startup_parameters = extra_float_digits,options\n"
    )
    url = f"postgresql://gongmei:{PASSWORD}@127.0.0.1:{port}/gongmei"

    def ready() -> None:
        psycopg.connect(url, connect_timeout=2, prepare_threshold=None).close()

    with running([server, str(settings)], folder / "pgbouncer.log", ready, cwd="/", **as_server()):
        yield url


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Debian's Redis, as a broker has to be: its URL."""
    server, port = program("redis-server", "redis-server"), free_port()
    folder.mkdir()
    command = [
        server, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "",
        "--appendonly", "yes", "--maxmemory-policy", "noeviction",
    ]  # fmt: skip

    def ready() -> None:
        with redis.Redis(port=port) as client:
            client.ping()

    with running(command, folder / "redis.log", ready):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def rabbitmq(folder: Path) -> Iterator[str]:
    """Debian's RabbitMQ with a node of its own: its URL."""
    server = program("rabbitmq-server", "rabbitmq-server", "/usr/lib/rabbitmq/bin")
    script = next(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"), Path(server))
    port, distribution = free_port(), free_port()
    folder.mkdir()
    env = {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"gongmei{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "ERL_EPMD_PORT": str(free_port()),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }
    (folder / "rabbitmq.conf").write_text("")
    (folder / "plugins").write_text("[].")
    url = f"amqp://guest:guest@127.0.0.1:{port}//"

    def ready() -> None:
        from kombu import Connection

        with Connection(url, connect_timeout=2) as connection:
            connection.ensure_connection(max_retries=1)

    with running([str(script)], folder / "rabbitmq.log", ready, env):
        yield url


@contextmanager
def s3(folder: Path) -> Iterator[dict[str, str]]:
    """moto's S3 with an empty bucket: what an S3 client is told, as environment."""
    folder.mkdir()
    port = free_port()
    told = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    moto = str(Path(sys.executable).parent / "moto_server")

    def ready() -> None:
        httpx.get(told["AWS_ENDPOINT_URL"], trust_env=False).raise_for_status()

    with running([moto, "-H", "127.0.0.1", "-p", str(port)], folder / "moto.log", ready):
        bucket_client(told).create_bucket(Bucket=BUCKET)
        yield told


def bucket_client(told: dict[str, str]) -> Any:
    return boto3.client(
        "s3", endpoint_url=told["AWS_ENDPOINT_URL"], region_name=told["AWS_REGION"],
        aws_access_key_id="test", aws_secret_access_key="test",
    )  # fmt: skip
