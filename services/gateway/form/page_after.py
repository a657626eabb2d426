"""Remember for a moment what 保存表单 was answered with: the page that the browser is sent to shows just that."""

import time
from collections import OrderedDict
from uuid import UUID

from aiohttp import web

from services.gateway.web.context import SESSION
from shared.contract.pages import SectionPage
from shared.http.app import uuid_in_path

# A browser that is sent on asks at once; later it may have been changed elsewhere, and is asked for anew.
SECONDS = 5.0
MOST = 200
Place = tuple[UUID, UUID, str]


class PagesAfter:
    """Read models by session, application and material, each given out once. Another process of the gateway has none, and asks."""

    def __init__(self) -> None:
        self._known: OrderedDict[Place, tuple[float, SectionPage]] = OrderedDict()

    def keep(self, request: web.Request, page: SectionPage) -> None:
        """Remember the page of the section that was just taken."""
        place = _place(request)
        self._known[place] = time.monotonic() + SECONDS, page
        self._known.move_to_end(place)
        if len(self._known) > MOST:
            self._known.popitem(last=False)

    def take(self, request: web.Request) -> SectionPage | None:
        """Return the page that was remembered for this very request's session and section, if it is fresh, and forget it."""
        until, page = self._known.pop(_place(request), (0.0, None))
        return page if time.monotonic() < until else None


def _place(request: web.Request) -> Place:
    return request[SESSION].id, uuid_in_path(request), request.match_info["key"]


PAGES_AFTER = web.AppKey("pages_after", PagesAfter)
