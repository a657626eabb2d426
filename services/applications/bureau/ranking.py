"""Read 审定排序 as its page shows it."""

from uuid import UUID

from aiohttp import web

from services.applications.core.context import SETTINGS, transaction
from services.applications.decision.ranking import rounds_with_work
from services.applications.decision.views import ranking_view
from services.applications.four_eyes import waiting as confirmations
from services.applications.review import case_list
from shared.contract.bureau import RankingPage
from shared.contract.review import Choice
from shared.errors import NotFound
from shared.http.app import actor


async def ranked(request: web.Request) -> RankingPage:
    """Return the ranking of the `round` in the query; without one what waits in every round."""
    who, wanted = actor(request), request.query.get("round", "")
    async with transaction(request) as session:
        rounds = await case_list.rounds(session)
        choices = [Choice(key=str(r.id), label=r.title) for r in rounds]
        if not wanted:
            ids = await rounds_with_work(session, who)
            waiting = [await ranking_view(session, who, id, waiting=True) for id in ids]
            second = await confirmations.how_many(session, request.app[SETTINGS], who)
            return RankingPage(rounds=choices, round="", ranking=None, open=waiting, confirmations=second)
        try:
            found = await ranking_view(session, who, UUID(wanted))
        except (ValueError, NotFound):
            found = None
        return RankingPage(rounds=choices, round=wanted, ranking=found)
