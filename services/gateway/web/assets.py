"""Serve style sheet, scripts and pictures, each read, hashed and compressed once.

Every name carries the digest of all of them (`/static/<digest>/js/portal.js`), so that browsers may keep a file
for a year, scripts can import one another by relative names, and nobody ever mixes two versions.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import brotli
from aiohttp import hdrs, web

from shared.errors import NotFound

FOLDER = Path(__file__).parent.parent / "static"
SHEET = "portal.css"
TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """One file as it is sent, plain and compressed."""

    media_type: str
    plain: bytes

    @cached_property
    def brotli(self) -> bytes:
        return bytes(brotli.compress(self.plain))

    @cached_property
    def gzip(self) -> bytes:
        return gzip.compress(self.plain, 9, mtime=0)

    def encoded(self, accepted: str) -> tuple[str | None, bytes]:
        """The smallest form that the browser accepts."""
        if self.media_type == "image/png":
            return None, self.plain
        if "br" in accepted:
            return "br", self.brotli
        if "gzip" in accepted:
            return "gzip", self.gzip
        return None, self.plain


def _read() -> dict[str, Asset]:
    found = {
        path.relative_to(FOLDER).as_posix(): Asset(TYPES[path.suffix], path.read_bytes())
        for path in sorted(FOLDER.rglob("*"))
        if path.suffix in TYPES
    }
    # Many small sheets to write, one to load; their numbers are their order.
    sheets = [name for name in found if name.startswith("css/")]
    found[SHEET] = Asset("text/css", b"\n".join(found.pop(name).plain for name in sheets))
    return found


ASSETS = _read()
DIGEST = hashlib.sha256(
    b"".join(name.encode() + b"\0" + asset.plain for name, asset in sorted(ASSETS.items()))
).hexdigest()[:16]


def asset(name: str) -> str:
    """The address of a file of `static/`; `KeyError` where there is none, so that a page cannot name one."""
    if name not in ASSETS:
        raise KeyError(name)
    return f"/static/{DIGEST}/{name}"


async def serve(request: web.Request) -> web.Response:
    """One file. A page from before an update may still ask under the old digest: it gets today's, not kept."""
    found = ASSETS.get(request.match_info["name"])
    if found is None:
        raise NotFound
    encoding, body = found.encoded(request.headers.get(hdrs.ACCEPT_ENCODING, "").lower())
    answer = web.Response(body=body, content_type=found.media_type)
    answer.charset = None if found.media_type.startswith("image/png") else "utf-8"
    answer.headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
    answer.headers[hdrs.CACHE_CONTROL] = YEAR if request.match_info["digest"] == DIGEST else "no-cache"
    if encoding:
        answer.headers[hdrs.CONTENT_ENCODING] = encoding
    return answer
