"""Serve the reviewers' and directors' moves."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core import views
from services.applications.core.context import CODEC, SETTINGS, transaction
from services.applications.decision.decisions import Given, decide
from services.applications.decision.resources import office
from services.applications.review import after_return as use_case
from services.applications.review.correction_deadline import deadline
from services.applications.tables.applications import Application
from services.applications.workflow import Action
from shared.contract.decision import Accept, Decision
from shared.contract.four_eyes import Proposed
from shared.contract.returns import Extend
from shared.http.app import actor, answer, body, if_match, uuid_in_path
from shared.identity import Actor


async def _moved(
    request: web.Request, act: Callable[[AsyncSession, Actor], Awaitable[Application]]
) -> web.Response:
    who = actor(request)
    async with transaction(request) as session:
        application = await act(session, who)
        view = await views.summary(session, application, who)
    return answer(view, ETag=f'"{view.version}"')


async def recall(request: web.Request) -> web.Response:
    """撤回退回, until the applicant has opened or changed anything."""
    return await _moved(
        request,
        lambda session, who: use_case.recall(
            session, request.app[CODEC], who, uuid_in_path(request), if_match(request)
        ),
    )


async def extend(request: web.Request) -> web.Response:
    """延长补正期限. Where extensions take two people it is proposed (202): another reviewer confirms it."""
    given, who, id = body(request, Extend), actor(request), uuid_in_path(request)
    correct_by = deadline(request, given)
    if request.app[SETTINGS].extensions_by_two:
        async with transaction(request) as session:
            made = await use_case.propose_extension(
                session, who, id, if_match(request), correct_by=correct_by, reason=given.reason
            )
        return answer(Proposed(id=made.id, until=correct_by), 202)
    return await _moved(
        request,
        lambda session, who: use_case.extend(
            session, request.app[CODEC], who, id, if_match(request), correct_by=correct_by, reason=given.reason
        ),
    )


async def _decide(request: web.Request, action: Action, given: Given) -> web.Response:
    id, version = uuid_in_path(request), if_match(request)
    return await _moved(
        request, lambda session, who: decide(session, office(request), who, id, version, action, given)
    )


async def accept(request: web.Request) -> web.Response:
    """纳批: take into formal review, and into a batch."""
    given = body(request, Accept)
    return await _decide(request, Action.ACCEPT, Given(reason=given.reason, batch=given.batch))


def decision(action: Action, text: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of a move that brings at most a reason and an amount."""

    async def handler(request: web.Request) -> web.Response:
        given = body(request, Decision)
        return await _decide(request, action, Given(given.reason, given.amount_wan))

    handler.__doc__ = text
    return handler
