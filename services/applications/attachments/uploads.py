"""Receive a file: write it to the disk as it comes, tell its type, inspect it, have it scanned."""

import asyncio
import hashlib
import logging
import re
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from services.applications.attachments.clamd import Clamd, ScannerAway
from services.applications.attachments.conversion import HEIC, converted
from services.applications.attachments.fault import Fault
from services.applications.attachments.inspection import Inspector
from services.applications.attachments.office import DOCX, XLSX
from services.applications.core.stored_contents import MB
from services.applications.forms.definition import Slot
from shared import clock, codes
from shared.errors import FieldError, Invalid, TooLarge, UnsupportedMedia

log = logging.getLogger(__name__)

# How each accepted kind of file begins, whatever its name says.
_KINDS = {
    "pdf": ("application/pdf", b"%PDF-"),
    "png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    "jpg": ("image/jpeg", b"\xff\xd8\xff"),
    "jpeg": ("image/jpeg", b"\xff\xd8\xff"),
    "docx": (DOCX, b"PK\x03\x04"),
    "xlsx": (XLSX, b"PK\x03\x04"),
}
# Word's and Excel's files of before 2007, and of now with a password.
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
# What people try most often, and what to do instead.
_OTHER_KINDS = {"webp": "请用看图软件另存为 JPG 或 PNG 后上传。"}
# What cameras write; a file of another extension is told what it is.
_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".heic", ".heif"})
# A PDF may have other bytes before its mark: viewers look for it in the first 1,024.
_HEAD = 1024
# What telephones and offices put under another extension, by its first bytes, and what to do then.
_DISGUISED = (
    (re.compile(rb".{4}ftypavif", re.DOTALL), "文件实际是 AVIF 图片，请另存为 JPG 或 PNG 后上传。"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "文件实际是 WebP 图片，请用看图软件另存为 JPG 或 PNG 后上传。"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "文件实际是 PNG 图片，请将扩展名改为 .png 或另存为所需格式后上传。"),
    (re.compile(rb"\xff\xd8\xff"), "文件实际是 JPG 图片，请将扩展名改为 .jpg 或另存为所需格式后上传。"),
    (re.compile(rb"GIF8|BM|II\*\0|MM\0\*"), "文件实际是其他格式的图片，请另存为 JPG 或 PNG 后上传。"),
    (
        re.compile(rb"PK\x03\x04|\xd0\xcf\x11\xe0"),
        "文件实际是 Office、WPS 文档或压缩包，请在 Word、WPS 中“输出为PDF”后上传。",
    ),
)
PREFIX = "gm-upload-"


@dataclass(frozen=True)
class Place:
    """Where an upload goes: a slot of a section."""

    section: str
    slot: Slot

    def refuse(self, code: str, message: str) -> Invalid:
        """Return what is wrong with a file, at its slot."""
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
    """Return a file above its slot's limit."""
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
    return Received(path, name, size, hasher.hexdigest(), head)


def wanted(file: Received, place: Place) -> str | None:
    """Return what a picture has to be made for its slot, `jpg` or `pdf`; None for a file that is taken as it is, or not at all. A photograph of
    a telephone (HEIC) is made a JPEG where the slot takes one; where it takes PDFs alone every picture is made one."""
    accept = place.slot.accept
    photograph = HEIC.match(file.head) is not None
    picture = photograph or any(file.head.startswith(_KINDS[kind][1]) for kind in ("jpg", "png"))
    if not picture or PurePosixPath(file.name).suffix.lower() not in _PICTURES:
        return None
    if {"jpg", "jpeg"} & set(accept):
        return "jpg" if photograph else None
    fits = "png" in accept and not photograph
    return "pdf" if "pdf" in accept and not fits else None


async def made_fit(file: Received, place: Place, inspector: Inspector, enterprise: str) -> Received:
    """Return the file as its slot takes it: a picture is converted in a process of the inspector's, anything else is left as it is."""
    kind = wanted(file, place)
    if kind is None:
        return file
    name = f"{PurePosixPath(file.name).stem}.{kind}"
    return await replaced(name, place, inspector.run, enterprise, converted, str(file.path), kind=kind)


def media_type_of(file: Received, place: Place) -> str:
    """Return the type by extension and first bytes, which must agree and be accepted by the slot."""
    extension = PurePosixPath(file.name).suffix.lower().lstrip(".")
    kinds = "、".join(place.slot.accept)
    if extension not in place.slot.accept:
        told = f"此处只接受 {kinds} 文件。{_OTHER_KINDS.get(extension, '')}"
        raise UnsupportedMedia(told, code=codes.FILE_TYPE)
    if file.size == 0:
        raise UnsupportedMedia("文件是空的，请重新选择文件。", code=codes.FILE_CONTENT)
    media_type, beginning = _KINDS[extension]
    within = file.head if extension == "pdf" else file.head[: len(beginning)]
    if beginning not in within:
        if extension in ("docx", "xlsx") and file.head.startswith(_OLD_OFFICE):
            told = f"文件已加密或为旧版格式，请去除密码并另存为 .{extension} 后上传。"
            raise UnsupportedMedia(told, code=codes.FILE_CONTENT)
        told = next((told for mark, told in _DISGUISED if mark.match(file.head)), "请重新导出后上传。")
        raise UnsupportedMedia(f"文件内容与扩展名 .{extension} 不符，{told}", code=codes.FILE_CONTENT)
    return media_type


async def replaced(
    name: str,
    place: Place,
    run: Callable[..., Awaitable[Fault | None]],
    enterprise: str,
    work: Callable[..., Fault | None],
    source: object,
    **options: str,
) -> Received:
    """Return the file that `work` makes of its source under this name; `Invalid` with the reason why it cannot."""
    with tempfile.NamedTemporaryFile(prefix=PREFIX, delete=False) as made:
        path = Path(made.name)
    try:
        if fault := await run(enterprise, work, source, str(path), *options.values()):
            raise place.refuse(fault.code, fault.message)
        size, sha256, head = await asyncio.to_thread(_measured, path)
        if size > place.slot.max_mb * MB:
            raise too_large(place.slot)
    except BaseException:
        path.unlink(missing_ok=True)  # noqa: ASYNC240 (one unlink in the temporary folder)
        raise
    return Received(path, name, size, sha256, head)


def _measured(path: Path) -> tuple[int, str, bytes]:
    with path.open("rb") as file:
        head = file.read(_HEAD)
        file.seek(0)
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest(), head


async def examine(
    file: Received, place: Place, inspector: Inspector, scanner: Clamd | None, enterprise: str
) -> Examined:
    """Tell whether a received file may be kept; `Invalid` or `UnsupportedMedia` with the reason.

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
        raise place.refuse(
            codes.FILE_INFECTED, f"文件含有病毒或恶意代码（{found}），已拒绝接收，请处理后重新上传。"
        )
    return Examined(media_type, clock.now())


def remove_leftovers() -> None:
    """Uploads that a killed process left behind; a live one is never a day old."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > 24 * 3600:
                left.unlink()
