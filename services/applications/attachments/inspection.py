"""Inspect an uploaded file in a process of its own, since a file may be made to harm whoever reads it.

A parser that hangs is killed, one that eats memory meets a limit, one that crashes takes no server with it.
Nothing is decoded before its dimensions are known.
"""

import asyncio
import logging
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from pebble import ProcessPool

from services.applications.attachments.fair_line import FairLine, Penalty
from services.applications.attachments.fault import Fault
from services.applications.attachments.office import MAIN, office_fault
from services.applications.core.processes import fork_server, limit_memory
from shared import codes

log = logging.getLogger(__name__)
T = TypeVar("T")

# A photograph of the largest telephones is 12,000 × 9,000. As bytes in memory that is 300 MB, which no viewer minds.
MAX_PIXELS = 120_000_000
MAX_SIDE = 30_000
# What the processes have loaded before they begin.
PARSERS = (__name__, "PIL.Image", "pypdfium2")
# Tenders of a thousand pages exist, books of five thousand are no evidence.
MAX_PAGES = 5_000
# The end of a PDF says where its table stands; a file that was cut off has none.
_TAIL = 64 * 1024


# What the processes run.
Look = Callable[[str, str], Fault | None]

BROKEN_PDF = Fault(codes.FILE_BROKEN, "PDF 无法打开，文件不完整或已损坏，请重新导出后上传。")
ENCRYPTED_PDF = Fault(codes.FILE_ENCRYPTED, "PDF 已加密，打开时需要密码，请去除密码后重新上传。")
EMPTY_PDF = Fault(codes.FILE_BROKEN, "PDF 没有任何页面，请重新导出后上传。")
BROKEN_IMAGE = Fault(codes.FILE_BROKEN, "图片无法打开，文件不完整或已损坏，请重新导出后上传。")
TOO_SLOW = Fault(codes.FILE_TOO_COMPLEX, "文件内容过于复杂，无法在规定时间内完成检查，请另存或重新扫描后上传。")
CRASHED = Fault(codes.FILE_BROKEN, "文件无法解析，可能已损坏，请重新导出后上传。")


def look_into(path: str, media_type: str) -> Fault | None:
    """Return what is wrong with a file of this type, or None."""
    if media_type in MAIN:
        return office_fault(path, media_type)
    return _pdf(path) if media_type == "application/pdf" else _image(path, media_type)


def _pdf(path: str) -> Fault | None:
    # The helpers above it mistake a document without pages for whatever went wrong with the one before.
    from pypdfium2 import raw

    with Path(path).open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _TAIL))
        if b"startxref" not in file.read():
            return BROKEN_PDF
    document = raw.FPDF_LoadDocument(path.encode() + b"\0", None)
    if not document:
        return ENCRYPTED_PDF if raw.FPDF_GetLastError() == raw.FPDF_ERR_PASSWORD else BROKEN_PDF
    try:
        return _pages(document)
    finally:
        raw.FPDF_CloseDocument(document)


def _pages(document: Any) -> Fault | None:
    from pypdfium2 import raw

    pages = raw.FPDF_GetPageCount(document)
    if pages < 1:
        return EMPTY_PDF
    if pages > MAX_PAGES:
        return Fault(codes.TOO_MANY_PAGES, f"PDF 有 {pages} 页，最多 {MAX_PAGES} 页，请拆分后上传。")
    size = raw.FS_SIZEF()
    if not all(raw.FPDF_GetPageSizeByIndexF(document, number, size) for number in range(pages)):
        return BROKEN_PDF  # a page that is not there has no size
    first = raw.FPDF_LoadPage(document, 0)
    if not first:
        return BROKEN_PDF
    raw.FPDF_ClosePage(first)
    return None


def _image(path: str, media_type: str) -> Fault | None:
    from PIL import Image, ImageFile

    # A switch of the whole process, which other libraries turn on.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    # Our own limit stands below; the library's warning would come at another size.
    Image.MAX_IMAGE_PIXELS = None
    # Only the one parser is asked. A telephone's JPEG may carry a second picture, which the first one covers.
    formats = ("PNG",) if media_type == "image/png" else ("JPEG",)
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=formats) as image:
            width, height = image.size
            if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
                size = f"{width}×{height}"
                return Fault(
                    codes.IMAGE_TOO_LARGE, f"图片尺寸为 {size} 像素，超过 1.2 亿像素的上限，请缩小后上传。"
                )
            if image.format == "PNG":
                image.verify()  # every chunk with its checksum, nothing unpacked
            else:
                image.draft("RGB", (1, 1))  # an eighth of each side is enough to reach the end
                image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return BROKEN_IMAGE
    return None


class Inspector:
    """A few processes that look into files, by turns for each enterprise; a hung one is replaced. No enterprise has all of
    them, and one whose files hang again and again waits."""

    # How many files of one enterprise may wait.
    WAITING = 50

    def __init__(self, *, seconds: float, workers: int = 2, look: Look = look_into) -> None:
        self._seconds = seconds
        self._look = look
        self._line = FairLine(workers, per_lane=max(1, workers - 1), waiting=self.WAITING)
        self._penalty = Penalty()
        self._pool = ProcessPool(
            max_workers=workers,
            max_tasks=1000,
            initializer=limit_memory,
            context=fork_server(*PARSERS),
        )

    def may_come(self, enterprise: str) -> None:
        """Raise `TooMany` while files of this enterprise have to wait; asked before a file is received."""
        self._penalty.check(enterprise)

    async def look_into(self, path: Path, media_type: str, enterprise: str) -> Fault | None:
        """Return what is wrong with the file, or None. `TOO_SLOW` after the time limit."""
        return await self.run(enterprise, self._look, str(path), media_type)

    async def run(self, enterprise: str, work: Callable[..., T], *arguments: object) -> T | Fault:
        """Return what `work` makes of a file, or why it could not: `TOO_SLOW` after the time limit, `CRASHED`."""
        async with self._line.place(enterprise):
            # Again: the files before it in line may have been the ones.
            self._penalty.check(enterprise)
            future: Future[T] = self._pool.schedule(work, args=arguments, timeout=self._seconds)
            try:
                return await asyncio.wrap_future(future)
            except TimeoutError:
                log.warning("a file took too long to look into", extra={"work": work.__name__})
                self._penalty.slow(enterprise)
                return TOO_SLOW
            except Exception as error:
                # The process died of it, or a parser met what its author had not thought of: no file to keep.
                log.warning("a file could not be looked into", extra={"reason": repr(error)})
                self._penalty.slow(enterprise)
                return CRASHED

    async def close(self) -> None:
        """End the processes."""
        self._pool.stop()
        await asyncio.to_thread(self._pool.join)
