"""Set Celery up in one place. Each setting is there for a fault that was measured."""

import os

# A SIGTERM lets a worker finish what it holds (soft shutdown). Celery reads this once, when it is imported.
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from celery import Celery
from celery.app.amqp import AMQP
from celery.bootsteps import StartStopStep
from celery.signals import worker_shutting_down
from kombu.connection import Connection
from kombu.entity import Queue
from prometheus_client import start_http_server

from shared.messages import TOPICS

# Seconds between two looks for a broker that is away.
LOOK_AGAIN = 3


class _PatientConnection(Connection):
    """Looks for a lost broker steadily and for ever; kombu's own pauses grow to 30 s, and it gives up."""

    def ensure_connection(self, errback: Any = None, max_retries: Any = None, **options: Any) -> Connection:
        pauses = {"interval_start": 0.5, "interval_step": 0.5, "interval_max": LOOK_AGAIN}
        ensure: Any = super().ensure_connection
        ensure(errback, None, **{**options, **pauses})
        return self


class _Amqp(AMQP):  # type: ignore[misc]
    Connection = _PatientConnection


def celery_app(service: str, broker_url: str) -> Celery:
    """Return an app that publishes to, or consumes from, the queues of `shared.messages`."""
    amqp = urlsplit(broker_url).scheme in {"amqp", "amqps"}
    app = Celery(service, broker=broker_url, set_as_current=False, amqp=_Amqp)
    app.conf.update(
        # No result backend: the effect is recorded over HTTP, in one transaction with the owed row.
        task_ignore_result=True,
        # A killed child's message is delivered again; without both it is gone.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # A message waits in the broker, where another worker can have it, not in a busy worker.
        worker_prefetch_multiplier=1,
        task_soft_time_limit=60,
        task_time_limit=90,
        # Memory of long-lived renderers grows; a fresh child is cheap after the fork.
        worker_max_tasks_per_child=200,
        # A lost broker must not kill a render that is almost done: finishing goes over HTTP.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_soft_shutdown_timeout=20,
        # Only with something in hand: Celery would sleep the whole time-out in an idle worker as well.
        worker_enable_soft_shutdown_on_idle=False,
        broker_connection_retry_on_startup=True,
        # On RabbitMQ: a queue that survives the loss of a node, and a publish that returns when it is kept.
        broker_transport_options={"confirm_publish": True}
        if amqp
        else {
            "visibility_timeout": 300,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": 30,
            # A frozen broker hangs a publish for ever without these.
            "socket_timeout": 5,
            "socket_connect_timeout": 3,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
        task_create_missing_queues=False,
        task_queues=[
            Queue(topic.queue, queue_arguments={"x-queue-type": "quorum"} if amqp else None)
            for topic in TOPICS.values()
        ],
        # Nothing here is delayed by the broker: what is due later stands in the database.
        worker_detect_quorum_queues=amqp,
        broker_native_delayed_delivery_queue_type="quorum",
        task_routes={topic.task: {"queue": topic.queue} for topic in TOPICS.values()},
        task_serializer="json",
        accept_content=["json"],
        # Our own JSON lines, not Celery's format.
        worker_hijack_root_logger=False,
        enable_utc=True,
        timezone="UTC",
    )
    return app


def _show_ready(app: Celery, file: Path) -> None:
    """Keep the file there while messages are taken."""

    class Ready(StartStopStep):  # type: ignore[misc]
        """Celery stops a consumer's steps when it loses the broker, and starts them again once it is back."""

        requires = ("celery.worker.consumer.tasks:Tasks",)

        def start(self, parent: object) -> None:
            file.touch()

        def stop(self, parent: object) -> None:
            file.unlink(missing_ok=True)

    def ends(**_: object) -> None:
        file.unlink(missing_ok=True)

    # What a process that was killed left there.
    file.unlink(missing_ok=True)
    app.steps["consumer"].add(Ready)
    worker_shutting_down.connect(ends, weak=False)


def run_worker(
    app: Celery, *, queue: str, pool: str, concurrency: int, ready_file: str | None, metrics_port: int
) -> None:
    """Consume one queue until SIGTERM. `ready_file` exists while the worker takes messages, not while the broker is away;
    `metrics_port` shows its metrics, 0 nowhere."""
    if metrics_port:
        start_http_server(metrics_port)
    if ready_file:
        _show_ready(app, Path(ready_file))
    app.worker_main(
        [
            "worker",
            f"--queues={queue}",
            f"--pool={pool}",
            f"--concurrency={concurrency}",
            f"--hostname={queue}-{os.getpid()}@%h",
            # Workers know nothing of one another: what is owed stands in the database.
            "--without-gossip",
            "--without-mingle",
            "--loglevel=WARNING",
        ]
    )
