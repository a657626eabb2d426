"""The reviewers' and directors' moves."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications import views
from services.applications.api.returning import deadline
from services.applications.context import SETTINGS, WORKDAYS, transaction
from services.applications.models import Application
from services.applications.schemas import Decision, Extend
from services.applications.use_cases import review as use_case
from services.applications.workflow import Action
from shared.identity import Actor
from shared.web import actor, answer, body, if_match, uuid_in_path


async def _moved(
    request: web.Request, act: Callable[[AsyncSession, Actor], Awaitable[Application]]
) -> web.Response:
    who = actor(request)
    async with transaction(request) as session:
        application = await act(session, who)
        view = await views.summary(session, application, who)
    return answer(view, ETag=f'"{view.version}"')


async def recall(request: web.Request) -> web.Response:
    """收回退回, until the applicant has opened or changed anything."""
    return await _moved(
        request, lambda session, who: use_case.recall(session, who, uuid_in_path(request), if_match(request))
    )


async def extend(request: web.Request) -> web.Response:
    """延长补正期限."""
    given = body(request, Extend)
    return await _moved(
        request,
        lambda session, who: use_case.extend(
            session,
            who,
            uuid_in_path(request),
            if_match(request),
            correct_by=deadline(request, given),
            reason=given.reason,
        ),
    )


def decision(action: Action, text: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The handler of a move that brings at most a reason and an amount."""

    async def handler(request: web.Request) -> web.Response:
        given = body(request, Decision)
        return await _moved(
            request,
            lambda session, who: use_case.decide(
                session,
                who,
                uuid_in_path(request),
                if_match(request),
                action,
                reason=given.reason,
                amount_wan=given.amount_wan,
                publicity_until=request.app[WORKDAYS].after(
                    who.received_at, request.app[SETTINGS].publicity_working_days
                ),
            ),
        )

    handler.__doc__ = text
    return handler
