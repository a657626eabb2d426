"""Serve many cases at once: moves with a result for each, and the queue as a file."""

from aiohttp import web

from services.applications.core.context import transaction
from services.applications.decision.bulk import move_many
from services.applications.decision.resources import office
from services.applications.workflow import Action
from shared.contract.review import Assigned, MoveMany
from shared.http.app import actor, answer, body


async def move(request: web.Request) -> web.Response:
    """Return the same move for many; a result for each."""
    given = body(request, MoveMany)
    async with transaction(request) as session:
        outcomes = await move_many(
            session,
            office(request),
            actor(request),
            given.applications,
            Action(given.action),
            batch=given.batch,
        )
    return answer([Assigned.model_validate(o, from_attributes=True) for o in outcomes])
