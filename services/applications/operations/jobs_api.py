"""Serve the internal port: workers start, finish and fail jobs; the gateway asks for the API's description."""

from datetime import timedelta

from aiohttp import web
from pydantic import RootModel

from services.applications.core.context import CODEC, SETTINGS, transaction
from services.applications.documents import documents
from services.applications.operations import jobs
from services.applications.outbox import outbox
from shared import codes
from shared.errors import JobEnded
from shared.http.app import CALLER, answer, body, uuid_in_path
from shared.messages import FailJob, FinishDocument, FinishNotification, StartJob


class Finish(RootModel[FinishDocument | FinishNotification]):
    """Either kind of effect; which one is told by its fields."""


async def start(request: web.Request) -> web.Response:
    """Begin an attempt: its token and payload; 410 when done or parked, 409 while another attempt is live."""
    settings = request.app[SETTINGS]
    limits = outbox.Limits(
        timedelta(seconds=settings.job_lease_seconds), settings.job_max_starts, settings.document_max_starts
    )
    async with transaction(request) as session:
        started = await jobs.start(
            session, request[CALLER].service, uuid_in_path(request), body(request, StartJob), limits
        )
    if started is None:
        # Said only now: the parking had to be committed first.
        raise JobEnded("该任务多次尝试均无结果，已列入失败待处理。", code=codes.PARKED)
    return answer(started)


async def finish(request: web.Request) -> web.Response:
    """Record the effect (where a PDF stands; that notify's ledger has the event) and close the row."""
    effect = body(request, Finish).root
    async with transaction(request) as session:
        return answer(await jobs.finish(session, request[CALLER].service, uuid_in_path(request), effect))


async def fail(request: web.Request) -> web.Response:
    """Return an attempt ended without effect."""
    async with transaction(request) as session:
        await jobs.fail(session, request[CALLER].service, uuid_in_path(request), body(request, FailJob))
    return web.Response(status=204)


async def model(request: web.Request) -> web.Response:
    """Return the document model that a render job needs."""
    async with transaction(request) as session:
        return answer(await documents.model_of(session, request.app[CODEC], uuid_in_path(request)))
