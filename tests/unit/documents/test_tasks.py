"""The worker's one task against a real store: what is found again, what is reported, whose fault a failure was."""

import hashlib
import json
import multiprocessing
import resource
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from services.documents import recipe, rendering, tasks
from services.documents.tasks import Worker
from services.documents.worker import limit_memory
from shared import clock
from shared.document import AnyDocument, DocumentModel
from shared.errors import Unavailable, UpstreamFailed
from shared.messages import FailJob, FinishDocument, JobFinished, JobStarted, RenderDocument
from shared.store import Store, pdf_key
from tests.unit.documents import models


class Applications:
    """The other side of the hand-over, in memory: hands out one model, keeps what is reported."""

    def __init__(self, model: AnyDocument) -> None:
        self.model = model
        self.finished: list[FinishDocument] = []
        self.failed: list[FailJob] = []
        self.away = 0

    def start(self, job: UUID, *, redelivered: bool) -> JobStarted:
        return JobStarted(token=uuid4(), leased_until=clock.now(), payload=RenderDocument(document_id=uuid4()))

    def document_model(self, document: UUID) -> AnyDocument:
        return self.model

    def finish(self, job: UUID, effect: FinishDocument) -> JobFinished:
        if self.away:
            self.away -= 1
            raise Unavailable
        self.finished.append(effect)
        return JobFinished(sha256=effect.sha256)

    def fail(self, job: UUID, failure: FailJob) -> None:
        self.failed.append(failure)


@pytest.fixture
def worker(press: rendering.Press, tmp_path: Path) -> Worker:
    made = Worker(press, recipe.base(fast=press.faster))
    made.store = Store.from_url(f"file://{tmp_path}/store")
    made.jobs = Applications(models.commitment())  # type: ignore[assignment]
    return made


@pytest.fixture
def applications(worker: Worker) -> Applications:
    assert isinstance(worker.jobs, Applications)
    return worker.jobs


def files(tmp_path: Path) -> list[Path]:
    return [file for file in (tmp_path / "store" / "pdf").rglob("*") if file.is_file()]


def test_the_file_stands_under_its_content(worker: Worker, applications: Applications, tmp_path: Path) -> None:
    assert worker.work(uuid4(), redelivered=False) == "done"
    [effect] = applications.finished
    content = worker.store.get(pdf_key(effect.sha256))
    assert hashlib.sha256(content).hexdigest() == effect.sha256
    assert (len(content), effect.pages) == (effect.size, 1)
    assert len(files(tmp_path)) == 1


def test_what_was_made_is_found_and_not_made_again(
    worker: Worker, applications: Applications, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.work(uuid4(), redelivered=False)

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("rendered a second time")

    monkeypatch.setattr(tasks, "render", never)
    assert worker.work(uuid4(), redelivered=True) == "done"
    first, second = applications.finished
    assert (first.sha256, first.size, first.pages) == (second.sha256, second.size, second.pages)


def test_a_spoilt_file_is_not_taken_for_the_document(
    worker: Worker, applications: Applications, tmp_path: Path
) -> None:
    worker.work(uuid4(), redelivered=False)
    [file] = files(tmp_path)
    file.write_bytes(file.read_bytes()[:-1])
    assert recipe.known(worker.store, recipe.of(worker.base, applications.model)) is None


def test_another_model_or_other_templates_are_another_recipe(worker: Worker) -> None:
    document = models.commitment()
    changed = document.model_copy(update={"text": document.text + "。"})
    assert len({recipe.of(worker.base, document), recipe.of(worker.base, changed), recipe.of("x", document)}) == 3


def test_applications_that_restart_just_now_are_told_a_little_later(
    worker: Worker, applications: Applications, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "FINISH_PAUSES", (0.0, 0.0))
    applications.away = 2
    assert worker.work(uuid4(), redelivered=False) == "done"
    assert (len(applications.finished), applications.failed) == (1, [])


def test_a_store_that_cannot_be_written_is_nobodys_fault(
    worker: Worker, applications: Applications, tmp_path: Path
) -> None:
    (tmp_path / "store" / "pdf").write_bytes(b"a file where a folder should be")
    assert worker.work(uuid4(), redelivered=False) == "failed"
    [failure] = applications.failed
    assert (failure.retry, failure.counted) == (True, False)
    assert applications.finished == []


def test_a_document_that_comes_out_wrong_counts(worker: Worker, applications: Applications) -> None:
    applications.model = models.commitment().model_copy(update={"expected": ["不在文中的话"]})
    assert worker.work(uuid4(), redelivered=False) == "failed"
    [failure] = applications.failed
    assert failure.counted
    assert "不在文中的话" in failure.reason


def test_a_broken_contract_counts(
    worker: Worker, applications: Applications, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: UUID) -> AnyDocument:
        return DocumentModel.model_validate_json(json.dumps({"kind": "novel"})).root

    monkeypatch.setattr(applications, "document_model", broken)
    assert worker.work(uuid4(), redelivered=False) == "failed"
    [failure] = applications.failed
    assert failure.counted
    assert ValidationError.__name__ in failure.reason


@pytest.mark.parametrize(("error", "counted"), [(Unavailable(), False), (UpstreamFailed(), True)])
def test_a_document_over_which_applications_stumbles_is_parked_in_the_end(
    worker: Worker,
    applications: Applications,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    counted: bool,
) -> None:
    """Else it would be tried every three seconds for ever, in a place that others wait for."""

    def stumble(_: UUID) -> AnyDocument:
        raise error

    monkeypatch.setattr(applications, "document_model", stumble)
    assert worker.work(uuid4(), redelivered=False) == "failed"
    assert [failure.counted for failure in applications.failed] == [counted]


def _write(url: str, content: bytes, told: Any) -> None:
    # No file of this process may grow beyond this: to it, the disk is full.
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
    try:
        Store.from_url(url).put("pdf/full.pdf", content)
        told.put("written")
    except Exception as error:
        told.put(type(error).__name__ if isinstance(error, tasks.ELSEWHERE) else f"unexpected {error!r}")


def test_a_full_disk_leaves_nothing_to_see(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    told: Any = context.Queue()
    url = f"file://{tmp_path}/store"
    process = context.Process(target=_write, args=(url, b"%PDF" * 50_000, told))
    process.start()
    outcome = told.get(timeout=60)
    process.join(60)
    told.close()
    told.join_thread()
    assert not outcome.startswith(("written", "unexpected")), outcome
    with pytest.raises(FileNotFoundError):
        Store.from_url(url).get("pdf/full.pdf")


def _grow(told: Any) -> None:
    limit_memory(300)
    try:
        told.put(len(bytearray(600 * 1024 * 1024)))
    except MemoryError:
        told.put("refused")


def test_memory_of_one_document_is_bounded() -> None:
    context = multiprocessing.get_context("spawn")
    told: Any = context.Queue()
    process = context.Process(target=_grow, args=(told,))
    process.start()
    assert told.get(timeout=60) == "refused"
    process.join(60)
    told.close()
    told.join_thread()
