"""Have a code sent to an address that somebody of the bureau gave: accounts and their addresses are the gateway's."""

from aiohttp import web

from services.applications.core.context import transaction
from services.applications.operations.staff_mail import owe_check
from shared.http.app import body
from shared.messages import CheckAddress


async def check_address(request: web.Request) -> web.Response:
    """Owe the mail with the code, once for its id."""
    async with transaction(request) as session:
        await owe_check(session, body(request, CheckAddress))
    return web.Response(status=204)
