"""One task: start → model → render → check → store → finish. Thin, repeatable, explicit about what is retried.

A job that ends here without an effect is still owed: applications sends it again.
"""

import logging
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

from celery import Celery, Task
from celery.exceptions import SoftTimeLimitExceeded
from weasyprint.urls import FatalURLFetchingError

from services.documents.checking import Unfit, check
from services.documents.rendering import Press, render
from shared.errors import Conflict, DomainError, Gone, Unavailable
from shared.jobs import Jobs
from shared.messages import RENDER_DOCUMENT, TOPICS, FailJob, FinishDocument, RenderDocument
from shared.store import Store, pdf_key

log = logging.getLogger(__name__)


class Worker:
    """What a child process works with. `jobs` and `store` are opened after the fork."""

    def __init__(self, press: Press) -> None:
        self.press = press
        self.jobs: Jobs
        self.store: Store

    def work(self, job: UUID, *, redelivered: bool) -> str:
        """Do one job; how it ended, for the log."""
        try:
            started = self.jobs.start(job, redelivered=redelivered)
        except Gone:
            return "gone"
        except Conflict:
            return "leased"
        if not isinstance(started.payload, RenderDocument):
            self.jobs.fail(job, FailJob(token=started.token, reason="not a document", retry=False))
            return "refused"
        try:
            effect = self._make(started.token, started.payload)
            self.jobs.finish(job, effect)
        except (Conflict, Gone):
            # Somebody else was faster while this attempt had lost its lease.
            return "superseded"
        except (Unavailable, Unfit, SoftTimeLimitExceeded, FatalURLFetchingError, Exception) as error:
            # Named one by one because the fetching error is no Exception and would pass.
            log.exception("no document", extra={"job": str(job)})
            self.jobs.fail(job, FailJob(token=started.token, reason=f"{type(error).__name__}: {error}"[:2000]))
            return "failed"
        return "done"

    def _make(self, token: UUID, payload: RenderDocument) -> FinishDocument:
        model = self.jobs.document_model(payload.document_id)
        pdf = render(model, self.press)
        pages = check(pdf.content, model)
        with tempfile.NamedTemporaryFile(prefix="gm-pdf-") as file:
            file.write(pdf.content)
            file.flush()
            self.store.put(pdf_key(pdf.sha256), Path(file.name))
        return FinishDocument(token=token, sha256=pdf.sha256, size=len(pdf.content), pages=pages)


def register(app: Celery, worker: Worker) -> None:
    """Make the queue's task."""

    def task(self: Task, job_id: str) -> None:
        redelivered = bool((self.request.delivery_info or {}).get("redelivered"))
        try:
            outcome = worker.work(UUID(job_id), redelivered=redelivered)
        except (DomainError, ValueError) as error:
            # applications does not answer, or the message is none of ours: nothing to do here, the row is owed.
            log.warning("job left", extra={"job": job_id, "reason": repr(error)})
            return
        log.info("job", extra={"job": job_id, "outcome": outcome})

    options: dict[str, Any] = {"bind": True, "name": TOPICS[RENDER_DOCUMENT].task, "shared": False}
    app.task(**options)(task)
