"""Serve workbooks: take one, bring it back to be compared, agree."""

import asyncio
import contextlib
import os
import tempfile
from pathlib import Path

from aiohttp import web

from services.applications.attachments.fault import Fault
from services.applications.attachments.resources import INSPECTOR
from services.applications.attachments.sending import content_disposition
from services.applications.core.context import CODEC, transaction
from services.applications.workbooks import workbooks as use_case
from services.applications.workbooks.opening import MAX_BYTES, TOO_LARGE, open_book
from services.applications.workbooks.reading import MAX_REMARKS, Brought
from services.applications.workbooks.writing import write
from shared import clock, codes
from shared.contract.workbooks import (
    WorkbookAgreed,
    WorkbookChange,
    WorkbookKept,
    WorkbookRead,
    WorkbookRemark,
    WorkbookSection,
)
from shared.errors import Malformed, TooLarge, UnsupportedMedia
from shared.http import framing
from shared.http.app import actor, answer, body, uuid_in_path
from shared.http.forms import chunks, parts
from shared.store import CHUNK
from shared.text.file_names import field_name

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What surrounds the file in a multipart body, generously.
FRAME = 8 * 1024


async def take(request: web.Request) -> web.Response:
    """Return a workbook with what stands: of one material (`section`), or of all that can be changed."""
    section = request.query.get("section", "")
    async with transaction(request) as session:
        standing, wanted = await use_case.to_take(
            session, request.app[CODEC], actor(request), uuid_in_path(request), section
        )
    # In a thread: others are waiting for answers.
    content = await asyncio.to_thread(write, standing, wanted)
    label = standing.form.by_key[section].label if section else standing.form.label
    return web.Response(
        body=content,
        content_type=XLSX,
        headers={
            "Content-Disposition": content_disposition(f"{label}-{clock.today():%Y%m%d}.xlsx"),
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


async def bring(request: web.Request) -> web.Response:
    """Compare a workbook that was filled in with what stands, cell by cell. Nothing is kept."""
    who, id, app = actor(request), uuid_in_path(request), request.app
    lane = who.enterprise or who.account
    if framing.announced(request) > MAX_BYTES + FRAME:
        raise TooLarge("工作簿不能超过 5 MB，请删除其中的图片等内容后上传。")
    # Somebody else's application, and one that cannot be changed, are told before a byte is read.
    async with transaction(request) as session:
        found = await use_case.ground(session, app[CODEC], who, id)
    app[INSPECTOR].may_come(lane)
    path = await _received(request)
    try:
        book = await app[INSPECTOR].run(lane, open_book, str(path))
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    if isinstance(book, Fault):
        if book == TOO_LARGE:
            raise TooLarge(book.message, code=book.code)
        raise UnsupportedMedia(book.message, code=book.code)
    # In a thread: a thousand rows are a tenth of a second, and others are waiting for answers.
    return answer(_view(found, await asyncio.to_thread(use_case.compare, found, book, who)))


async def _received(request: web.Request) -> Path:
    async for part in parts(request, most=50):
        if field_name(part) != "file":
            continue
        with tempfile.NamedTemporaryFile(prefix="gm-upload-", suffix=".xlsx", delete=False) as file:
            path, size = Path(file.name), 0
            try:
                async for chunk in chunks(part, CHUNK):
                    size += len(chunk)
                    if size > MAX_BYTES:
                        raise TooLarge("工作簿不能超过 5 MB，请删除其中的图片等内容后上传。")
                    file.write(chunk)
            except BaseException:
                path.unlink(missing_ok=True)  # noqa: ASYNC240 (one unlink in the temporary folder)
                raise
        return path
    raise Malformed("没有名为 file 的文件。", code=codes.FILE_MISSING)


def _view(found: use_case.Ground, brought: Brought) -> WorkbookRead:
    order = {"blocking": 0, "wrong": 1, "told": 2}
    remarks = sorted(brought.remarks, key=lambda remark: order[remark.severity])
    sections = [] if brought.blocked else [
        WorkbookSection(key=key, etag=found.etags[key], values=values) for key, values in brought.values.items()
    ]  # fmt: skip
    return WorkbookRead(
        form_version=found.form.version,
        sections=sections,
        changes=[WorkbookChange(**vars(change)) for change in brought.changes],
        remarks=[WorkbookRemark(**vars(remark)) for remark in remarks[:MAX_REMARKS]],
        more_remarks=max(0, len(remarks) - MAX_REMARKS),
    )


async def agree(request: web.Request) -> web.Response:
    """Keep what a workbook brought, as it was shown, as 暂存: every section, or none."""
    async with transaction(request) as session:
        etags = await use_case.keep(
            session, request.app[CODEC], actor(request), uuid_in_path(request), body(request, WorkbookAgreed)
        )
    return answer(WorkbookKept(etags=etags))
