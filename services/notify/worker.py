"""The worker process: threads that take events over, and a sweep that sends what is due from the ledger."""

import logging
import threading
from typing import Any

from celery.signals import worker_shutting_down
from sqlalchemy.orm import sessionmaker

from services.notify.delivery import Delivery
from services.notify.sender import SmtpSender
from services.notify.settings import NotifySettings
from services.notify.tasks import Worker, register
from shared import tracing
from shared.celery import celery_app, run_worker
from shared.database import BUSY, engine
from shared.hints import ThreadHints
from shared.identity import Signer
from shared.jobs import Jobs
from shared.messages import NOTIFY, TOPICS

log = logging.getLogger(__name__)


def sweep(delivery: Delivery, stop: threading.Event, pause: float) -> None:
    """Send what is due until told to stop. It needs no broker: what the ledger holds goes out without one."""
    while not stop.is_set():
        try:
            while not stop.is_set() and delivery.deliver():
                pass
        except BUSY as error:
            log.warning("database does not answer", extra={"reason": repr(error)})
        except Exception:
            # One mail that cannot be rendered must not keep the others from going out.
            log.exception("delivery failed")
        stop.wait(pause)


def run(settings: NotifySettings) -> None:
    """Until SIGTERM."""
    tracing.configure("notify-worker", settings.traces_url, settings.traces_share)
    database = engine(settings)
    sessions = sessionmaker(database, expire_on_commit=False)
    sender = SmtpSender(settings.smtp_url.get_secret_value(), settings.smtp_timeout_seconds)
    delivery = Delivery(sessions, sender, settings)
    app = celery_app("notify", settings.broker_url.get_secret_value())
    jobs = Jobs(str(settings.applications_url), Signer("notify", settings.signing_key))
    hints = ThreadHints(settings.redis_url.get_secret_value() if settings.redis_url else None)
    register(app, Worker(jobs, sessions, delivery, settings.mail_from, hints))

    stop = threading.Event()
    sweeper = threading.Thread(
        target=sweep, args=(delivery, stop, settings.notify_sweep_seconds), name="sweep", daemon=True
    )
    sweeper.start()

    def stopping(**_: Any) -> None:
        stop.set()

    worker_shutting_down.connect(stopping, weak=False)
    try:
        run_worker(
            app,
            queue=TOPICS[NOTIFY].queue,
            pool="threads",
            concurrency=settings.notify_concurrency,
            ready_file=settings.ready_file,
        )
    finally:
        stop.set()
        sweeper.join(settings.smtp_timeout_seconds)
        jobs.close()
        hints.close()
        database.dispose()
