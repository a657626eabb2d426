"""Serve what the bureau's pages show."""

from aiohttp import web

from services.applications.bureau.case import case
from services.applications.bureau.expert import scored_case
from services.applications.bureau.queue import queue
from services.applications.bureau.ranking import ranked
from services.applications.bureau.returning import returning
from shared.http.app import answer


async def show_case(request: web.Request) -> web.Response:
    """Return all that the bureau reads of a case, in one answer."""
    return answer(await case(request))


async def reveal_case(request: web.Request) -> web.Response:
    """Return the same with nothing of the submission masked. Whoever asks is recorded."""
    return answer(await case(request, whole=True))


async def show_return(request: web.Request) -> web.Response:
    """Return what somebody needs who writes a return: what was noted for it, where opinions may stand, what can be opened."""
    return answer(await returning(request))


async def show_queue_page(request: web.Request) -> web.Response:
    """Return a page of the queue with the counts, choices and kept views beside it, in one answer."""
    return answer(await queue(request))


async def show_scored_case(request: web.Request) -> web.Response:
    """Return all that an expert reads of a case, beside their own score sheet; never another's."""
    return answer(await scored_case(request))


async def show_ranking_page(request: web.Request) -> web.Response:
    """Return 审定排序 of a round with the rounds it can be asked of; without `round` what waits in every round."""
    return answer(await ranked(request))
