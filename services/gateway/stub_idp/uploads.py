"""Forms with one scan: read whole, small, and only what the file itself is."""

from dataclasses import dataclass

from aiohttp import BodyPartReader, web

from shared.errors import Malformed, TooLarge, UnsupportedMedia

MAX_SCAN = 5 * 1024 * 1024
MAX_TEXT = 20_000
_BEGINNINGS = {
    b"%PDF-": "application/pdf",
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
}
SUFFIXES = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}


@dataclass(frozen=True)
class Scan:
    content: bytes
    media_type: str


class WrongScan(Exception):
    """The message says what is wrong with it."""


def checked(content: bytes) -> Scan:
    """A scan by its own first bytes, whatever its name says; `WrongScan` for anything else."""
    for beginning, media_type in _BEGINNINGS.items():
        if content.startswith(beginning):
            return Scan(content, media_type)
    raise WrongScan("扫描件应为 PDF、JPG 或 PNG 文件")


async def read(request: web.Request) -> tuple[dict[str, str], bytes]:
    """Fields, and the file's bytes (none when no file was chosen)."""
    if request.content_type != "multipart/form-data":
        raise UnsupportedMedia
    fields: dict[str, str] = {}
    scan = b""
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader) or not part.name or len(fields) > 50:
                raise Malformed
            if part.filename is not None:
                scan = await _bytes(part, MAX_SCAN, "扫描件不得超过 5 MB。")
            else:
                fields[part.name] = (await _bytes(part, MAX_TEXT, None)).decode()
    except ValueError as error:
        raise Malformed from error
    return fields, scan


async def _bytes(part: BodyPartReader, limit: int, too_large: str | None) -> bytes:
    found = bytearray()
    while chunk := await part.read_chunk():
        found += chunk
        if len(found) > limit:
            raise TooLarge(too_large)
    return bytes(found)
