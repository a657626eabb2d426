"""Draw pages of an attachment as pictures for a reviewer's browser, in a process that may die.

So nothing active in a file reaches the bureau's browsers, and no viewer has to be installed. A page is drawn once and
kept in the store beside its file.
"""

import asyncio
import io
import logging
import tempfile
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from pebble import ProcessPool

from services.applications.attachments.fair_line import FairLine, Penalty
from services.applications.attachments.inspection import MAX_PIXELS, PARSERS
from services.applications.attachments.office import MAIN
from services.applications.core.processes import fork_server, limit_memory
from shared import codes
from shared.errors import Conflict, NotFound
from shared.store import Store, attachment_key

log = logging.getLogger(__name__)

# Wide enough to read a scanned A4 page, whatever size the file claims.
WIDTH, HEIGHT = 1240, 2480
# Twice what a list of files shows.
THUMBNAIL = 112
T = TypeVar("T")


def page_count(path: str, media_type: str) -> int:
    """Return how many pages a file has; a picture is one."""
    if media_type != "application/pdf":
        return 1
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        return len(document)


def picture(path: str, media_type: str, number: int, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """Return a page (counted from 1) as WebP, no larger than this. `IndexError` when there is no such page."""
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    with warnings.catch_warnings(action="ignore"):
        if media_type == "application/pdf":
            drawn = _pdf_page(path, number, width, height)
        elif number == 1:
            drawn = Image.open(path, formats=("PNG",) if media_type == "image/png" else ("JPEG",))
            drawn.draft("RGB", (height, height))
            # As it was held: telephones write the turn beside the picture.
            drawn = ImageOps.exif_transpose(drawn)
            drawn.thumbnail((width, height))
        else:
            raise IndexError(number)
        out = io.BytesIO()
        drawn.convert("RGB").save(out, "WEBP", quality=82, method=2)
    return out.getvalue()


def _pdf_page(path: str, number: int, most_wide: int, most_high: int) -> Any:
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        if not 1 <= number <= len(document):
            raise IndexError(number)
        page = document[number - 1]
        width, height = page.get_size()
        scale = min(most_wide / max(width, 1), most_high / max(height, 1))
        return page.render(scale=scale, may_draw_forms=False).to_pil()


class Pictures:
    """A few processes that draw, by turns for each `lane` (an enterprise, or somebody of the bureau); a hung one is replaced.
    Nobody has all of them, and whoever's pages hang again and again waits."""

    # How many pages of one lane may wait: a long paper is looked at page by page.
    WAITING = 200
    # How many contents it is remembered of how many pages they have: a content never changes.
    COUNTED = 10_000

    def __init__(self, *, seconds: float, workers: int = 2) -> None:
        self._seconds = seconds
        self._line = FairLine(workers, per_lane=max(1, workers - 1), waiting=self.WAITING)
        self._penalty = Penalty()
        self._counted: dict[str, int] = {}
        self._pool = ProcessPool(
            max_workers=workers,
            max_tasks=500,
            initializer=limit_memory,
            context=fork_server(*PARSERS),
        )

    async def pages(self, store: Store, sha256: str, media_type: str, lane: str) -> int:
        """Return how many pages a file has. `Conflict` when it cannot be read."""
        if media_type in MAIN:
            raise _not_drawn()
        if media_type != "application/pdf":
            return 1
        if sha256 not in self._counted:
            with tempfile.NamedTemporaryFile(prefix="gm-picture-") as file:
                await fetch(store, sha256, Path(file.name))
                counted = await self._ask(lane, page_count, file.name, media_type)
            if len(self._counted) >= self.COUNTED:
                self._counted.clear()
            self._counted[sha256] = counted
        return self._counted[sha256]

    async def page(self, store: Store, sha256: str, media_type: str, number: int, lane: str) -> bytes:
        """Return one page as WebP; `NotFound` when there is no such page, `Conflict` when it cannot be drawn."""
        return await self._kept(store, sha256, f"{number}.webp", lane, media_type, number)

    async def thumbnail(self, store: Store, sha256: str, media_type: str, lane: str) -> bytes:
        """Return the first page as a small WebP; `Conflict` when it cannot be drawn."""
        size = (THUMBNAIL, THUMBNAIL)
        return await self._kept(store, sha256, "thumbnail.webp", lane, media_type, 1, *size)

    async def _kept(self, store: Store, sha256: str, name: str, lane: str, media_type: str, *which: int) -> bytes:
        """Return what is kept beside a file under a name; draw it where it is not there yet."""
        if media_type in MAIN:
            raise _not_drawn()
        key = f"{folder(sha256)}/{name}"
        try:
            return await asyncio.to_thread(store.get, key)
        except FileNotFoundError:
            pass
        with tempfile.NamedTemporaryFile(prefix="gm-picture-") as file:
            await fetch(store, sha256, Path(file.name))
            drawn = await self._ask(lane, picture, file.name, media_type, *which)
        await asyncio.to_thread(store.put, key, drawn)
        return drawn

    async def _ask(self, lane: str, work: Callable[..., T], *arguments: object) -> T:
        async with self._line.place(lane):
            self._penalty.check(lane)
            future: Future[T] = self._pool.schedule(work, args=arguments, timeout=self._seconds)
            try:
                return await asyncio.wrap_future(future)
            except IndexError:
                raise NotFound("没有这一页。") from None
            except Exception as error:
                # The process died of it, took too long, or a parser met what its author had not thought of.
                log.warning("a page could not be drawn", extra={"reason": repr(error)})
                if isinstance(error, TimeoutError):
                    self._penalty.slow(lane)
                raise Conflict("该文件无法在页面中显示，请下载查看。", code=codes.NO_PICTURE) from error

    async def close(self) -> None:
        """End the process."""
        self._pool.stop()
        await asyncio.to_thread(self._pool.join)


def _not_drawn() -> Conflict:
    return Conflict("Word、Excel 文件不在页面中显示，请下载查看。", code=codes.NO_PICTURE)


def folder(sha256: str) -> str:
    """Return where the pages of a file stand."""
    return f"pictures/{sha256}"


async def fetch(store: Store, sha256: str, to: Path) -> None:
    """Write a content of the store to a file; `NotFound` where it is lost."""
    try:
        with to.open("wb") as out:
            async for chunk in store.stream(attachment_key(sha256)):
                out.write(chunk)
    except FileNotFoundError:
        raise NotFound("文件暂时无法读取，请联系技术咨询。", code=codes.FILE_LOST) from None
