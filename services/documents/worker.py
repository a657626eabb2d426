"""Run the worker process: load fonts and styles before the fork, one child per core, report ready when it consumes."""

import resource
from typing import Any

from celery.signals import worker_process_init, worker_process_shutdown

from services.documents import recipe
from services.documents.rendering import warm_up
from services.documents.settings import DocumentsSettings
from services.documents.tasks import Worker, register
from shared.celery import celery_app, run_worker
from shared.identity import Signer
from shared.jobs import LONGEST_REST, Jobs
from shared.messages import RENDER_DOCUMENT, TOPICS
from shared.observability import tracing
from shared.store import Store


def run(settings: DocumentsSettings) -> None:
    """Until SIGTERM."""
    app = celery_app("documents", settings.broker_url.get_secret_value())
    # A child that has grown is replaced after its document, long before the hard bound below.
    app.conf.worker_max_memory_per_child = settings.documents_memory_mb * 1024 // 2
    press = warm_up(fast=settings.documents_faster)
    worker = Worker(press, recipe.base(fast=press.faster))
    register(app, worker, seconds=settings.documents_seconds)

    def open_child(**_: Any) -> None:
        tracing.configure("documents", settings.traces_url, settings.traces_share)
        limit_memory(settings.documents_memory_mb)
        # Connections and the store's threads do not survive a fork: each child opens its own.
        # A rest is part of the time that a document may take.
        rest = min(LONGEST_REST, settings.documents_seconds / 3)
        signer = Signer("documents", settings.signing_key)
        worker.jobs = Jobs(str(settings.applications_url), signer, longest_rest=rest)
        worker.store = Store.from_url(settings.store_url)

    def close_child(**_: Any) -> None:
        worker.jobs.close()

    worker_process_init.connect(open_child, weak=False)
    worker_process_shutdown.connect(close_child, weak=False)
    run_worker(
        app,
        queue=TOPICS[RENDER_DOCUMENT].queue,
        pool="prefork",
        concurrency=settings.documents_concurrency,
        ready_file=settings.ready_file,
        metrics_port=settings.metrics_port,
    )


def limit_memory(megabytes: int) -> None:
    """What this process may take beyond what it shares: a document that wants more fails, its neighbours go on.

    The data segment and private writable mappings count; the fonts' files, mapped by all children, do not.
    """
    bound = megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (bound, bound))
