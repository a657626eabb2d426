"""Serve opinions (退回意见) to both sides."""

from aiohttp import web

from services.applications.core import repository
from services.applications.core.context import transaction
from services.applications.core.naming import persons_named
from services.applications.core.return_seen import mark_seen
from services.applications.review import opinions as use_case
from services.applications.review.common_returns import common_returns
from services.applications.review.views import opinion_view
from shared.contract.returns import Raise, Reply
from shared.http.app import actor, answer, body, if_match, uuid_in_path
from shared.identity import Role


async def list_opinions(request: web.Request) -> web.Response:
    """Return every opinion with its answer, in order. For an applicant, reading is seen by the reviewer."""
    who = actor(request)
    async with transaction(request) as session:
        application = await repository.application(session, who, uuid_in_path(request))
        await mark_seen(session, application, who)
        # One raised for a return still to come is the reviewers' business until then.
        up_to = application.round_trips if who.is_a(Role.APPLICANT) else None
        found = await repository.opinions(session, application.id, up_to=up_to)
        return answer([opinion_view(application, opinion, persons=persons_named(request)) for opinion in found])


async def show_common_returns(request: web.Request) -> web.Response:
    """Return for what applications of a type were often returned in earlier rounds, by place; no more than a gateway asks once an hour."""
    async with transaction(request) as session:
        return answer(await common_returns(session, request.match_info["fund_type"]))


async def answer_opinion(request: web.Request) -> web.Response:
    """Return the applicant's reply to one opinion."""
    who, id = actor(request), uuid_in_path(request)
    async with transaction(request) as session:
        text = body(request, Reply).reply
        opinion = await use_case.reply(session, who, id, uuid_in_path(request, "opinion"), text)
        application = await repository.application(session, who, id)
        return answer(opinion_view(application, opinion, persons=persons_named(request)))


async def accept_opinion(request: web.Request) -> web.Response:
    """Return the reply satisfies."""
    who, id = actor(request), uuid_in_path(request)
    async with transaction(request) as session:
        opinion = await use_case.accept(session, who, id, uuid_in_path(request, "opinion"), if_match(request))
        application = await repository.application(session, who, id)
        return answer(opinion_view(application, opinion, persons=persons_named(request)))


async def raise_opinion(request: web.Request) -> web.Response:
    """Return the reply does not satisfy: raised again with a text, for the next return."""
    who, id = actor(request), uuid_in_path(request)
    async with transaction(request) as session:
        opinion = await use_case.raise_again(
            session, who, id, uuid_in_path(request, "opinion"), if_match(request), body(request, Raise).text
        )
        application = await repository.application(session, who, id)
        return answer(opinion_view(application, opinion, persons=persons_named(request)))
