"""The whole story on the servers of a production: Debian's PostgreSQL behind pgbouncer, Debian's Redis, RabbitMQ with
quorum queues, S3. Nothing of the embedded default is left but the mail sink."""

import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from aiohttp.test_utils import TestClient, TestServer
from kombu import Connection

from deploy.demo.story import Story, Teller
from services.applications.app import create_app
from shared.database import engine
from shared.settings import DatabaseSettings
from tests import factories
from tests.integration.applications.conftest import make_settings
from tests.production import servers
from tests.system.running import RunningSystem, create, fill, submit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def tell(system: RunningSystem, folder: Path) -> None:
    Story(system.url, system.mail_page, Teller(lambda _: None, lambda _: None, folder)).tell()
    report = system.reconcile()
    assert report["clean"], report
    assert report["counts"]["accepted"] == report["counts"]["pdfs"] == 2


def test_postgresql_behind_pgbouncer_with_redis(tmp_path: Path) -> None:
    with ExitStack() as stack:
        database = stack.enter_context(servers.postgresql())
        pooled = stack.enter_context(servers.pgbouncer(database))
        broker = stack.enter_context(servers.redis_server(tmp_path / "redis"))
        system = RunningSystem(
            tmp_path / "var", GM_DATABASE_URL=pooled, GM_REDIS_URL=broker, GM_BROKER_URL=f"{broker[:-1]}1"
        )
        system.start()
        stack.callback(system.stop)
        tell(system, tmp_path)
        # What pgbouncer would mix up is prepared only where nobody stands between.
        assert [_prepares(url) for url in (database, pooled)] == [True, False]


def _prepares(url: str) -> bool:
    """Whether a connection of ours prepares what it is asked often."""
    made = engine(DatabaseSettings(
        database_url=url, signing_key=factories.private_key("notify"), trusted_keys=factories.trusted_keys()  # type: ignore[arg-type]
    ))  # fmt: skip
    try:
        with made.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            return driver.prepare_threshold is not None
    finally:
        made.dispose()


def test_store_in_s3(tmp_path: Path, make_database, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    with servers.s3(tmp_path / "s3") as told:
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        system = RunningSystem(
            tmp_path / "var", GM_DATABASE_URL=make_database(), GM_STORE_URL=f"s3://{servers.BUCKET}"
        )
        system.start()
        try:
            tell(system, tmp_path)
        finally:
            system.stop()
        keys = [o["Key"] for o in servers.bucket_client(told).list_objects_v2(Bucket=servers.BUCKET)["Contents"]]
        assert len([k for k in keys if k.startswith("pdf/")]) >= 2
        assert any(k.startswith("attachments/") for k in keys)
        assert [file for file in (tmp_path / "var" / "store").rglob("*") if file.is_file()] == []


async def test_process_without_its_bucket_is_not_ready(
    tmp_path: Path, make_migrated_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it was there once: a store that goes away later stops nobody who only types."""
    with servers.s3(tmp_path / "s3") as told:
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        settings = make_settings(make_migrated_database(), tmp_path, store_url="s3://forgotten")
        async with TestClient(TestServer(create_app(settings))) as client:
            answer = await client.get("/readyz")
            assert (answer.status, (await answer.json())["faults"].keys()) == (503, {"store"})
            bucket = servers.bucket_client(told)
            bucket.create_bucket(Bucket="forgotten")
            assert (await client.get("/readyz")).status == 200
            bucket.delete_bucket(Bucket="forgotten")
            assert (await client.get("/readyz")).status == 200


def test_rabbitmq_with_quorum_queues(tmp_path: Path, make_database) -> None:  # type: ignore[no-untyped-def]
    with servers.rabbitmq(tmp_path / "rabbitmq") as broker:
        system = RunningSystem(
            tmp_path / "var",
            GM_DATABASE_URL=make_database(),
            GM_BROKER_URL=broker,
            GM_PUBLISH_LEASE_SECONDS="3",
            GM_JOB_LEASE_SECONDS="5",
        )
        system.start()
        try:
            tell(system, tmp_path)
            with Connection(broker) as connection, connection.channel() as channel:
                for queue in ("documents", "notify"):
                    # Declared differently it would be refused: it is a quorum queue.
                    channel.queue_declare(
                        queue, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"}
                    )
            # The child that renders dies: the message comes again, and the PDF is there.
            person = system.person("qiye1")
            id = create(person)
            fill(person, id)
            receipt = submit(person, id)["receipt"]
            until = time.monotonic() + 5
            while time.monotonic() < until:
                found = subprocess.run(
                    ["pgrep", "-P", str(system.pid("documents"))], capture_output=True, text=True, check=False
                )
                children = found.stdout.split()
                if children:
                    subprocess.run(["kill", f"-{signal.SIGKILL}", children[0]], check=False)
                    break
            person.wait_for(f"/applications/{id}/revisions/{receipt['revision']}/pdf", 60)
            assert system.reconcile()["clean"]
        finally:
            system.stop()
