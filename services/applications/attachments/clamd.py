"""Ask ClamAV by clamd's own protocol (`INSTREAM`): the file goes over the socket, so clamd may run anywhere."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

log = logging.getLogger(__name__)

CONNECT_SECONDS = 2.0
PIECE = 128 * 1024


class ScannerAway(Exception):
    """The scanner gave no verdict: not reached, or too slow."""


class ScannerRefused(ScannerAway):
    """The scanner answers, but not to this file: it is larger than its `StreamMaxLength`, or it failed on it."""


class Clamd:
    """A clamd at `tcp://host:port` or `unix:///path`."""

    def __init__(self, url: str, *, seconds: float) -> None:
        self._at = urlsplit(url)
        self._seconds = seconds

    async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
        """Return the name of what was found, or None; `ScannerAway` (or `ScannerRefused`) without a verdict."""
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._ask(chunks)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise ScannerAway(repr(error)) from error
        verdict = answer.rstrip(b"\0\n").decode(errors="replace").removeprefix("stream: ")
        if verdict == "OK":
            return None
        if verdict.endswith(" FOUND"):
            return verdict.removesuffix(" FOUND")
        raise ScannerRefused(verdict[:200])

    async def scan_file(self, path: Path) -> str | None:
        """Return the same for a file."""
        return await self.scan(_pieces(path))

    async def _ask(self, chunks: AsyncIterator[bytes]) -> bytes:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await self._connect()
        try:
            # When it refuses in the middle (its StreamMaxLength), its answer says so.
            with suppress(ConnectionError):
                writer.write(b"zINSTREAM\0")
                async for chunk in chunks:
                    if chunk:
                        writer.write(len(chunk).to_bytes(4, "big") + chunk)
                        await writer.drain()
                writer.write(bytes(4))
                await writer.drain()
            return await reader.readuntil(b"\0")
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._at.scheme == "unix":
            return await asyncio.open_unix_connection(unquote(self._at.path))
        return await asyncio.open_connection(self._at.hostname, self._at.port or 3310)


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
