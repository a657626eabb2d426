"""Serve a draft's change to a newer version of its form, the report on values taken over, and what is left over."""

from aiohttp import web

from services.applications.core import repository
from services.applications.core.context import CODEC, transaction
from services.applications.core.profiles import profile_of
from services.applications.filling import carried_over_queries
from services.applications.filling.carried_over import dismiss
from services.applications.filling.rebasing import rebase_draft
from services.applications.filling.views import full
from services.applications.filling.views import left_over as left_over_views
from services.applications.filling.views import report as report_view
from shared.contract.carried_over import Rebased
from shared.errors import Conflict, NotFound
from shared.http.app import actor, answer, if_match, uuid_in_path


async def foresee(request: web.Request) -> web.Response:
    """Return what moving to the round's version of the form would make of everything; nothing is changed. Where there is
    nothing to move to there is nothing to be seen."""
    who, id = actor(request), uuid_in_path(request)
    known = await profile_of(request)
    async with transaction(request) as session:
        # The very thing, undone again: what is foreseen cannot differ from what is done.
        trial = await session.begin_nested()
        try:
            _, report = await rebase_draft(session, request.app[CODEC], who, id, None, known)
        except Conflict as refused:
            raise NotFound(refused.detail, code=refused.code) from refused
        view = await report_view(session, report)
        await trial.rollback()
    return answer(view)


async def rebase(request: web.Request) -> web.Response:
    """Move a draft that was never submitted to its round's version of the form."""
    who, id = actor(request), uuid_in_path(request)
    known = await profile_of(request)
    async with transaction(request) as session:
        codec = request.app[CODEC]
        application, report = await rebase_draft(session, codec, who, id, if_match(request), known)
        view = Rebased(
            application=await full(session, codec, application, who),
            report=await report_view(session, report),
        )
    return answer(view, ETag=f'"{view.application.version}"')


async def reports(request: web.Request) -> web.Response:
    """Return what became of values that were taken over, newest first."""
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        found = [
            await report_view(session, r) for r in await carried_over_queries.reports(session, application.id)
        ]
    return answer(found)


async def left_over(request: web.Request) -> web.Response:
    """Return what was typed and has no place in the form, until it is dismissed."""
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        found = await left_over_views(session, request.app[CODEC], application)
    return answer(found)


async def dismiss_left_over(request: web.Request) -> web.Response:
    """It was seen and is needed no more."""
    async with transaction(request) as session:
        await dismiss(session, actor(request), uuid_in_path(request), uuid_in_path(request, "item"))
    return web.Response(status=204)
