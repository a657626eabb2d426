"""Attachments: a streamed upload, the file, removal."""

import contextlib
import os
from collections.abc import AsyncIterator
from urllib.parse import quote

from aiohttp import BodyPartReader, web

from services.applications import repository, views
from services.applications.context import CODEC, STORE, transaction
from services.applications.use_cases import attachments as use_case
from shared.errors import Malformed, NotFound, UnsupportedMedia
from shared.store import CHUNK, attachment_key
from shared.web import actor, answer, uuid_in_path


async def _file_part(request: web.Request) -> BodyPartReader:
    if not request.content_type.startswith("multipart/"):
        raise UnsupportedMedia("附件应以 multipart/form-data 上传。")
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, BodyPartReader) and part.name == "file":
                return part
    except (ValueError, AssertionError) as error:
        raise Malformed("附件上传的内容不完整，请重试。") from error
    raise Malformed("没有名为 file 的文件。", code="file_missing")


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(CHUNK):
        yield chunk


async def upload(request: web.Request) -> web.Response:
    """Add a file to a slot. It counts once the section's saved values name it."""
    who, id = actor(request), uuid_in_path(request)
    section, slot = request.query.get("section", ""), request.query.get("slot", "")
    codec, store = request.app[CODEC], request.app[STORE]
    # The transaction ends before the first byte is read: a slow line must not hold a connection.
    async with transaction(request) as session:
        found = await use_case.may_upload(session, codec, who, id, section, slot)
    part = await _file_part(request)
    file = await use_case.receive(_chunks(part), part.filename or "附件", found)
    try:
        async with transaction(request) as session:
            attachment = await use_case.keep(session, store, codec, who, id, section, slot, file)
            view = views.attachment_view(attachment)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(file.path)
    return answer(view, 201)


async def download(request: web.Request) -> web.StreamResponse:
    """The file itself."""
    async with transaction(request) as session:
        await repository.application(session, actor(request), uuid_in_path(request))
        found = await repository.attachment(session, uuid_in_path(request), uuid_in_path(request, "attachment"))
    return await send_file(
        request, attachment_key(found.sha256), found.name, media_type=found.media_type, size=found.size
    )


async def send_file(
    request: web.Request, key: str, name: str, *, media_type: str, size: int, inline: bool = False
) -> web.StreamResponse:
    """Stream an object of the store under a name people know."""
    chunks = request.app[STORE].stream(key)
    try:
        first = await anext(chunks)
    except FileNotFoundError:
        raise NotFound("文件暂时无法读取，请联系技术咨询。", code="file_lost") from None
    except StopAsyncIteration:
        first = b""
    placement = "inline" if inline else "attachment"
    answer = web.StreamResponse(
        headers={
            "Content-Type": media_type,
            "Content-Disposition": f"{placement}; filename*=UTF-8''{quote(name, safe='')}",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        }
    )
    answer.content_length = size
    await answer.prepare(request)
    await answer.write(first)
    async for chunk in chunks:
        await answer.write(chunk)
    await answer.write_eof()
    return answer


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
