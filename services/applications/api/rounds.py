"""Rounds and forms."""

from aiohttp import web

from services.applications import repository, views
from services.applications.context import transaction
from services.applications.forms.catalogue import form as catalogue_form
from services.applications.schemas import ExtensionInput, NewRound, RoundChange
from services.applications.use_cases import rounds as use_case
from shared.errors import NotFound
from shared.identity import Role
from shared.web import actor, answer, body, uuid_in_path


async def list_rounds(request: web.Request) -> web.Response:
    """Open and coming rounds; operators see closed ones too."""
    who = actor(request)
    async with transaction(request) as session:
        everything = who.is_a(Role.OPERATOR)
        found = await repository.rounds(session, closing_after=None if everything else who.received_at)
        return answer([views.round_view(r, who.received_at) for r in found])


async def get_form(request: web.Request) -> web.Response:
    """One version of a fund type's form definition."""
    fund_type, version = request.match_info["fund_type"], request.match_info["version"]
    if not version.isdecimal() or len(version) > 6:
        raise NotFound("没有这一版表单。")
    found = catalogue_form(fund_type, int(version))
    return answer(found, Cache_Control="private, max-age=3600")


async def create_round(request: web.Request) -> web.Response:
    """Create a round."""
    who = actor(request)
    async with transaction(request) as session:
        round_ = await use_case.create(session, who, body(request, NewRound))
        view = views.round_view(round_, who.received_at)
    return answer(view, 201)


async def change_round(request: web.Request) -> web.Response:
    """Change a round's title, window or parameters."""
    who = actor(request)
    async with transaction(request) as session:
        round_ = await use_case.change(session, who, uuid_in_path(request), body(request, RoundChange))
        view = views.round_view(round_, who.received_at)
    return answer(view)


async def extend_round(request: web.Request) -> web.Response:
    """Late acceptance for one enterprise."""
    who = actor(request)
    given = body(request, ExtensionInput)
    async with transaction(request) as session:
        await use_case.extend(session, who, uuid_in_path(request), given)
    return answer(given, 201)
