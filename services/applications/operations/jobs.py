"""Start, finish and fail the outbox's jobs on behalf of workers."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import repository
from services.applications.core.audit import hint
from services.applications.documents import queries as document_queries
from services.applications.documents.documents import record_effect
from services.applications.operations.metrics import JOB_SECONDS, OWED_SECONDS
from services.applications.outbox import outbox
from services.applications.outbox import queries as outbox_queries
from shared import clock, codes
from shared.errors import NotAllowed
from shared.messages import (
    NOTIFY,
    RENDER_DOCUMENT,
    FailJob,
    FinishDocument,
    FinishNotification,
    JobFinished,
    JobStarted,
    RenderDocument,
    StartJob,
)

# Which service does which work; another's job is refused even to a trusted caller.
WORKER_OF = {RENDER_DOCUMENT: "documents", NOTIFY: "notify"}


def _must_be_theirs(topic: str, service: str) -> None:
    if WORKER_OF[topic] != service:
        raise NotAllowed(code=codes.NOT_YOUR_JOB)


async def start(
    session: AsyncSession, service: str, id: UUID, request: StartJob, limits: outbox.Limits
) -> JobStarted | None:
    """Begin an attempt; None when the job was parked instead, for it has been started too often."""
    row = await outbox_queries.owed(session, id, lock=True)
    _must_be_theirs(row.topic, service)
    return await outbox.start(session, row, request, limits)


async def finish(
    session: AsyncSession, service: str, id: UUID, effect: FinishDocument | FinishNotification
) -> JobFinished:
    """Record the effect and close the row, together. Finishing twice changes nothing."""
    row = await outbox_queries.owed(session, id, lock=True)
    _must_be_theirs(row.topic, service)
    fresh = outbox.close(row, effect.token)
    if fresh and row.started_at is not None:
        OWED_SECONDS.labels(row.topic).observe(max(0.0, (clock.now() - row.created_at).total_seconds()))
        JOB_SECONDS.labels(row.topic).observe(max(0.0, (clock.now() - row.started_at).total_seconds()))
    if not isinstance(effect, FinishDocument):
        return JobFinished()
    payload = RenderDocument.model_validate(row.payload)
    document = await document_queries.document(session, payload.document_id, lock=True)
    if fresh:
        record_effect(document, sha256=effect.sha256, size=effect.size, pages=effect.pages)
        if document.kind not in {"masked", "brief"} and document.application_id is not None:
            # Its enterprise hears of its own documents only; a list's letter is nobody's.
            application = await repository.application_for_system(session, document.application_id)
            hint(session, application, "document.ready")
    return JobFinished(sha256=document.sha256)


async def fail(session: AsyncSession, service: str, id: UUID, failure: FailJob) -> None:
    row = await outbox_queries.owed(session, id, lock=True)
    _must_be_theirs(row.topic, service)
    outbox.failed(row, failure.token, failure.reason, retry=failure.retry, counted=failure.counted)
