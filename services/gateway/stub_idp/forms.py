"""Read the forms of the stub's pages, some with one scan, which is judged by its own first bytes."""

from dataclasses import dataclass

from aiohttp import BodyPartReader, web

from shared.errors import Malformed, TooLarge
from shared.http.forms import chunks, pairs, parts, text
from shared.text.file_names import field_name, file_name

MAX_SCAN = 5 * 1024 * 1024
# A scan over its limit is read to its end, so that its form can come back with what was typed; no further than this.
MAX_READ = 30 * 1024 * 1024
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
    """A scan by its own first bytes, whatever its name says; `WrongScan` for anything else, or for one too large."""
    if len(content) > MAX_SCAN:
        raise WrongScan("扫描件不得超过 5 MB")
    for beginning, media_type in _BEGINNINGS.items():
        if content.startswith(beginning):
            return Scan(content, media_type)
    raise WrongScan("扫描件应为 PDF、JPG 或 PNG 文件")


async def fields(request: web.Request) -> dict[str, str]:
    """Read a small form without files."""
    return dict(pairs(await request.read(), most=50))


async def read(request: web.Request) -> tuple[dict[str, str], bytes]:
    """Fields, and the file's bytes: none when no file was chosen; of one over the limit one byte more than it."""
    fields: dict[str, str] = {}
    scan = b""
    async for part in parts(request, most=60):
        if not (name := field_name(part)):
            raise Malformed
        if file_name(part) is not None:
            scan = await _bytes(part, MAX_SCAN + 1, MAX_READ)
        else:
            fields[name] = await text(part, MAX_TEXT)
    return fields, scan


async def _bytes(part: BodyPartReader, keep: int, limit: int) -> bytes:
    """The first `keep` bytes of a part of at most `limit`."""
    found, size = bytearray(), 0
    async for chunk in chunks(part):
        size += len(chunk)
        if size > limit:
            raise TooLarge
        found += chunk[: keep - len(found)]
    return bytes(found)
