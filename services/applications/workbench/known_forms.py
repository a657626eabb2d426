"""Let the catalogue of this process know what is published, within seconds and without a restart.

A notice of PostgreSQL (`CHANNEL`) says that there is something new; whether it comes or not, the table is looked at every `LOOK_SECONDS`.
A form that this release cannot read is named in the log and on the pages, and concerns nobody who wants another.
"""

import asyncio
import hashlib
import logging
from contextlib import suppress

import psycopg
from aiohttp import web
from aiohttp.typedefs import Handler
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.applications.forms.catalogue import Catalogue, UnknownForm, forms
from services.applications.workbench import queries
from shared.database import BUSY
from shared.settings import DatabaseSettings

log = logging.getLogger(__name__)

CHANNEL = "gm_form_versions"
LOOK_SECONDS = 2.0
# The name of its one connection: as many as there are processes of applications.
LISTENING = "applications: form versions"


class KnownForms:
    """The published versions that a catalogue knows. One for each process; `run` is its loop."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        settings: DatabaseSettings,
        catalogue: Catalogue | None = None,
        look_seconds: float = LOOK_SECONDS,
        name: str = LISTENING,
    ) -> None:
        self._sessions = sessions
        url = make_url(settings.database_url.get_secret_value()).set(drivername="postgresql")
        self._url = url.render_as_string(hide_password=False)
        self._catalogue = forms() if catalogue is None else catalogue
        self._seconds = look_seconds
        self._name = name
        # Rows whose text is not what its digest says: named once, and not taken.
        self._refused: set[tuple[queries.Key, str]] = set()
        self._one = asyncio.Lock()

    async def look(self) -> bool:
        """Read from the table what the catalogue does not know; whether there was anything."""
        async with self._one:
            async with self._sessions() as session:
                await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
                found = await queries.digests(session)
                fresh = [
                    key
                    for key, sha256 in found.items()
                    if not self._catalogue.published(key) and (key, sha256) not in self._refused
                ]
                rows = await queries.versions(session, fresh) if fresh else {}
            return sum([await self._take(key, row.text, row.sha256) for key, row in rows.items()]) > 0

    async def _take(self, key: queries.Key, text: str, sha256: str) -> bool:
        name = f"{key[0]}/{key[1]}"
        if hashlib.sha256(text.encode()).hexdigest() != sha256:
            self._refused.add((key, sha256))
            log.error("a published form is not what its digest says", extra={"form": name, "sha256": sha256})
            return False
        self._catalogue.publish(key, text)
        try:
            # Read now, so that nobody waits for it later; beside the loop, for that takes tenths of a second.
            await asyncio.to_thread(self._catalogue.__getitem__, key)
        except ValueError as error:
            log.error("a published form cannot be used", extra={"form": name, "reason": str(error)})
        else:
            log.info("a published form is known", extra={"form": name, "sha256": sha256})
        return True

    async def run(self) -> None:
        """Until cancelled. A database that is away is waited for; what is known goes on being served."""
        while True:
            with suppress(*BUSY, OSError):
                await self._listen()
            await asyncio.sleep(self._seconds)

    async def _listen(self) -> None:
        """Look, then wait for a notice or for the next look; ends with the connection."""
        connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=5, prepare_threshold=None, application_name=self._name
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}".encode())
            while True:
                await self.look()
                async for _ in connection.notifies(timeout=self._seconds, stop_after=1):
                    pass


KNOWN_FORMS = web.AppKey("known_forms", KnownForms)


@web.middleware
async def ask_the_table(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Look into the table before a form is said to be unknown: another process may have published it a moment ago. Nothing was committed by
    a request that met an unknown form, so it is begun anew; one whose body was a file is sent again by its client."""
    try:
        return await handler(request)
    except UnknownForm:
        if not await request.app[KNOWN_FORMS].look() or request.content_type.startswith("multipart/"):
            raise
        return await handler(request)
