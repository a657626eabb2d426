"""Run the worker process: threads that take events over, and threads that send what is due from the ledger."""

import logging
import sys
import threading
from collections.abc import Sequence
from typing import Any

from celery.signals import worker_shutting_down
from sqlalchemy.orm import Session, sessionmaker

from services.notify.channels import Carrier, Email, Text
from services.notify.delivery import Behind, Delivery, Recorder
from services.notify.sender import SmtpSender
from services.notify.settings import NotifySettings
from services.notify.short_messages import HttpTextSender
from services.notify.tasks import Worker, register
from shared.celery import celery_app, run_worker
from shared.database import BUSY, engine
from shared.identity import Signer
from shared.jobs import Jobs
from shared.live_hints import ThreadHints
from shared.messages import NOTIFY, TOPICS
from shared.observability import tracing

log = logging.getLogger(__name__)


class Senders:
    """Threads that send what the ledger holds. They need no broker: what was accepted goes out without one."""

    def __init__(
        self, sessions: sessionmaker[Session], carriers: Sequence[Carrier], settings: NotifySettings
    ) -> None:
        self._marks = Behind(Recorder(sessions, settings), settings.notify_batch)
        self._delivery = Delivery(sessions, carriers, settings, self._marks)
        self._settings = settings
        self._stop = threading.Event()
        self._due = threading.Event()
        self._threads = [
            threading.Thread(target=self._send, name=f"send-{n}", daemon=True)
            for n in range(settings.notify_concurrency)
        ]

    def start(self) -> None:
        # A thread that comes back from the server waits for another's turn to end; by default that is 5 ms, several mails'
        # worth.
        sys.setswitchinterval(0.0005)
        self._marks.start()
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Something has just been accepted."""
        self._due.set()

    def stop(self) -> None:
        """No further batch begins."""
        self._stop.set()
        self._due.set()

    def join(self, seconds: float) -> None:
        for thread in self._threads:
            thread.join(seconds)
        self._marks.stop(seconds)

    def _send(self) -> None:
        while not self._stop.is_set():
            self._due.clear()
            try:
                while not self._stop.is_set() and self._delivery.deliver(limit=self._settings.notify_batch):
                    pass
            except BUSY as error:
                log.warning("database does not answer", extra={"reason": repr(error)})
            except Exception:
                # One mail that cannot be rendered must not keep the others from going out.
                log.exception("delivery failed")
            if not self._stop.is_set():
                self._due.wait(self._settings.notify_sweep_seconds)


def run(settings: NotifySettings) -> None:
    """Until SIGTERM."""
    tracing.configure("notify-worker", settings.traces_url, settings.traces_share)
    database = engine(settings)
    sessions = sessionmaker(database, expire_on_commit=False)
    sender = SmtpSender(settings.smtp_url.get_secret_value(), settings.smtp_timeout_seconds)
    texts = None
    if settings.sms_url is not None:
        texts = HttpTextSender(
            str(settings.sms_url), settings.sms_key.get_secret_value(), settings.sms_timeout_seconds
        )
    carriers: list[Carrier] = [Email(sender, settings), *([Text(texts)] if texts else [])]
    senders = Senders(sessions, carriers, settings)
    app = celery_app("notify", settings.broker_url.get_secret_value())
    signer = Signer("notify", settings.signing_key)
    jobs = Jobs(str(settings.applications_url), signer)
    hints = ThreadHints(settings.redis_url.get_secret_value() if settings.redis_url else None, signer)
    register(app, Worker(jobs, sessions, senders.wake, settings, hints))
    senders.start()

    def stopping(**_: Any) -> None:
        senders.stop()

    worker_shutting_down.connect(stopping, weak=False)
    try:
        run_worker(
            app,
            queue=TOPICS[NOTIFY].queue,
            pool="threads",
            concurrency=settings.notify_concurrency,
            ready_file=settings.ready_file,
            metrics_port=settings.metrics_port,
        )
    finally:
        senders.stop()
        senders.join(settings.smtp_timeout_seconds)
        sender.close_all()
        if texts:
            texts.close()
        jobs.close()
        hints.close()
        database.dispose()
