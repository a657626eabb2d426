"""Serve the operators' view of the queues."""

from aiohttp import web

from services.applications.core.context import transaction
from services.applications.operations import queues
from shared.contract.operations import RequeueAll, Requeued
from shared.http.app import actor, answer, body, uuid_in_path


async def overview(request: web.Request) -> web.Response:
    """Queues, the age of what is owed longest, parked rows; how many of each process should run in the coming days, and how many do;
    how the queues did in the last 24 hours."""
    async with transaction(request) as session:
        return answer(await queues.overview(session))


async def requeue(request: web.Request) -> web.Response:
    """Try a parked row again, its count of starts reset."""
    async with transaction(request) as session:
        await queues.requeue(session, actor(request), uuid_in_path(request))
    return web.Response(status=204)


async def requeue_all(request: web.Request) -> web.Response:
    """Try every parked row of a queue again, 1000 at most at once."""
    topic = body(request, RequeueAll).topic
    async with transaction(request) as session:
        return answer(Requeued(count=await queues.requeue_all(session, actor(request), topic)))
