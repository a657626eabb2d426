"""Serve the operators' switches; the gateway asks for them on everybody's behalf."""

from aiohttp import web

from services.applications.core import switches
from services.applications.core.context import transaction
from shared.contract.switches import SwitchesInput
from shared.http.app import actor, answer, body, if_match


async def show(request: web.Request) -> web.Response:
    """Return the switches as they stand."""
    async with transaction(request) as session:
        found = await switches.current(session)
    return answer(found, ETag=f'"{found.version}"')


async def show_board(request: web.Request) -> web.Response:
    """Return what stands at the head of every page."""
    async with transaction(request) as session:
        return answer(await switches.board(session))


async def change(request: web.Request) -> web.Response:
    """Set the switches, whole. Every page follows within seconds."""
    async with transaction(request) as session:
        found = await switches.change(session, actor(request), if_match(request), body(request, SwitchesInput))
    return answer(found, ETag=f'"{found.version}"')
