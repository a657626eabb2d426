"""Show the operators' switches on pages: asked of applications every few seconds, kept when it does not answer."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime

from aiohttp import web

from services.gateway.web.backend import Services
from services.gateway.web.context import SERVICES
from shared import clock, codes
from shared.contract.switches import SwitchesView
from shared.errors import DomainError, Unavailable
from shared.overload import deadline

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
# Nobody waits for the answer longer than until the next look.
PATIENCE = 3.0


class Board:
    """The switches as last heard."""

    def __init__(self) -> None:
        self.set = SwitchesView()

    def announcement(self, now: datetime | None = None) -> str:
        """公告, while it lasts."""
        until = self.set.announcement_until
        return "" if until and until <= (now or clock.now()) else self.set.announcement

    async def look(self, services: Services) -> None:
        """Ask; what was heard last stays when nobody answers."""
        deadline.begin(PATIENCE)
        try:
            self.set = await services.tell("applications", "/internal/switches", "", SwitchesView)
        except DomainError as error:
            log.info("switches not heard", extra={"reason": repr(error)})


SWITCHES = web.AppKey("switches", Board)


def must_be_on(request: web.Request, name: str) -> None:
    """`Unavailable` while operators have it off."""
    if not getattr(request.app[SWITCHES].set, name):
        told = "此功能已由值班人员临时关闭，以保证提交申请畅通，请稍后再试。"
        raise Unavailable(told, code=codes.SWITCHED_OFF, retry_after=300)


async def watching(app: web.Application) -> AsyncIterator[None]:
    """Look again and again while the gateway runs."""

    async def watch() -> None:
        while True:
            await app[SWITCHES].look(app[SERVICES])
            await asyncio.sleep(EVERY_SECONDS)

    task = asyncio.create_task(watch())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
