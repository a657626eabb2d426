"""Tell at a field for what earlier applications were often returned there (常见退回原因). Asked of applications once an hour and type."""

import time

from aiohttp import web

from services.gateway.web.calls import ask
from services.gateway.web.line import line_stands
from shared.contract.returns import CommonReturn
from shared.errors import NotFound, Unavailable

# How long an answer is good for, and how soon it is asked again after none.
GOOD_FOR, AGAIN = 3600.0, 60.0


class CommonReturns:
    """What is known of each fund type, and until when."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, list[CommonReturn]]] = {}

    async def of(self, request: web.Request, fund_type: str, section: str) -> dict[str, list[str]]:
        """Return the reasons at a section's places, by field: nothing where they cannot be had, and nobody waits for them while people
        stand in line."""
        until, found = self._known.get(fund_type, (0.0, []))
        if time.monotonic() >= until and not line_stands(request):
            # Whoever comes meanwhile does not ask as well.
            self._known[fund_type] = time.monotonic() + AGAIN, found
            try:
                found = (await ask(request, "GET", f"/common-returns/{fund_type}", list[CommonReturn])).body
                self._known[fund_type] = time.monotonic() + GOOD_FOR, found
            except (NotFound, Unavailable):
                # Away, or of the release before, which is not asked.
                pass
        return {place.field: place.texts for place in found if place.section == section}


COMMON_RETURNS = web.AppKey("common_returns", CommonReturns)
