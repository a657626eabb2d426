"""Workers that die: what was accepted still gets its one PDF and its one mail."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deploy.demo.client import Person
from deploy.embedded.system import ROOT
from tests.conftest import ValkeyServer
from tests.faults.witness import clean as _clean
from tests.system.mail_server import MailServer
from tests.system.running import RunningSystem, create, fill, submit


def _submitted(person: Person, name: str) -> tuple[str, str]:
    id = create(person)
    fill(person, id, name=name)
    return id, submit(person, id)["receipt"]["number"]


def _until_rendering(person: Person, id: str) -> None:
    until = time.monotonic() + 20
    while True:
        answer = person.call("POST", f"/applications/{id}/revisions/1/pdf", expect=(200, 202)).json()
        if answer["status"] == "rendering":
            return
        assert answer["status"] == "queued", "the worker was faster than the test"
        assert time.monotonic() < until
        time.sleep(0.01)


def _pdf_files(system: RunningSystem, store: Path) -> int:
    """How many PDFs the store holds, once nothing is under way any more."""
    _clean(system)
    return len(list((store / "pdf").rglob("*.pdf")))


@pytest.mark.fault("PDF child killed")
def test_child_killed_while_it_renders(system: RunningSystem, store: Path) -> None:
    person = system.person("qiye1")
    before = _pdf_files(system, store)
    id, _ = _submitted(person, "子进程被终止")
    _until_rendering(person, id)
    [child, *_] = psutil.Process(system.pid("documents")).children()
    child.kill()
    # The broker gives the message back at once, and the same worker may go on without waiting for the lease.
    person.wait_for(f"/applications/{id}/revisions/1/pdf", 60)
    assert _pdf_files(system, store) == before + 1


@pytest.mark.fault("worker group killed")
@pytest.mark.slow
def test_worker_killed_while_it_renders(system: RunningSystem, store: Path) -> None:
    person = system.person("qiye1")
    before = _pdf_files(system, store)
    id, _ = _submitted(person, "整个工作进程被终止")
    _until_rendering(person, id)
    os.killpg(system.pid("documents"), signal.SIGKILL)
    person.wait_for(f"/applications/{id}/revisions/1/pdf", 60)
    assert _pdf_files(system, store) == before + 1


@pytest.mark.fault("any one process killed")
@pytest.mark.parametrize("name", ["gateway", "applications", "notify", "relay", "documents", "notify-worker"])
def test_killing_one_leaves_the_others_serving(system: RunningSystem, name: str) -> None:
    before = {other: process["pid"] for other, process in system.description()["processes"].items()}
    system.kill(name)
    until = time.monotonic() + 30
    while system.description()["processes"][name]["pid"] in {None, before[name]}:
        assert time.monotonic() < until, "it was not restarted"
        time.sleep(0.05)
    after = {other: process["pid"] for other, process in system.description()["processes"].items()}
    assert {other for other in before if before[other] != after[other]} == {name}
    _until_served(system)


def _until_served(system: RunningSystem) -> None:
    """Somebody can sign in and list projects again."""
    until = time.monotonic() + 30
    while True:
        try:
            person = system.person("qiye2", anew=True)
            person.call("GET", "/applications")
            person.call("GET", "/notifications")
            return
        except Exception:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


@pytest.mark.fault("relay killed around publishing")
@pytest.mark.slow
@pytest.mark.parametrize("moment", ["claimed", "published"])
def test_relay_killed_around_publishing(moment: str, tmp_path: Path, mail_server: MailServer) -> None:
    system = RunningSystem(tmp_path / "var", "relay=0", GM_SMTP_URL=mail_server.url, GM_PUBLISH_LEASE_SECONDS="3")
    system.start()
    try:
        _, number = _submitted(system.person("qiye1"), "转发进程被终止")
        environment = system.description()["environments"]["applications"]
        command = [sys.executable, "-m", "tests.faults.dying_relay", moment]
        assert subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == -signal.SIGKILL
        healthy = subprocess.Popen(
            [sys.executable, "-m", "services.applications", "relay"],
            cwd=ROOT,
            env=environment,
            stderr=subprocess.DEVNULL,
        )
        _clean(system)
        healthy.terminate()
        healthy.wait(20)
        assert len([m for m in mail_server.messages if number in m["Subject"]]) >= 1
    finally:
        system.stop()


@pytest.mark.fault("broker stopped")
def test_stopped_broker_signs_nobody_out_and_stops_no_submission(
    system: RunningSystem, broker: ValkeyServer
) -> None:
    person, other = system.person("qiye1"), system.person("qiye2")
    ready = []
    for n in range(2):
        id = create(person)
        fill(person, id, name=f"消息服务停止 {n}")
        ready.append(id)
    began = time.monotonic()
    submit(person, ready[0])
    usual = time.monotonic() - began
    broker.stop()
    try:
        # The first call finds out that the cache is away; nobody notices more than that.
        assert other.call("GET", "/me").json()["enterprise"]["uscc"]
        began = time.monotonic()
        receipt = submit(person, ready[1])["receipt"]
        took = time.monotonic() - began
        assert receipt["revision"] == 1
        assert took < 2 * usual + 1, (took, usual)
        answer = person.call("POST", f"/applications/{ready[1]}/revisions/1/pdf", expect=202).json()
        assert answer["status"] == "queued"
    finally:
        broker.start()
    person.wait_for(f"/applications/{ready[1]}/revisions/1/pdf", 60)
    _clean(system)


@pytest.mark.fault("broker frozen")
def test_frozen_broker_stops_no_submission(system: RunningSystem, broker: ValkeyServer) -> None:
    person = system.person("qiye1")
    id = create(person)
    fill(person, id, name="消息服务无响应")
    assert broker.process is not None
    broker.process.send_signal(signal.SIGSTOP)
    try:
        assert submit(person, id)["receipt"]["revision"] == 1
    finally:
        broker.process.send_signal(signal.SIGCONT)
    person.wait_for(f"/applications/{id}/revisions/1/pdf", 60)
    _clean(system)


@pytest.mark.slow
@pytest.mark.fault("worker hung")
def test_hung_worker_is_overtaken_and_changes_nothing_when_it_wakes(system: RunningSystem, store: Path) -> None:
    person = system.person("qiye1")
    before = _pdf_files(system, store)
    id, _ = _submitted(person, "工作进程停滞")
    _until_rendering(person, id)
    group = system.pid("documents")
    os.killpg(group, signal.SIGSTOP)
    helper = subprocess.Popen(
        [sys.executable, "-m", "services.documents", "worker"],
        cwd=ROOT,
        env=system.description()["environments"]["documents"],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        person.wait_for(f"/applications/{id}/revisions/1/pdf", 60)
    finally:
        os.killpg(group, signal.SIGCONT)
        helper.terminate()
        helper.wait(30)
    time.sleep(2)
    assert _pdf_files(system, store) == before + 1
