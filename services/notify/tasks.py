"""Handle a queue message: start the job, accept its event into the ledger, finish the job. Repeatable: the ledger accepts an
event once."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from celery import Celery, Task
from opentelemetry.trace import SpanKind
from sqlalchemy.orm import Session, sessionmaker

from services.notify import ledger
from services.notify.channels import LIVE
from services.notify.rules import rules
from services.notify.settings import NotifySettings
from shared.database import BUSY
from shared.errors import Conflict, DomainError, JobEnded
from shared.jobs import Jobs
from shared.live_hints import Hint, ThreadHints
from shared.messages import NOTIFY, TOPICS, Event, FailJob, FinishNotification, RenderDocument
from shared.observability import tracing

log = logging.getLogger(__name__)

# applications or the database does not answer, or the message is none of ours.
LEFT: tuple[type[Exception], ...] = (DomainError, ValueError, *BUSY)


class Worker:
    """What every thread works with."""

    def __init__(
        self,
        jobs: Jobs,
        sessions: sessionmaker[Session],
        wake: Callable[[], None],
        settings: NotifySettings,
        hints: ThreadHints | None = None,
    ) -> None:
        self._jobs = jobs
        self._sessions = sessions
        self._wake = wake
        self._mail_from = settings.mail_from
        self._give_up_after = timedelta(hours=settings.notify_give_up_hours)
        self._pace = ledger.Pace(settings.notify_per_address, settings.notify_per_enterprise)
        self._texts = settings.sms_url is not None
        self._hints = hints

    def work(self, job: UUID, *, redelivered: bool) -> str:
        """Take one event over, and wake those who send; how it ended, for the log."""
        try:
            started = self._jobs.start(job, redelivered=redelivered)
        except JobEnded:
            return "gone"
        except Conflict:
            return "leased"
        if isinstance(started.payload, RenderDocument):
            self._jobs.fail(job, FailJob(token=started.token, reason="not a notification", retry=False))
            return "refused"
        with self._sessions.begin() as session:
            ledger.accept(
                session, started.payload, self._mail_from, self._give_up_after, pace=self._pace, texts=self._texts
            )
        live = LIVE in rules()[started.payload.kind].channels
        if self._hints and live and isinstance(started.payload, Event):
            self._hints.tell(_hint(started.payload))
        # Another attempt may have told it first; the ledger has the event once either way.
        with suppress(Conflict, JobEnded):
            self._jobs.finish(job, FinishNotification(token=started.token))
        self._wake()
        return "done"


def _hint(event: Event) -> Hint:
    return Hint(
        type="notification.new",
        enterprise=event.to.enterprise,
        application_id=event.application_id,
        name=event.project_name,
    )


def register(app: Celery, worker: Worker) -> None:
    """Make the queue's task."""

    def task(self: Task, job_id: str) -> None:
        redelivered = bool((self.request.delivery_info or {}).get("redelivered"))
        try:
            with tracing.span("accept notification", SpanKind.CONSUMER, of=tracing.of(vars(self.request))):
                outcome = worker.work(UUID(job_id), redelivered=redelivered)
        except LEFT as error:
            # The row is still owed and will come again.
            log.warning("job left", extra={"job": job_id, "reason": repr(error)})
            return
        log.info("job", extra={"job": job_id, "outcome": outcome})

    options: dict[str, Any] = {"bind": True, "name": TOPICS[NOTIFY].task, "shared": False}
    app.task(**options)(task)
