"""Show 申报通知, for anybody to read: text, files, who may apply, and the empty form."""

import time
from uuid import UUID

from aiohttp import web

from services.gateway.web.context import SERVICES, SESSION
from services.gateway.web.relay import relay_public
from services.gateway.web.rendering import page
from shared.contract.notices import RoundNotice
from shared.errors import NotFound
from shared.http.app import REQUEST_ID, uuid_in_path
from shared.identity import Role

# On the last evening everybody reads the same page: it is asked for once in so many seconds by each process.
FRESH_SECONDS = 5.0
MOST = 200


class Notices:
    """The notices that were read a moment ago, as everybody reads them."""

    def __init__(self) -> None:
        self._known: dict[UUID, tuple[float, RoundNotice]] = {}

    async def of(self, request: web.Request, id: UUID) -> RoundNotice:
        """Return a round's notice, at most some seconds old; `NotFound` where there is none to be read."""
        until, known = self._known.get(id, (0.0, None))
        if known is None or time.monotonic() >= until:
            path = f"/rounds/{id}/notice"
            services = request.app[SERVICES]
            known = (await services.ask(None, "GET", path, RoundNotice, request_id=request[REQUEST_ID])).body
            self._known.pop(id, None)
            self._known[id] = time.monotonic() + FRESH_SECONDS, known
            if len(self._known) > MOST:
                del self._known[next(iter(self._known))]
        if not known.number:
            raise NotFound("本批次没有申报通知。")
        return known


NOTICES = web.AppKey("notices", Notices)


async def show(request: web.Request) -> web.Response:
    """One notice."""
    found = await request.app[NOTICES].of(request, uuid_in_path(request))
    session = request.get(SESSION)
    context = {
        "notice": found,
        "round": found.round,
        "applies": session is not None and Role.APPLICANT in session.roles,
    }
    return page(request, "public/notice.html", context)


async def file(request: web.Request) -> web.StreamResponse:
    """A file of a notice."""
    path = f"/api/v1/rounds/{uuid_in_path(request)}/notice/files/{uuid_in_path(request, 'file')}"
    return await relay_public(request, path)
