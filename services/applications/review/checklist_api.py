"""Serve the 形式审查 list of a case."""

from aiohttp import web

from services.applications.core import repository
from services.applications.core.context import SETTINGS, transaction
from services.applications.review import checklist
from shared.contract.review import ChecklistInput
from shared.http.app import actor, answer, body, if_match, uuid_in_path


async def show_checklist(request: web.Request) -> web.Response:
    """Return the 形式审查 list of a case with what was ticked."""
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        view = await checklist.of_case(session, application)
    return answer(view, ETag=f'"{view.version}"')


async def save_checklist(request: web.Request) -> web.Response:
    """Keep the whole 形式审查 list; 412 when it was saved elsewhere since it was read."""
    who, given, minutes = actor(request), body(request, ChecklistInput), request.app[SETTINGS].review_lease_minutes
    async with transaction(request) as session:
        application = await repository.application(session, who, uuid_in_path(request), lock=True)
        await checklist.save(session, who, application, if_match(request), given, lease_minutes=minutes)
        view = await checklist.of_case(session, application)
    return answer(view, ETag=f'"{view.version}"')
