"""`make run` itself: what it starts, what it leaves behind, and how it says that it cannot."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deploy.embedded.plan import PORTS
from deploy.embedded.ports import free_port
from deploy.embedded.system import ROOT
from tests.system.running import RunningSystem, create

OURS = {"gateway", "applications", "relay", "documents", "notify", "notify-worker"}


def test_replaced_parts_are_not_started(system: RunningSystem) -> None:
    assert system.description()["processes"].keys() == OURS


def test_pdfs_leave_the_processors_to_people(system: RunningSystem) -> None:
    ours = psutil.Process(system.pid("gateway")).nice()
    assert psutil.Process(system.pid("applications")).nice() == ours
    assert psutil.Process(system.pid("documents")).nice() > ours


@pytest.mark.slow
def test_it_stops_whole_and_keeps_its_data(tmp_path: Path) -> None:
    system = RunningSystem(tmp_path / "var", "relay=2", from_nothing=True)
    system.start()
    try:
        names = system.description()["processes"].keys()
        assert names == OURS - {"relay"} | {"relay-1", "relay-2", "postgres", "valkey", "mail"}
        id = create(system.person("qiye1"))
        assert system.process is not None
        running = psutil.Process(system.process.pid).children(recursive=True)
        assert len(running) > len(names)
    finally:
        system.stop()
    assert [process for process in running if process.is_running()] == []
    system.start()
    try:
        assert system.person("qiye1").call("GET", f"/applications/{id}").json()["state"] == "draft"
    finally:
        system.stop()


def _refused(*arguments: str, var: Path, **settings: str) -> str:
    """The one line it ends with."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GM_")} | settings
    command = [sys.executable, "-m", "deploy.local", "--var", str(var), "run", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("cannot run: ")
    return line


def test_taken_port_is_named_with_its_setting(tmp_path: Path) -> None:
    # Ports of our own, for the system may run on this machine already.
    others = {name: str(free_port()) for name in PORTS}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = _refused(var=tmp_path / "var", **others | {"GM_NOTIFY_PORT": port})
    assert f"port {port} is already in use" in line
    assert "GM_NOTIFY_PORT" in line


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert f"cannot write to {tmp_path / 'file' / 'var'}" in _refused(var=tmp_path / "file" / "var")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"GM_GATEWAY_PORT": "8o80"}, "GM_GATEWAY_PORT=8o80 is no port"),
        ({"GM_SESION_HOURS": "8"}, "there is no setting GM_SESION_HOURS"),
        ({"GM_DATABASE_URL": "postgresql://u:p@127.0.0.1:1/x"}, "GM_DATABASE_URL: 无法连接数据库"),
        ({"GM_SESSION_HOURS": "many"}, "配置错误 GM_SESSION_HOURS"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_wrong_setting_is_named(tmp_path: Path, settings: dict[str, str], says: str) -> None:
    arguments = [] if "GM_GATEWAY_PORT" in settings else ["--free-ports"]
    assert says in _refused(*arguments, var=tmp_path / "var", **settings)


def test_unknown_count_is_named(tmp_path: Path) -> None:
    assert "'documnts=2' is no count" in _refused("documnts=2", var=tmp_path / "var")
