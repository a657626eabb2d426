"""Parse the body of a form: url-encoded pairs, and the parts of a multipart form. Whatever is neither is `Malformed`."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, MultipartReader, StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError

from shared import codes
from shared.errors import Malformed, TooLarge, UnsupportedMedia
from shared.http.intake import TAKEN
from shared.overload.priority import LARGE
from shared.text.json_text import storable

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
# Of one form; what a part's own headers may be is aiohttp's limit.
MAX_PARTS = 5000
CHUNK = 256 * 1024
# What aiohttp raises for a multipart body that is none.
_FAULTS = (ValueError, AssertionError, RuntimeError, LookupError, HttpProcessingError)


def pairs(raw: bytes, *, most: int) -> list[tuple[str, str]]:
    """Return the names and values of a url-encoded form."""
    try:
        found = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=most, errors="strict")
    except ValueError as error:
        raise Malformed("表单内容无法识别，请重试。", code=codes.BAD_FORM) from error
    storable(*(text for pair in found for text in pair))
    return found


async def parts(request: web.Request, *, most: int = MAX_PARTS) -> AsyncIterator[BodyPartReader]:
    """Yield the parts of a multipart form as they arrive."""
    if request.content_type != MULTIPART:
        raise UnsupportedMedia(f"请以 {MULTIPART} 上传。")
    with _readable():
        reader = await _reader(request)
    count = 0
    while True:
        with _readable():
            part = await reader.next()
            if part is not None and not isinstance(part, BodyPartReader):
                raise ValueError("a form within a form")
        if part is None:
            return
        count += 1
        if count > most:
            raise TooLarge
        yield part


async def chunks(part: BodyPartReader, size: int = CHUNK) -> AsyncIterator[bytes]:
    """Yield what a part holds, as it arrives."""
    while True:
        with _readable():
            chunk = bytes(await part.read_chunk(size))
        if not chunk:
            return
        yield chunk


async def text(part: BodyPartReader, limit: int) -> str:
    """Return a part that is a field, of at most `limit` bytes."""
    raw = bytearray()
    async for chunk in chunks(part, 8192):
        raw += chunk
        if len(raw) > limit:
            raise TooLarge
    try:
        found = raw.decode()
    except UnicodeDecodeError as error:
        raise Malformed("表单内容应为 UTF-8 编码。", code=codes.BAD_FORM) from error
    storable(found)
    return found


async def _reader(request: web.Request) -> MultipartReader:
    if TAKEN not in request:
        return await request.multipart()
    # Read already: the reader wants a stream.
    loop = asyncio.get_running_loop()
    content = StreamReader(BaseProtocol(loop), 2 * LARGE, loop=loop)
    content.feed_data(request[TAKEN])
    content.feed_eof()
    return MultipartReader(request.headers, content)


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except _FAULTS as error:
        raise Malformed("上传的内容不完整或格式有误，请重试。", code=codes.BAD_MULTIPART) from error
