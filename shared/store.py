"""Store objects in a folder or S3, by URL. Objects are named by their content and never change."""

import glob
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

CHUNK = 256 * 1024
# A file goes into the store in parts of this size. S3 takes none below 5 MiB.
PART = 256 * 1024
S3_PART = 5 * 1024 * 1024
# Parts of what is written without its size being known: S3 takes ten thousand of them.
WRITTEN = 16 * 1024 * 1024

ATTACHMENTS = "attachments/"
PDFS = "pdf/"


def pdf_key(sha256: str) -> str:
    """Return where a finished PDF stands."""
    return f"{PDFS}{sha256[:2]}/{sha256}.pdf"


def attachment_key(sha256: str) -> str:
    """Return where an attachment stands."""
    return f"{ATTACHMENTS}{sha256[:2]}/{sha256}"


class Store:
    """Put once, read often. A put is visible whole or not at all; putting the same key again changes nothing."""

    def __init__(self, inner: ObjectStore) -> None:
        self._inner = inner

    @classmethod
    def from_url(cls, url: str) -> "Store":
        """`file:///folder` (made when missing), `s3://bucket/prefix`, or `memory:///` for tests."""
        parts = urlsplit(url)
        if parts.scheme == "file":
            return cls(LocalStore(Path(unquote(parts.path)), mkdir=True))
        if parts.scheme == "memory":
            return cls(MemoryStore())
        return cls(from_url(url))

    def put(self, key: str, body: bytes | Path) -> None:
        try:
            obstore.put(self._inner, key, body, mode="create")
        except AlreadyExistsError:
            return

    async def put_file(self, key: str, file: Path) -> None:
        """Put a file in parts, so that its size is never this process's memory."""
        if await self.exists(key):
            return
        # Not "create", which reads the file whole: where two put one key at once, both put the same content.
        await obstore.put_async(
            self._inner,
            key,
            file,
            chunk_size=PART if isinstance(self._inner, LocalStore) else S3_PART,
            max_concurrency=1,
        )

    @asynccontextmanager
    async def writing(self, key: str) -> AsyncIterator[Callable[[bytes], Awaitable[None]]]:
        """Give a function that writes an object piece by piece, at most `WRITTEN` of it in memory. It is there, whole, once the block has ended without an
        error, and not at all otherwise. One at a time writes a key. What a bucket of S3 keeps of one that broke off goes by a rule of its own."""
        self._remove_begun(key)
        writer = obstore.open_writer_async(self._inner, key, buffer_size=WRITTEN, max_concurrency=1)

        async def write(piece: bytes) -> None:
            await writer.write(piece)

        try:
            yield write
        except BaseException:
            self._remove_begun(key)
            raise
        # Closed only here: closing is what makes it an object.
        await writer.close()

    def remove_begun(self, folder: str, kept: Collection[str] = ()) -> None:
        """Remove what a directory keeps of objects of `folder` whose writing broke off, unless they are `kept`: it stands beside them as `key#1`."""
        if isinstance(self._inner, LocalStore) and self._inner.prefix:
            for begun in (Path(self._inner.prefix) / folder).glob("*#*"):
                if folder + begun.name.rpartition("#")[0] not in kept:
                    begun.unlink(missing_ok=True)

    def _remove_begun(self, key: str) -> None:
        if isinstance(self._inner, LocalStore) and self._inner.prefix:
            place = Path(self._inner.prefix) / key
            for begun in place.parent.glob(f"{glob.escape(place.name)}#*"):
                begun.unlink(missing_ok=True)

    def get(self, key: str) -> bytes:
        """Return the whole object; `FileNotFoundError` when there is none."""
        return bytes(obstore.get(self._inner, key).bytes())

    async def exists(self, key: str) -> bool:
        try:
            await obstore.head_async(self._inner, key)
        except FileNotFoundError:
            return False
        return True

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """Yield the object in chunks; `FileNotFoundError` when there is none."""
        found = await obstore.get_async(self._inner, key)
        async for chunk in found.stream(min_chunk_size=CHUNK):
            yield bytes(chunk)

    async def list(self, prefix: str) -> AsyncIterator[dict[str, datetime]]:
        """Pages of what stands under a prefix: key to the time it was put there."""
        async for page in obstore.list(self._inner, prefix):
            yield {found["path"]: found["last_modified"] for found in page}

    async def delete(self, key: str) -> None:
        """Remove an object; nothing happens when there is none."""
        try:
            await obstore.delete_async(self._inner, key)
        except FileNotFoundError:
            return
