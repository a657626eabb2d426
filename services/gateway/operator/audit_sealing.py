"""Link new audit rows into the hash chain, as long as the gateway runs."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import ClientSession, web
from sqlalchemy.exc import SQLAlchemyError

from services.gateway.accounts.models import AUDIT
from services.gateway.operator.audit_heads import RemoteHeads
from services.gateway.web.context import DATABASE, SETTINGS
from shared.audit.heads import Sequencer, keep_sealing

log = logging.getLogger(__name__)

SECONDS = 2.0


async def sealing(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(_seal(app))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _seal(app: web.Application) -> None:
    # A session of its own: what is asked here is nobody's request.
    async with ClientSession() as http:
        heads = RemoteHeads(http, app[SETTINGS])
        sequencer = Sequencer(app[DATABASE], AUDIT, app[SETTINGS].audit_key, heads)
        while True:
            pause = SECONDS
            try:
                pause = await keep_sealing(sequencer)
            except (SQLAlchemyError, OSError) as error:
                log.warning("sealing the audit was put off", extra={"reason": repr(error)})
            await asyncio.sleep(pause)
