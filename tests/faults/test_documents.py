"""What may happen while a document is made: its worker dies in any phase, the store or applications is away for long."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.demo.client import Person
from tests.faults.witness import clean, document
from tests.system.running import RunningSystem, create, fill, submit

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def workerless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """A system whose documents workers the tests bring along."""
    running = RunningSystem(
        tmp_path_factory.mktemp("documents") / "var",
        "documents=0",
        GM_PUBLISH_LEASE_SECONDS="3",
        GM_JOB_LEASE_SECONDS="3",
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def person(workerless: RunningSystem) -> Person:
    return workerless.person("qiye1")


def pdfs(system: RunningSystem) -> set[Path]:
    return set((system.var / "store" / "pdf").rglob("*.pdf"))


def submitted(person: Person, name: str) -> tuple[str, dict[str, object]]:
    id = create(person)
    fill(person, id, name=name)
    return id, submit(person, id)["receipt"]


# What a dead child had rendered: under its recipe it is found and not made again.
RENDERED = {"fetching": 1, "rendering": 1, "storing": 2, "stored": 2, "recording": 1, "recorded": 1}


@pytest.mark.fault("worker killed in a phase")
@pytest.mark.parametrize(
    ("whom", "phase"), [*(("child", phase) for phase in RENDERED), ("group", "storing"), ("group", "recorded")]
)
def test_killed_in_any_phase_leaves_one_whole_document(
    workerless: RunningSystem, person: Person, tmp_path: Path, whom: str, phase: str
) -> None:
    before = pdfs(workerless)
    id, receipt = submitted(person, f"工作进程终止于{phase}")
    with workerless.worker("tests.faults.dying_worker", phase, whom, str(tmp_path)) as dying:
        if whom == "group":
            assert dying.wait(60) == -signal.SIGKILL
            with workerless.worker():
                document(person, id, receipt)
        else:
            document(person, id, receipt)
        clean(workerless)
    assert (tmp_path / "died").exists()
    assert len(pdfs(workerless) - before) == 1
    if whom == "child":
        assert (tmp_path / "rendered").read_text().count("one") == RENDERED[phase]


@pytest.mark.fault("store away")
def test_a_store_that_is_away_parks_nothing(workerless: RunningSystem, person: Person) -> None:
    store = workerless.var / "store"
    away = store / "pdf-away"
    (store / "pdf").mkdir(exist_ok=True)
    with workerless.worker():
        (store / "pdf").rename(away)
        # Where the folder was nobody can write.
        (store / "pdf").write_bytes(b"")
        try:
            id, receipt = submitted(person, "存储中断")
            # Longer than three starts would take that were counted.
            time.sleep(25)
            answer = person.call("GET", f"/applications/{id}/revisions/1/pdf", expect=202).json()
            assert answer["status"] in {"queued", "rendering"}
        finally:
            (store / "pdf").unlink()
            away.rename(store / "pdf")
        document(person, id, receipt)
        clean(workerless)


@pytest.mark.fault("applications away for a minute")
@pytest.mark.timeout(300)
def test_a_minute_without_applications_loses_no_document(
    workerless: RunningSystem, person: Person, tmp_path: Path
) -> None:
    before = pdfs(workerless)
    made = [submitted(person, f"申报服务中断{n}") for n in range(4)]
    group = workerless.pid("applications")
    with workerless.worker():
        until = time.monotonic() + 60
        while len(pdfs(workerless)) == len(before):
            assert time.monotonic() < until, "the worker made nothing"
            time.sleep(0.01)
        # Stopped and not ended: nobody restarts it, whoever asks hangs.
        os.kill(group, signal.SIGSTOP)
        try:
            time.sleep(60)
        finally:
            os.kill(group, signal.SIGCONT)
        _reached_again(person, made[0][0])
        for id, receipt in made:
            document(person, id, receipt, 120)
        clean(workerless)
    assert len(pdfs(workerless) - before) == len(made)


def _reached_again(person: Person, id: str, seconds: float = 20) -> None:
    """The gateway leaves a service that hung alone for a while; whoever asks meanwhile is told when to come again."""
    until = time.monotonic() + seconds
    while (answer := person.send("GET", f"/applications/{id}")).status_code != 200:
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True), answer.text
        assert time.monotonic() < until, "applications is awake and nobody asks it"
        time.sleep(min(float(answer.headers["Retry-After"]), 2))
