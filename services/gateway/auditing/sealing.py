"""Gives what the audit gained its places in the chain, as long as the gateway runs."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from services.gateway.context import DATABASE, SETTINGS
from services.gateway.models import AUDIT
from shared import audit

log = logging.getLogger(__name__)

SECONDS = 2.0


async def sealing(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(_seal(app))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _seal(app: web.Application) -> None:
    while True:
        pause = SECONDS
        try:
            async with app[DATABASE].begin() as session:
                if await audit.seal(session, AUDIT, app[SETTINGS].audit_key) == audit.BATCH:
                    pause = 0.0
        except SQLAlchemyError:
            log.warning("sealing the audit was put off", exc_info=True)
        await asyncio.sleep(pause)
