"""Handle a queue message: start the job, look the document up by its recipe, else render, check and store it, finish the
job. Repeatable, explicit about what is
retried and about whose fault it was.

A job that ends here without an effect is still owed: applications sends it again.
"""

import logging
import random
import time
from typing import Any
from uuid import UUID

from celery import Celery, Task
from celery.exceptions import SoftTimeLimitExceeded
from obstore.exceptions import BaseError as StoreError
from opentelemetry.trace import SpanKind
from weasyprint.urls import FatalURLFetchingError

from services.documents import recipe
from services.documents.checking import Unfit, check
from services.documents.rendering import Press, render
from shared.document import AnyDocument
from shared.errors import Conflict, DomainError, JobEnded, Unavailable, UpstreamFailed
from shared.jobs import Jobs
from shared.messages import RENDER_DOCUMENT, TOPICS, FailJob, FinishDocument, RenderDocument
from shared.observability import tracing
from shared.store import Store, pdf_key

log = logging.getLogger(__name__)

# Seconds between two tries to report a finished document: applications may be restarting just now.
FINISH_PAUSES = (0.5, 1.0, 2.0, 4.0)
# Not the document's fault: somebody does not answer, a disk is full.
ELSEWHERE = (Unavailable, StoreError, OSError)


class Worker:
    """What a child process works with. `jobs` and `store` are opened after the fork."""

    def __init__(self, press: Press, base: str) -> None:
        self.press = press
        self.base = base
        self.jobs: Jobs
        self.store: Store

    def work(self, job: UUID, *, redelivered: bool) -> str:
        """Do one job; how it ended, for the log."""
        try:
            started = self.jobs.start(job, redelivered=redelivered)
        except JobEnded:
            return "gone"
        except Conflict:
            return "leased"
        if not isinstance(started.payload, RenderDocument):
            self.jobs.fail(job, FailJob(token=started.token, reason="not a document", retry=False))
            return "refused"
        try:
            model = self.jobs.document_model(started.payload.document_id)
            made = self._make(model)
            effect = FinishDocument(token=started.token, sha256=made.sha256, size=made.size, pages=made.pages)
            self._finish(job, effect)
        except (Conflict, JobEnded):
            # Somebody else was faster while this attempt had lost its lease.
            return "superseded"
        except (Unfit, SoftTimeLimitExceeded, FatalURLFetchingError, MemoryError, *ELSEWHERE, Exception) as error:
            # Named one by one because the fetching error is no Exception and would pass.
            # An applications service that stumbles over one document is not away: it would for ever.
            counted = isinstance(error, UpstreamFailed) or not isinstance(error, ELSEWHERE)
            log.exception("no document", extra={"job": str(job), "counted": counted})
            reason = f"{type(error).__name__}: {error}"[:2000]
            self.jobs.fail(job, FailJob(token=started.token, reason=reason, counted=counted))
            return "failed"
        return "done"

    def _make(self, model: AnyDocument) -> recipe.Finished:
        name = recipe.of(self.base, model)
        if found := recipe.known(self.store, name):
            return found
        with tracing.span("press"):
            pdf = render(model, self.press)
        finished = recipe.Finished(sha256=pdf.sha256, size=len(pdf.content), pages=check(pdf.content, model))
        # The file before its name: whoever finds the name finds the file.
        with tracing.span("store"):
            self.store.put(pdf_key(pdf.sha256), pdf.content)
            recipe.keep(self.store, name, finished)
        return finished

    def _finish(self, job: UUID, effect: FinishDocument) -> None:
        for pause in (*FINISH_PAUSES, None):
            try:
                self.jobs.finish(job, effect)
            except Unavailable:
                if pause is None:
                    raise
                # By chance: all workers miss applications at the same moment.
                time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  no secret
            else:
                return


def register(app: Celery, worker: Worker, *, seconds: int = 30) -> None:
    """Make the queue's task. `seconds`: what a document may take; half as much again, and its process is killed."""

    def task(self: Task, job_id: str) -> None:
        redelivered = bool((self.request.delivery_info or {}).get("redelivered"))
        try:
            with tracing.span("render document", SpanKind.CONSUMER, of=tracing.of(vars(self.request))):
                outcome = worker.work(UUID(job_id), redelivered=redelivered)
        except (DomainError, ValueError) as error:
            # applications does not answer, or the message is none of ours: nothing to do here, the row is owed.
            log.warning("job left", extra={"job": job_id, "reason": repr(error)})
            return
        log.info("job", extra={"job": job_id, "outcome": outcome})

    options: dict[str, Any] = {
        "bind": True,
        "name": TOPICS[RENDER_DOCUMENT].task,
        "shared": False,
        "soft_time_limit": seconds,
        "time_limit": seconds * 3 // 2,
    }
    app.task(**options)(task)
