"""Know who else has a material's page open: kept in Redis for some minutes, and never waited for.

It is said so that two people do not write into one field; what both wrote is merged all the same.
"""

import time

from aiohttp import web

from services.gateway.web.context import CACHE, SESSION
from services.gateway.web.line import line_stands

# How long somebody who opened the page, and has not been seen since, may still be at it.
SECONDS = 300


async def others(request: web.Request) -> list[str]:
    """Note that this person has the page open, and name the others who have. Nothing is asked while people wait in line, and nothing is
    known without Redis."""
    if line_stands(request):
        return []
    session = request[SESSION]
    name = (
        session.name if session.grant_in(request.path) is None else f"{session.name}（{session.enterprise_name}）"
    )
    key = f"open:{request.match_info['id'].lower()}:{request.match_info['key']}"
    found = await request.app[CACHE].gather(key, f"{session.account.hex} {name}", time.time(), SECONDS)
    named = (member.partition(" ") for member in found)
    return [who for account, _, who in named if account != session.account.hex]
