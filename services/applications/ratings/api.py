"""Serve 好差评 to both sides."""

from aiohttp import web

from services.applications.core.context import transaction
from services.applications.ratings import ratings
from shared.contract.ratings import RatingInput
from shared.http.app import actor, answer, body, uuid_in_path


async def rate(request: web.Request) -> web.Response:
    """Rate the office's work on a case that has ended, once."""
    async with transaction(request) as session:
        return answer(
            await ratings.rate(session, actor(request), uuid_in_path(request), body(request, RatingInput))
        )


async def show_ratings(request: web.Request) -> web.Response:
    """Return how the rounds' cases were rated, and the latest words."""
    async with transaction(request) as session:
        return answer(await ratings.overview(session))
