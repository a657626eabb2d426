"""A file on its way in: written to the disk as it comes, its type told, looked into, scanned."""

import hashlib
import logging
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from services.applications.forms.definition import Slot
from services.applications.inspection import Inspector
from services.applications.scanning import Clamd, ScannerAway
from shared import clock
from shared.errors import FieldError, Invalid, TooLarge, UnsupportedMedia

log = logging.getLogger(__name__)

MB = 1024 * 1024
# How each accepted kind of file begins, whatever its name says.
_KINDS = {
    "pdf": ("application/pdf", b"%PDF-"),
    "png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    "jpg": ("image/jpeg", b"\xff\xd8\xff"),
    "jpeg": ("image/jpeg", b"\xff\xd8\xff"),
}
_HEAD = 64
PREFIX = "gm-upload-"


@dataclass(frozen=True)
class Place:
    """Where an upload goes: a slot of a section."""

    section: str
    slot: Slot

    def refuse(self, code: str, message: str) -> Invalid:
        """What is wrong with a file, at its slot."""
        return Invalid(
            [FieldError(section=self.section, field=self.slot.key, code=code, message=message)], message, code=code
        )


@dataclass(frozen=True)
class Received:
    """A file that arrived whole, not yet in the store."""

    path: Path
    name: str
    size: int
    sha256: str
    head: bytes


@dataclass(frozen=True)
class Examined:
    """What is known of a file that may be kept. `scanned_at` is null while no scanner has looked at it."""

    media_type: str
    scanned_at: datetime | None


def too_large(slot: Slot) -> TooLarge:
    """A file above its slot's limit."""
    return TooLarge(f"单个文件不能超过 {slot.max_mb} MB，请压缩或拆分后重新上传。")


async def receive(chunks: AsyncIterator[bytes], name: str, place: Place) -> Received:
    """Write the stream to a temporary file, counting as it comes. `TooLarge` over the slot's limit."""
    limit = place.slot.max_mb * MB
    hasher, size, head = hashlib.sha256(), 0, b""
    with tempfile.NamedTemporaryFile(prefix=PREFIX, delete=False) as file:
        path = Path(file.name)
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise too_large(place.slot)
                if len(head) < _HEAD:
                    head = (head + chunk)[:_HEAD]
                hasher.update(chunk)
                file.write(chunk)
        except BaseException:
            path.unlink(missing_ok=True)  # noqa: ASYNC240 (one unlink in the temporary folder)
            raise
    return Received(path, _plain_name(name), size, hasher.hexdigest(), head)


def media_type_of(file: Received, place: Place) -> str:
    """The type by extension and first bytes, which must agree and be accepted by the slot."""
    extension = PurePosixPath(file.name).suffix.lower().lstrip(".")
    kinds = "、".join(place.slot.accept)
    if extension not in place.slot.accept:
        raise UnsupportedMedia(f"此处只接受 {kinds} 文件。", code="file_type")
    if file.size == 0:
        raise UnsupportedMedia("文件是空的，请重新选择文件。", code="file_content")
    media_type, beginning = _KINDS[extension]
    if not file.head.startswith(beginning):
        raise UnsupportedMedia(f"文件内容与扩展名 .{extension} 不符，请重新导出后上传。", code="file_content")
    return media_type


async def examine(
    file: Received, place: Place, inspector: Inspector, scanner: Clamd | None, enterprise: str
) -> Examined:
    """Whether a received file may be kept; `Invalid` or `UnsupportedMedia` with the reason.

    A scanner that is away keeps nobody from a deadline: the file is taken, scanned later by the relay, and shown
    to nobody but its owner until then.
    """
    media_type = media_type_of(file, place)
    if fault := await inspector.look_into(file.path, media_type, enterprise):
        raise place.refuse(fault.code, fault.message)
    if scanner is None:
        return Examined(media_type, None)
    try:
        found = await scanner.scan_file(file.path)
    except ScannerAway as away:
        log.warning("the scanner gave no verdict", extra={"reason": str(away)})
        return Examined(media_type, None)
    if found:
        log.warning("an infected file was refused", extra={"found": found, "sha256": file.sha256})
        raise place.refuse("file_infected", f"文件含有病毒或恶意代码（{found}），已拒绝接收，请处理后重新上传。")
    return Examined(media_type, clock.now())


def remove_leftovers() -> None:
    """Uploads that a killed process left behind; a live one is never a day old."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > 24 * 3600:
                left.unlink()


def _plain_name(name: str) -> str:
    """The file's own name without folders or characters that end lines; 120 characters at most."""
    # Form data escapes what a header cannot hold: browsers a quotation mark, some clients all beyond ASCII.
    if name.isascii() and "%" in name:
        with suppress(UnicodeDecodeError):
            name = unquote(name, errors="strict")
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(c for c in base if c.isprintable()).strip() or "附件"
    stem, dot, extension = shown.rpartition(".")
    return f"{stem[:110]}{dot}{extension[:9]}" if dot else shown[:120]
