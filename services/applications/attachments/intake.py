"""Take a file from a request: as it comes, made fit for its place, looked into, and put into the store."""

import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import BodyPartReader, web

from services.applications.attachments.resources import INSPECTOR, SCANNER
from services.applications.attachments.uploads import (
    Examined,
    Place,
    Received,
    examine,
    made_fit,
    receive,
    too_large,
)
from services.applications.core.context import STORE
from services.applications.core.stored_contents import MB
from shared import codes
from shared.errors import Malformed
from shared.http import framing
from shared.http.app import actor
from shared.http.forms import chunks, parts
from shared.store import CHUNK, attachment_key
from shared.text.file_names import field_name, file_name

# What surrounds the file in a multipart body, generously.
FRAME = 8 * 1024


def announced(request: web.Request) -> int:
    """Return what a request says that its file weighs: nearly the whole of it; told before the person waits for a hopeless upload."""
    return max(0, framing.announced(request) - FRAME)


@asynccontextmanager
async def take(request: web.Request, place: Place) -> AsyncIterator[tuple[Received, Examined]]:
    """Give the file of a request, in the store already, where an object without a row is harmless; what lies on the disk is removed
    afterwards. No transaction is open while a slow line sends it."""
    app, who = request.app, actor(request)
    lane = who.enterprise or who.account
    if announced(request) > place.slot.max_mb * MB:
        raise too_large(place.slot)
    app[INSPECTOR].may_come(lane)
    part = await _file_part(request)
    received = await receive(chunks(part, CHUNK), file_name(part) or "附件", place)
    file = received
    try:
        file = await made_fit(received, place, app[INSPECTOR], lane)
        examined = await examine(file, place, app[INSPECTOR], app[SCANNER], lane)
        await app[STORE].put_file(attachment_key(file.sha256), file.path)
        yield file, examined
    finally:
        forget(received, file)


async def _file_part(request: web.Request) -> BodyPartReader:
    async for part in parts(request, most=50):
        if field_name(part) == "file":
            return part
    raise Malformed("没有名为 file 的文件。", code=codes.FILE_MISSING)


def forget(*files: Received) -> None:
    """Remove received files from the disk."""
    for path in {file.path for file in files}:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
