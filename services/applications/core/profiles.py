"""Know what the registry and the account say of an applicant: what travels with the request, or what the gateway answers."""

from aiohttp import web

from services.applications.core.context import PEERS
from services.applications.core.peers import PROFILES
from shared.http import profile_header
from shared.http.app import CALLER, actor
from shared.messages import Profile


async def profile_of(request: web.Request, *, anew: bool = False) -> Profile:
    """Return the profile of the person a request is made for. Pages bring it with the call; for programs, and where it is too
    large for a header, the gateway is asked (`anew`: just now)."""
    if beside := request[CALLER].beside:
        return profile_header.read(beside)
    return await request.app[PROFILES].of(request.app[PEERS], actor(request), anew=anew)
