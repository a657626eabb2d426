"""Judge texts of forms in a process of its own, which is ended where one takes too long: no request of applicants waits for it, and no
connection of the database is held meanwhile."""

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Any, TypeVar

from aiohttp import web
from pebble import ProcessExpired, ProcessPool

from services.applications.core.processes import fork_server, limit_memory
from services.applications.workbench import edits
from services.applications.workbench.reading import look
from shared import codes
from shared.contract.workbench import FormFault, FormRead
from shared.errors import Conflict, TooMany

T = TypeVar("T")
log = logging.getLogger(__name__)
# An honest form of 400 fields takes a tenth of a second.
SECONDS = 8.0
# How many texts may wait for their turn.
WAITING = 12
# Behind everything that people of the portal wait for.
NICENESS = 10


class TooComplex(Conflict):
    """表单查错用时过长，已停止。请把过于复杂的公式、格式或选项改简单后再试。"""

    code = codes.BAD_FORM


def _begin() -> None:
    limit_memory()
    os.nice(NICENESS)


class Judge:
    """One process that reads texts of forms, one after another; it is begun at the first text, and anew where one was ended."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._waiting = 0
        context = fork_server(edits.__name__)
        self._pool = ProcessPool(max_workers=1, max_tasks=500, initializer=_begin, context=context)

    async def ask(self, work: Callable[..., T], *given: Any) -> T:
        """Return what a pure function gives. `TooComplex` where it takes too long or its process dies, `TooMany` where too many wait."""
        if self._waiting >= WAITING:
            raise TooMany("正在查错的表单较多，请稍后再试。")
        self._waiting += 1
        try:
            found: T = await asyncio.wrap_future(self._pool.schedule(work, args=given, timeout=self._seconds))
        except (TimeoutError, ProcessExpired, MemoryError, RecursionError) as error:
            log.warning(
                "a form's text took too much to judge", extra={"work": work.__name__, "reason": repr(error)}
            )
            raise TooComplex from None
        finally:
            self._waiting -= 1
        return found

    async def look(self, text: str, before: str | None, examples: str = "[]") -> FormRead:
        """Return a text as its editor sees it (`reading.look`); one that takes too long has that as its fault."""
        try:
            return await self.ask(look, text, before, examples)
        except TooComplex as error:
            fault = FormFault(line=1, severity="error", message=error.detail)
            return FormRead(faults=[fault], outline=[], changes=[], examples=[], checks={}, publishable=False)

    async def close(self) -> None:
        """End the process."""
        self._pool.stop()
        await asyncio.to_thread(self._pool.join)


JUDGE = web.AppKey("judge", Judge)
