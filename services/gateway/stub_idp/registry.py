"""Answer for the legal-person registry (法人库): one enterprise's entry, for the client that has the key."""

import hmac

from aiohttp import web

from services.gateway.stub_idp.context import DATABASE, SETTINGS
from services.gateway.stub_idp.models import StubRegistryEntry
from shared.errors import NotFound, NotSignedIn
from shared.http.app import answer


async def entry(request: web.Request) -> web.Response:
    """One enterprise's attributes; 401 without the key, 404 for an enterprise that is not registered."""
    key = f"Bearer {request.app[SETTINGS].registry_key.get_secret_value()}"
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode(errors="replace"), key.encode()):
        raise NotSignedIn
    async with request.app[DATABASE].begin() as session:
        found = await session.get(StubRegistryEntry, request.match_info["uscc"])
    if found is None:
        raise NotFound
    return answer(found.attributes)
