"""A backup of a system at work, brought back elsewhere: the restored system passes the invariants and goes on."""

import io
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import pytest

from deploy.backup.__main__ import main as command_line
from deploy.embedded.system import ROOT
from tests.system.running import RunningSystem, create, fill, submit


def _environment(settings: dict[str, str]) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("GM_")} | settings


def backup(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it."""
    command = [sys.executable, "-m", "deploy.backup", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=_environment(settings), capture_output=True, text=True, timeout=120, check=False
    )


def backup_here(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The same in this process, since a start costs a second; in a thread of its own, since a browser's tests have an event
    loop already."""
    said, told = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, _environment(settings), clear=True),
        mock.patch.object(sys, "argv", ["backup", *arguments]),
        redirect_stdout(said),
        redirect_stderr(told),
        ThreadPoolExecutor(1) as thread,
    ):
        code = thread.submit(command_line).result()
    return subprocess.CompletedProcess(arguments, code, said.getvalue(), told.getvalue())


class Typist(threading.Thread):
    """Somebody who saves a 暂存 again and again."""

    def __init__(self, system: RunningSystem) -> None:
        super().__init__()
        self._person = system.person("qiye1")
        self._id = create(self._person)
        self._over = threading.Event()
        self.kept = 0

    def run(self) -> None:
        path = f"/applications/{self._id}/sections/social_benefit"
        while not self._over.is_set():
            etag = self._person.call("GET", path).json()["etag"]
            values = {"social_benefit": f"第 {self.kept} 次"}
            self._person.call("PUT", f"{path}/draft", json={"values": values}, etag=etag)
            self.kept += 1

    def stop(self) -> None:
        self._over.set()
        self.join()


@pytest.mark.slow
def test_restored_system_has_everything_and_goes_on(
    system: RunningSystem, make_database: Callable[[], str], tmp_path: Path
) -> None:
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name="备份之前")
    receipt = submit(person, id)["receipt"]
    pdf = person.wait_for(f"/applications/{id}/revisions/1/pdf", 60).content
    assert system.reconcile()["clean"]

    typist = Typist(system)
    typist.start()
    made = backup("create", "--to", str(tmp_path / "backups"), "--var", str(system.var))
    typist.stop()
    assert made.returncode == 0, made.stderr
    assert typist.kept > 0
    [folder] = [path.parent for path in (tmp_path / "backups").glob("*/manifest.json")]
    later = create(person)
    fill(person, later, name="备份之后")
    submit(person, later)

    database_url, store = make_database(), tmp_path / "store"
    given = {"GM_DATABASE_URL": database_url, "GM_STORE_URL": store.as_uri()}
    own = system.description()["environments"]["applications"]
    done = backup("restore", str(folder), **given, GM_MASTER_KEY=own["GM_MASTER_KEY"])
    assert done.returncode == 0, done.stderr
    var = tmp_path / "restored" / "var"
    var.mkdir(parents=True)
    shutil.copy(system.var / "secrets.json", var)
    restored = RunningSystem(var, **given)
    restored.start()
    try:
        report = restored.reconcile()
        assert report["clean"], report
        again = restored.person("qiye1")
        assert [r["number"] for r in again.call("GET", f"/applications/{id}/revisions").json()] == [1]
        assert again.call("GET", f"/applications/{id}/revisions/1/pdf").content == pdf
        # What is sealed with the master key can be read.
        assert again.call("GET", f"/applications/{id}/sections/contact").json()["saved"]["mobile"]
        again.call("GET", f"/applications/{later}", expect=404)
        new = create(again)
        fill(again, new, name="恢复之后")
        number = submit(again, new)["receipt"]["number"]
        assert number > receipt["number"]
        again.wait_for(f"/applications/{new}/revisions/1/pdf", 60)
        assert restored.reconcile()["clean"]
    finally:
        restored.stop()


@pytest.fixture(scope="module")
def made(system: RunningSystem, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of whatever the other tests have left in the system."""
    person = system.person("qiye1")
    fill(person, create(person), name="有附件")
    to = tmp_path_factory.mktemp("backups")
    done = backup("create", "--to", str(to), "--var", str(system.var))
    assert done.returncode == 0, done.stderr
    [manifest] = to.glob("*/manifest.json")
    return manifest.parent


def test_second_backup_copies_only_what_is_new_and_prune_removes_what_none_names(
    system: RunningSystem, made: Path, tmp_path: Path
) -> None:
    to = tmp_path / "copy"
    shutil.copytree(made.parent, to)
    first = {path: path.stat().st_ino for path in (to / "objects").rglob("*") if path.is_file()}
    assert first
    spare = to / "objects" / "attachments" / "aa" / ("a" * 64)
    spare.parent.mkdir(parents=True, exist_ok=True)
    spare.touch()
    os.utime(spare, (0, 0))
    assert backup_here("create", "--to", str(to), "--var", str(system.var)).returncode == 0
    assert {path: path.stat().st_ino for path in first} == first
    done = backup_here("prune", "--to", str(to), "--keep", "1")
    assert done.returncode == 0, done.stderr
    [left] = to.glob("*/manifest.json")
    assert left.parent.name > made.name
    assert not spare.exists()
    assert backup_here("verify", str(left.parent)).returncode == 0


def _sabotaged(made: Path, tmp_path: Path, how: str) -> Path:
    to = tmp_path / "sabotaged"
    shutil.copytree(made.parent, to)
    folder = to / made.name
    attachment = next(path for path in (to / "objects" / "attachments").rglob("*") if path.is_file())
    match how:
        case "no manifest":
            (folder / "manifest.json").unlink()
        case "dump damaged":
            with (folder / "database.dump").open("r+b") as dump:
                dump.seek(100)
                dump.write(b"\0\0\0\0")
        case "object damaged":
            attachment.write_bytes(b"something else")
        case "object missing":
            attachment.unlink()
    return folder


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("no manifest", "is no finished backup"),
        ("dump damaged", "is not what was backed up"),
        ("object damaged", "is damaged"),
        ("object missing", "is missing"),
    ],
)
def test_damaged_backup_is_refused_before_anything_is_written(
    made: Path, tmp_path: Path, how: str, says: str
) -> None:
    done = backup_here("verify", str(_sabotaged(made, tmp_path, how)))
    assert done.returncode == 1
    assert says in done.stderr


def test_restore_needs_an_empty_database_and_the_right_key(
    system: RunningSystem, made: Path, make_database: Callable[[], str], tmp_path: Path
) -> None:
    own = system.description()["environments"]["applications"]
    given = {"GM_DATABASE_URL": own["GM_DATABASE_URL"], "GM_STORE_URL": (tmp_path / "store").as_uri()}
    done = backup_here("restore", str(made), **given, GM_MASTER_KEY=own["GM_MASTER_KEY"])
    assert done.returncode == 1
    assert "not empty" in done.stderr
    given["GM_DATABASE_URL"] = make_database()
    done = backup_here("restore", str(made), **given, GM_MASTER_KEY=own["GM_RECEIPT_KEY"])
    assert done.returncode == 1
    assert "GM_MASTER_KEY is not the key" in done.stderr
    assert not (tmp_path / "store").exists()
    # No secret on any line that a person or a log sees.
    assert own["GM_MASTER_KEY"] not in done.stderr + done.stdout


@pytest.mark.slow
def test_preflight_of_a_whole_system_finds_it_fit(system: RunningSystem) -> None:
    command = [sys.executable, "-m", "deploy.preflight", "--var", str(system.var)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for title in ("网关", "申报服务", "PDF 服务", "通知服务", "连接池合计", "可以迎接截止之夜"):
        assert title in done.stdout
