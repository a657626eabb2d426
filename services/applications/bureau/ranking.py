"""Read 审定排序 as its page shows it."""

from uuid import UUID

from aiohttp import web

from services.applications.core.context import transaction
from services.applications.decision.views import ranking_view
from services.applications.review import case_list
from services.applications.review.case_list import Filter
from services.applications.workflow import State
from shared.contract.bureau import RankingPage
from shared.contract.review import Choice
from shared.errors import NotFound
from shared.http.app import actor


async def ranked(request: web.Request) -> RankingPage:
    """Return the ranking of the `round` in the query; without one of the round whose case waits longest for a decision, or of the
    latest."""
    who, wanted = actor(request), request.query.get("round", "")
    async with transaction(request) as session:
        rounds = await case_list.rounds(session)
        if not wanted:
            waiting, _ = await case_list.page(session, who, Filter(states=(State.DECISION,)), limit=1)
            wanted = next((str(id) for id in [*(c.round_id for c in waiting), *(r.id for r in rounds)]), "")
        try:
            found = await ranking_view(session, who, UUID(wanted))
        except (ValueError, NotFound):
            found = None
        choices = [Choice(key=str(r.id), label=r.title) for r in rounds]
        return RankingPage(rounds=choices, round=wanted, ranking=found)
