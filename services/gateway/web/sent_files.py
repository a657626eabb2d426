"""Write a file into a call of a service, as a browser would."""

from collections.abc import AsyncIterator

from aiohttp import MultipartWriter
from aiohttp.hdrs import CONTENT_DISPOSITION
from aiohttp.payload import AsyncIterablePayload

from shared.text.file_names import disposition


def file_form(name: str, chunks: AsyncIterator[bytes]) -> MultipartWriter:
    """Return a form with one file, `file`, to be sent on while it arrives."""
    body = MultipartWriter("form-data")
    part = body.append_payload(AsyncIterablePayload(chunks, content_type="application/octet-stream"))
    # As a browser writes it: the name is to arrive as the person's computer has it.
    part.headers[CONTENT_DISPOSITION] = disposition("file", name)
    return body
