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
from shared.contract.switches import Board as Heard
from shared.contract.switches import RunningExtension
from shared.errors import DomainError, Unavailable
from shared.overload import deadline

log = logging.getLogger(__name__)

# An extension stands on every page within five seconds: a look, and its answer.
EVERY_SECONDS = 2.5
# Nobody waits for the answer longer than until the next look.
PATIENCE = 2.0


class Board:
    """The switches as last heard."""

    def __init__(self) -> None:
        self.set = Heard()

    def announcement(self, now: datetime | None = None) -> str:
        """公告, while it lasts, and the extensions of rounds that run."""
        now, until = now or clock.now(), self.set.announcement_until
        said = [] if until and until <= now else [self.set.announcement]
        said += [_extended(one) for one in self.set.extensions if now <= one.until]
        return "　".join(filter(None, said))

    async def look(self, services: Services) -> None:
        """Ask; what was heard last stays when nobody answers."""
        deadline.begin(PATIENCE)
        try:
            self.set = await services.tell("applications", "/internal/switches", "", Heard)
        except DomainError as error:
            log.info("switches not heard", extra={"reason": repr(error)})


def _extended(one: RunningExtension) -> str:
    until = f"延长至 {clock.show(one.until)}（北京时间）"
    match one.whom:
        case "all":
            return f"“{one.title}”申报截止时间{until}。"
        case "drafts":
            begun = clock.show(one.begun_before) if one.begun_before else ""
            return f"“{one.title}”：{begun} 前已开始填写的项目，提交时间{until}；申报截止后不能新增项目。"
    return f"“{one.title}”：因服务不畅受影响的企业，提交时间{until}，是否适用以“我的项目”所示的截止时间为准。"


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
