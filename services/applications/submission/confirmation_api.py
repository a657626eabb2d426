"""Serve 单位确认: a draft is handed to the enterprise's own checkers, who confirm it or return it."""

from aiohttp import web

from services.applications.core.context import CODEC, transaction
from services.applications.filling.views import full
from services.applications.submission import unit_confirmation
from shared.contract.confirmation import ConfirmInput, UnitOpinionInput
from shared.http.app import actor, answer, body, if_match, uuid_in_path


async def ask_confirmation(request: web.Request) -> web.Response:
    """送审: ask the enterprise's checkers to confirm what is saved."""
    return await _say(request, "asked", [])


async def confirm_application(request: web.Request) -> web.Response:
    """确认 what is saved, or 退回修改 with opinions."""
    given = body(request, ConfirmInput)
    return await _say(request, given.outcome, given.opinions)


async def _say(
    request: web.Request, outcome: unit_confirmation.Outcome, opinions: list[UnitOpinionInput]
) -> web.Response:
    who, codec = actor(request), request.app[CODEC]
    async with transaction(request) as session:
        application = await unit_confirmation.say(
            session, codec, who, uuid_in_path(request), if_match(request), outcome, opinions
        )
        view = await full(session, codec, application, who)
    return answer(view, ETag=f'"{view.version}"')
