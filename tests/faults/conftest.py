"""A real system of which every replaceable part was replaced: database, cache, broker, store and mail server belong
to the tests, so that they can be stopped and made to refuse."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ValkeyServer
from tests.system.mail_server import MailServer
from tests.system.running import RunningSystem


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


@pytest.fixture(scope="package")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="package")
def system(
    make_database: Callable[[], str],
    store: Path,
    broker: ValkeyServer,
    mail_server: MailServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningSystem]:
    running = RunningSystem(
        tmp_path_factory.mktemp("faults") / "var",
        GM_DATABASE_URL=make_database(),
        GM_STORE_URL=store.as_uri(),
        GM_REDIS_URL=broker.url,
        GM_BROKER_URL=broker.url,
        GM_SMTP_URL=mail_server.url,
        GM_NOTIFY_RETRY_SECONDS="0.5",
    )
    running.start()
    yield running
    running.stop()
