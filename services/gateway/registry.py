"""The legal-person registry (法人库), asked for one enterprise's entry. It is another's: it may be slow, or away."""

import asyncio
import logging

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.gateway.stub_idp.models import StubRegistryEntry
from shared.errors import Unavailable

log = logging.getLogger(__name__)

# Whoever asks waits two seconds for the whole answer; what else there is to say has to fit in, too.
SECONDS = 1.2


async def entry(database: async_sessionmaker[AsyncSession], enterprise: str) -> dict[str, str]:
    """The entry's attributes by the platform's names, empty when there is none. `Unavailable` when the registry
    fails or does not answer in time."""
    try:
        async with asyncio.timeout(SECONDS), database.begin() as session:
            found = await session.get(StubRegistryEntry, enterprise)
    except (TimeoutError, OSError, SQLAlchemyError) as error:
        log.warning("registry does not answer", extra={"reason": repr(error)})
        raise Unavailable("法人库暂时没有响应。", code="registry_away") from error
    return {k: v for k, v in found.attributes.items() if isinstance(v, str)} if found else {}
