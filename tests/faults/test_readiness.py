"""A process that hands work over says that it is ready only while it can: broker and database answer."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.embedded.system import ROOT
from tests.conftest import ValkeyServer
from tests.system.fault_proxy import FaultProxy
from tests.system.running import RunningSystem

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PROCESSES = {
    "relay": ("applications", "relay"),
    "documents": ("documents", "worker"),
    "notify-worker": ("notify", "worker"),
}
# Patience with a busy machine; a worker that lost the broker asks again within half a minute.
SECONDS = 120


def _until(true: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < until, what
        time.sleep(0.1)


@contextmanager
def _running(system: RunningSystem, folder: Path) -> Iterator[dict[str, Path]]:
    """One of each beside the system's own, with the file by which each says that it is ready."""
    environments = system.description()["environments"]
    files = {name: folder / name for name in PROCESSES}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", f"services.{service}", command],
            cwd=ROOT, env={**environments[service], "GM_READY_FILE": str(files[name])},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for name, (service, command) in PROCESSES.items()
    ]  # fmt: skip
    try:
        yield files
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)


@pytest.mark.fault("broker stopped")
def test_nobody_is_ready_without_the_broker(
    system: RunningSystem, broker: ValkeyServer, wire: FaultProxy, tmp_path: Path
) -> None:
    # What one that was killed left there says nothing.
    (tmp_path / "documents").touch()
    broker.stop()
    try:
        with _running(system, tmp_path) as files:
            _until(lambda: not files["documents"].exists(), "an old file is taken for a new one")
            time.sleep(5)
            assert [name for name, file in files.items() if file.exists()] == []
            broker.start()
            _until(lambda: all(file.exists() for file in files.values()), "not ready with the broker")
            broker.stop()
            _until(lambda: not any(file.exists() for file in files.values()), "still ready without the broker")
            broker.start()
            _until(lambda: all(file.exists() for file in files.values()), "not ready again")
            wire.freeze()
            try:
                _until(lambda: not files["relay"].exists(), "a relay is ready without the database")
            finally:
                wire.thaw()
            _until(lambda: files["relay"].exists(), "not ready again")
        assert not any(file.exists() for file in files.values())
    finally:
        if broker.process is None or broker.process.poll() is not None:
            broker.start()
