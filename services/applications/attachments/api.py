"""Serve attachments: a streamed upload, the file, removal."""

import contextlib
import os
import tempfile
from pathlib import Path, PurePosixPath

from aiohttp import BodyPartReader, web

from services.applications.attachments import attachments as use_case
from services.applications.attachments.conversion import joined
from services.applications.attachments.page_images import fetch
from services.applications.attachments.resources import INSPECTOR, SCANNER
from services.applications.attachments.sending import send_file
from services.applications.attachments.uploads import (
    PREFIX,
    Received,
    examine,
    made_fit,
    receive,
    replaced,
    too_large,
)
from services.applications.core.context import CODEC, SETTINGS, STORE, transaction
from services.applications.core.stored_contents import MB
from services.applications.filling.budgets import may_add
from services.applications.filling.views import attachment_view
from shared import codes
from shared.contract.sections import JoinFiles
from shared.errors import Malformed
from shared.http import framing
from shared.http.app import actor, answer, body, uuid_in_path
from shared.http.forms import chunks, parts
from shared.store import CHUNK, attachment_key
from shared.text.file_names import field_name, file_name

# What surrounds the file in a multipart body, generously.
FRAME = 8 * 1024


async def file_part(request: web.Request) -> BodyPartReader:
    """Return the part of a multipart body that is the file; `Malformed` without one."""
    async for part in parts(request, most=50):
        if field_name(part) == "file":
            return part
    raise Malformed("没有名为 file 的文件。", code=codes.FILE_MISSING)


async def upload(request: web.Request) -> web.Response:
    """Add a file to a slot. It counts once the section's saved values name it."""
    who, id, app = actor(request), uuid_in_path(request), request.app
    section, slot = request.query.get("section", ""), request.query.get("slot", "")
    codec, total_mb = app[CODEC], app[SETTINGS].attachments_total_mb
    # What the whole request weighs is nearly the file; said before the person waits for a hopeless upload.
    announced = max(0, framing.announced(request) - FRAME)
    # The transaction ends before the first byte is read: a slow line must not hold a connection.
    async with transaction(request) as session:
        place = await use_case.may_upload(
            session, codec, who, id, section, slot, size=announced, total_mb=total_mb
        )
        await may_add(session, who.enterprise or "", announced, total_mb=app[SETTINGS].enterprise_total_mb)
    if announced > place.slot.max_mb * MB:
        raise too_large(place.slot)
    app[INSPECTOR].may_come(who.enterprise or who.account)
    part = await file_part(request)
    received = await receive(chunks(part, CHUNK), file_name(part) or "附件", place)
    file = received
    try:
        file = await made_fit(received, place, app[INSPECTOR], who.enterprise or who.account)
        examined = await examine(file, place, app[INSPECTOR], app[SCANNER], who.enterprise or who.account)
        # Before the transaction, where it may take its time: an object without a row is harmless.
        await app[STORE].put_file(attachment_key(file.sha256), file.path)
        async with transaction(request) as session:
            await may_add(session, who.enterprise or "", file.size, total_mb=app[SETTINGS].enterprise_total_mb)
            attachment = await use_case.keep(
                session, app[STORE], codec, who, id, section, slot, file, examined, total_mb=total_mb
            )
            view = attachment_view(attachment)
    finally:
        forget(received, file)
    return answer(view, 201)


async def join(request: web.Request) -> web.Response:
    """Join files of a slot into one PDF, in the order in which they are named. The files stay until nothing names them."""
    who, id, app = actor(request), uuid_in_path(request), request.app
    wanted = body(request, JoinFiles)
    codec, total_mb = app[CODEC], app[SETTINGS].attachments_total_mb
    lane = who.enterprise or who.account
    async with transaction(request) as session:
        place = await use_case.may_upload(
            session, codec, who, id, wanted.section, wanted.slot, size=0, total_mb=total_mb
        )
        sources = await use_case.to_join(session, who, id, place, wanted.files)
    app[INSPECTOR].may_come(lane)
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        listed = []
        for n, source in enumerate(sources):
            path = Path(folder) / str(n)
            await fetch(app[STORE], source.sha256, path)
            listed.append((str(path), source.media_type))
        name = f"{PurePosixPath(sources[0].name).stem}等{len(sources)}个文件.pdf"
        file = await replaced(name, place, app[INSPECTOR].run, lane, joined, listed)
    try:
        examined = await examine(file, place, app[INSPECTOR], app[SCANNER], lane)
        await app[STORE].put_file(attachment_key(file.sha256), file.path)
        async with transaction(request) as session:
            await may_add(session, who.enterprise or "", file.size, total_mb=app[SETTINGS].enterprise_total_mb)
            attachment = await use_case.keep(
                session, app[STORE], codec, who, id, wanted.section, wanted.slot, file, examined, total_mb=total_mb
            )
            view = attachment_view(attachment)
    finally:
        forget(file)
    return answer(view, 201)


def forget(*files: Received) -> None:
    """Remove received files from the disk."""
    for path in {file.path for file in files}:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


async def download(request: web.Request) -> web.StreamResponse:
    """Return the file itself. Staff read it once it has been scanned, where there is a scanner."""
    async with transaction(request) as session:
        found = await use_case.to_read(
            session,
            actor(request),
            uuid_in_path(request),
            uuid_in_path(request, "attachment"),
            scanning=request.app[SCANNER] is not None,
        )
    return await send_file(
        request, attachment_key(found.sha256), found.name, media_type=found.media_type, size=found.size
    )


async def remove(request: web.Request) -> web.Response:
    """Take a file away; 409 while saved values name it."""
    async with transaction(request) as session:
        await use_case.remove(
            session,
            request.app[CODEC],
            actor(request),
            uuid_in_path(request),
            uuid_in_path(request, "attachment"),
        )
    return web.Response(status=204)
