"""What every test stands on: a real PostgreSQL and a real Valkey of their own, and no network beyond loopback."""

import gc
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from uuid import uuid4

import hypothesis
import pytest
import redis
from pytest_socket import disable_socket, enable_socket, socket_allow_hosts
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from deploy.embedded import valkey
from deploy.embedded.ports import free_port
from deploy.embedded.postgres import Postgres
from tests.system import cluster

pytest_plugins = ["tests.faults.report", "tests.recorded"]
# How long one example takes says more of the machine, and of who else works on it, than of the code. Each run draws other examples:
# `make test` fewer at a time, whoever runs the slow tests too as many as Hypothesis usually does.
hypothesis.settings.register_profile("quick", deadline=None, max_examples=25)
hypothesis.settings.register_profile("thorough", deadline=None)

TESTS = Path(__file__).parent

# What takes longest begins first, so that no worker is left alone with it at the end; after these, files with slow tests.
FIRST = ("containers", "faults", "e2e", "load", "unit/documents")
# Files of the fault matrix that start a system of their own; the others share one.
OWN_SYSTEM = ("test_away_for_long.py", "test_documents.py", "test_restarts.py")


# About half of what the browser's tests cost stands before it by the alphabet.
E2E_SECOND_HALF = "tests/e2e/test_f"


class BySystem(LoadScopeScheduling):
    """Hands out files whole; together those that share a system, which takes 15 seconds of CPU to start and a twentieth of a
    processor while it waits: the fault matrix, and the browser's tests; those that share the one engine of containers; and
    those of documents, which share a press and what it has printed. The browser's tests are handed out in two halves, each with
    a system: one after the other they take longer than all the rest on every other core."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.startswith("tests/e2e/"):
            return "e2e, first half" if file < E2E_SECOND_HALF else "e2e, second half"
        if file.startswith("tests/containers/"):
            return "containers"
        if file.startswith("tests/unit/documents/"):
            return "documents"
        return "faults" if file.startswith("tests/faults/") and not file.endswith(OWN_SYSTEM) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> BySystem:
    return BySystem(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shuffle", type=int, metavar="SEED", help="files, and the tests of each, in an order of chance"
    )
    parser.addoption("--long", action="store_true", help="also what is marked as long")


def pytest_configure(config: pytest.Config) -> None:
    hypothesis.settings.load_profile("quick" if config.option.markexpr == "not slow" else "thorough")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--long"):
        left_out = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("long")]
    if (seed := config.getoption("--shuffle")) is not None:
        chance = Random(seed)
        files: dict[Path, list[pytest.Item]] = {}
        for item in items:
            files.setdefault(item.path, []).append(item)
        for tests in files.values():
            chance.shuffle(tests)
        items[:] = [item for path in chance.sample(list(files), len(files)) for item in files[path]]
    long = {item.path for item in items if item.get_closest_marker("slow")}

    def rank(item: pytest.Item) -> int:
        parents = {str(folder) for folder in item.path.relative_to(TESTS).parents}
        begins = [place for place, folder in enumerate(FIRST) if folder in parents]
        return begins[0] if begins else len(FIRST) + (item.path not in long)

    items.sort(key=rank)


def pytest_collection_finish() -> None:
    """Keep what is imported and collected out of the garbage collector's sight: a third of a second each time, and every
    rendered document ends with a collection."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Unit tests have no network; the others only this machine's loopback, and those of containers their engine's bridges."""
    inside = request.path.relative_to(TESTS).parts
    if inside[0] in {"unit", "architecture"}:
        disable_socket(allow_unix_socket=True)
    else:
        bridges = ["172.16.0.0/12", "192.168.0.0/16", "10.0.0.0/8"] if inside[0] == "containers" else []
        socket_allow_hosts(["127.0.0.1", "::1", *bridges], allow_unix_socket=True)
    yield
    enable_socket()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A cluster for this run, without fsync: nothing of it outlives the run."""
    folder = tmp_path_factory.mktemp("postgres")
    server = Postgres(folder / "data", free_port(), cluster.PASSWORD, durable=False)
    try:
        cluster.put(folder / "data")
        # At once: nothing of it is kept, and connections that nobody closed are not waited for.
        with cluster.serving(server, folder / "log", signal.SIGQUIT):
            yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def make_database(postgres: Postgres) -> Callable[[], str]:
    """Makes empty databases; gives their URLs."""

    def make() -> str:
        name = f"t{uuid4().hex[:12]}"
        postgres.create_database(name)
        return postgres.url(name)

    return make


@pytest.fixture(scope="session")
def make_migrated_database(postgres: Postgres) -> Callable[[], str]:
    """Makes databases in which every service's migrations ran; gives their URLs."""

    def make() -> str:
        name = f"t{uuid4().hex[:12]}"
        cluster.clone(postgres, name)
        return postgres.url(name)

    return make


@pytest.fixture(scope="module")
def database_url(make_migrated_database: Callable[[], str]) -> str:
    """A migrated database for one test module."""
    return make_migrated_database()


class ValkeyServer:
    """A server that a test may stop, freeze and start again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return valkey.url(self.port, 0)

    def start(self) -> None:
        command = valkey.command(self._folder, self.port)
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with redis.Redis(port=self.port) as client:
            until = time.monotonic() + 10
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.02)

    def stop(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def forget(self) -> None:
        """While stopped: what it had written is gone."""
        shutil.rmtree(self._folder)


@pytest.fixture(scope="module")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def redis_url(valkey_server: ValkeyServer) -> str:
    return valkey_server.url
