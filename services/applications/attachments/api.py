"""Serve attachments: a streamed upload, the file, removal."""

import tempfile
from pathlib import Path, PurePosixPath

from aiohttp import web

from services.applications.attachments import attachments as use_case
from services.applications.attachments import earlier
from services.applications.attachments.conversion import joined
from services.applications.attachments.intake import announced, forget, take
from services.applications.attachments.page_images import fetch
from services.applications.attachments.resources import INSPECTOR, SCANNER
from services.applications.attachments.sending import send_file
from services.applications.attachments.uploads import PREFIX, examine, replaced
from services.applications.core.context import CODEC, SETTINGS, STORE, transaction
from services.applications.filling.budgets import may_add
from services.applications.filling.views import attachment_view
from shared.contract.sections import JoinFiles, TakeEarlier
from shared.http.app import actor, answer, body, uuid_in_path
from shared.store import attachment_key


async def upload(request: web.Request) -> web.Response:
    """Add a file to a slot. It counts once the section's saved values name it."""
    who, id, app = actor(request), uuid_in_path(request), request.app
    section, slot = request.query.get("section", ""), request.query.get("slot", "")
    codec, total_mb = app[CODEC], app[SETTINGS].attachments_total_mb
    size = announced(request)
    # The transaction ends before the first byte is read: a slow line must not hold a connection.
    async with transaction(request) as session:
        place = await use_case.may_upload(session, codec, who, id, section, slot, size=size, total_mb=total_mb)
        await may_add(session, who.enterprise or "", size, total_mb=app[SETTINGS].enterprise_total_mb)
    async with take(request, place) as (file, examined), transaction(request) as session:
        await may_add(session, who.enterprise or "", file.size, total_mb=app[SETTINGS].enterprise_total_mb)
        attachment = await use_case.keep(
            session, app[STORE], codec, who, id, section, slot, file, examined, total_mb=total_mb
        )
        view = attachment_view(attachment)
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


async def take_earlier(request: web.Request) -> web.Response:
    """Add to a slot what the enterprise submitted there in an earlier application, without sending it again."""
    who, app, wanted = actor(request), request.app, body(request, TakeEarlier)
    async with transaction(request) as session:
        made = await earlier.take(
            session, app[STORE], app[CODEC], who, uuid_in_path(request), wanted.section, wanted.slot, wanted.source,
            total_mb=app[SETTINGS].attachments_total_mb,
        )  # fmt: skip
        await may_add(
            session, who.enterprise or "", sum(f.size for f in made), total_mb=app[SETTINGS].enterprise_total_mb
        )
        views = [attachment_view(file) for file in made]
    return answer(views, 201)


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
