"""A real system of which every replaceable part was replaced: database, cache, broker, store and mail server belong
to the tests, so that they can be stopped and made to refuse."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import ValkeyServer
from tests.system.fault_proxy import FaultProxy
from tests.system.mail_server import MailServer
from tests.system.running import RunningSystem

STORE_MB = 64


@pytest.fixture(scope="package")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path_factory.mktemp("broker"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="package")
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def mails() -> Iterator[MailServer]:
    """Of a module with a system of its own: application numbers begin anew with each database."""
    server = MailServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="package")
def store() -> Iterator[Path]:
    """The store's folder: for root a small file system of its own, which a test can fill. Not among pytest's own folders: a run that
    is killed leaves it mounted, and the next run's tidying would fail on it."""
    folder = Path(tempfile.mkdtemp(prefix="gm-store-"))
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={STORE_MB}m", "tmpfs", str(folder)], check=False
        ).returncode
    )
    yield folder
    if mounted:
        # Lazily: a process that is still ending may have it open.
        subprocess.run(["umount", "--lazy", str(folder)], check=False)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="package")
def database_url_behind(make_migrated_database: Callable[[], str]) -> str:
    """The database itself, past the proxy that the services go through."""
    return make_migrated_database()


@pytest.fixture(scope="package")
def wire(database_url_behind: str) -> Iterator[FaultProxy]:
    """The wire between the services and their database."""
    port = urlsplit(database_url_behind).port
    assert port is not None
    proxy = FaultProxy(port)
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture(scope="package")
def system(
    database_url_behind: str,
    wire: FaultProxy,
    store: Path,
    broker: ValkeyServer,
    mail_server: MailServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningSystem]:
    running = RunningSystem(
        tmp_path_factory.mktemp("faults") / "var",
        GM_DATABASE_URL=database_url_behind.replace(f":{urlsplit(database_url_behind).port}/", f":{wire.port}/"),
        GM_STORE_URL=store.as_uri(),
        GM_REDIS_URL=broker.url,
        GM_BROKER_URL=broker.url,
        GM_SMTP_URL=mail_server.url,
        GM_NOTIFY_RETRY_SECONDS="0.5",
        GM_SMTP_TIMEOUT_SECONDS="2",
        # A fault's consequences are the same with shorter leases, only sooner over.
        GM_PUBLISH_LEASE_SECONDS="3",
        # Longer than a document takes on a machine that is very busy: three starts that each outlast their lease put it aside, and
        # every test after that finds something parked.
        GM_JOB_LEASE_SECONDS="8",
    )
    running.start()
    yield running
    running.stop()
