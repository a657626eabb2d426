"""The object store: a folder or S3, by URL. Objects are named by their content and never change."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

CHUNK = 256 * 1024


def pdf_key(sha256: str) -> str:
    """Where a finished PDF stands."""
    return f"pdf/{sha256[:2]}/{sha256}.pdf"


def attachment_key(sha256: str) -> str:
    """Where an attachment stands."""
    return f"attachments/{sha256[:2]}/{sha256}"


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

    async def put_async(self, key: str, body: bytes | Path) -> None:
        try:
            await obstore.put_async(self._inner, key, body, mode="create")
        except AlreadyExistsError:
            return

    def get(self, key: str) -> bytes:
        """The whole object; `FileNotFoundError` when there is none."""
        return bytes(obstore.get(self._inner, key).bytes())

    async def exists(self, key: str) -> bool:
        try:
            await obstore.head_async(self._inner, key)
        except FileNotFoundError:
            return False
        return True

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """The object in chunks; `FileNotFoundError` when there is none."""
        found = await obstore.get_async(self._inner, key)
        async for chunk in found.stream(min_chunk_size=CHUNK):
            yield bytes(chunk)
