"""Serve requests to unlock a material (申请开放材料) to both sides."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from services.applications.core import repository
from services.applications.core.context import transaction
from services.applications.core.naming import persons_named
from services.applications.review import unlock_requests as use_case
from services.applications.review.views import request_view
from shared.contract.review import AskUnlock, DecideUnlock
from shared.http.app import actor, answer, body, uuid_in_path


async def list_requests(request: web.Request) -> web.Response:
    """Return every material that was asked for, and what was said to it."""
    async with transaction(request) as session:
        application = await repository.application(session, actor(request), uuid_in_path(request))
        persons, found = persons_named(request), await use_case.listed(session, application)
        return answer([request_view(application, r, persons=persons) for r in found])


async def ask(request: web.Request) -> web.Response:
    """Return the applicant asks for one material."""
    who, id, given = actor(request), uuid_in_path(request), body(request, AskUnlock)
    async with transaction(request) as session:
        made = await use_case.ask(session, who, id, given.section, given.reason)
        application = await repository.application(session, who, id)
        return answer(request_view(application, made, persons=persons_named(request)), 201)


def decision(*, grant: bool) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the reviewer's yes or no."""

    async def decide(request: web.Request) -> web.Response:
        who, id = actor(request), uuid_in_path(request)
        note = body(request, DecideUnlock).note
        async with transaction(request) as session:
            made = await use_case.decide(
                session, who, id, uuid_in_path(request, "request"), grant=grant, note=note
            )
            application = await repository.application(session, who, id)
            return answer(request_view(application, made, persons=persons_named(request)))

    decide.__doc__ = "同意开放材料。" if grant else "不同意开放材料。"
    return decide
