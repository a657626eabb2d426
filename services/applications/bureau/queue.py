"""Read the queue as its page shows it."""

from aiohttp import web

from services.applications.core.context import SETTINGS, transaction
from services.applications.decision import batches
from services.applications.decision.views import batch_view
from services.applications.four_eyes import waiting as second
from services.applications.messages import reading as messages
from services.applications.review import assignment, case_list, desk_views, saved_filters
from services.applications.review.case_list import Filter
from services.applications.review.case_list_params import wanted
from shared.contract.applications import ApplicationPage
from shared.contract.bureau import QueuePage
from shared.contract.review import FilterView
from shared.errors import Malformed
from shared.http.app import actor


async def queue(request: web.Request) -> QueuePage:
    """Return a page of the queue with everything beside it. Filters that make no sense find nothing, and the answer says what is
    wrong with them: whoever typed them corrects them beside the counts of everything."""
    who, fault = actor(request), None
    async with transaction(request) as session:
        try:
            filter_ = wanted(request)
            found = await desk_views.page(session, who, filter_, cursor=request.query.get("cursor", ""))
        except Malformed as error:
            filter_, found, fault = Filter(), ApplicationPage(items=[], next_cursor=None), error.detail
        counted = await case_list.counts(session)
        return QueuePage(
            found=found,
            counts=await desk_views.counts(session, who, filter_, counted),
            choices=await desk_views.choices(session),
            filters=[
                FilterView.model_validate(f, from_attributes=True) for f in await saved_filters.mine(session, who)
            ],
            batches=[batch_view(batch, n) for batch, n in await batches.listed(session)],
            waiting=desk_views.waiting(counted),
            away=sorted(await assignment.who_is_away(session)),
            fault=fault,
            by_list=request.app[SETTINGS].publicity_by_list,
            unread_messages=await messages.unread(session, who),
            confirmations=await second.how_many(session, request.app[SETTINGS], who),
        )
