"""Verify a document (核验), for anybody: the page behind its QR code. A file is hashed while it streams in and kept nowhere."""

import hashlib
import re
from urllib.parse import quote

from aiohttp import web

from services.gateway.web.context import SERVICES, SETTINGS
from services.gateway.web.error_pages import prefers_json
from services.gateway.web.rendering import came_from, page
from shared import codes
from shared.contract.submission import Verification
from shared.errors import Malformed, TooLarge
from shared.http.app import REQUEST_ID, answer, see_other
from shared.http.forms import chunks, parts
from shared.text.file_names import field_name, file_name
from shared.text.typed_text import without_marks

# Nothing longer or stranger can be a token of ours; it need not be asked for.
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,200}")
CHUNK = 128 * 1024


async def entrance(request: web.Request) -> web.Response:
    """For those who hold a paper and no camera: the code in letters leads on."""
    typed = request.query.get("token", "").strip()
    # Whole addresses are pasted as well, in the lines in which the paper shows them.
    token = "".join(without_marks(typed).split()).rstrip("/").rpartition("/")[2]
    if token and TOKEN.fullmatch(token):
        back = came_from(request)
        return see_other(f"/verify/{token}" + (f"?back={quote(back)}" if back else ""))
    return page(request, "public/verify.html", {"found": None, "token": None, "typed": typed})


async def show(request: web.Request) -> web.Response:
    """The standing of a document: number, revision, time, digests; valid, superseded, withdrawn or unknown."""
    return await _tell(request)


async def compare(request: web.Request) -> web.Response:
    """The same, and whether a file is the document on record. The file is hashed, not kept."""
    return await _tell(request, await _hash(request))


async def keys(request: web.Request) -> web.Response:
    """The public keys that receipts and tokens are checked with, as a JSON Web Key Set."""
    found = await request.app[SERVICES].tell(
        "applications", "/internal/keys", request[REQUEST_ID], dict[str, list[dict[str, str]]]
    )
    return answer(found)


async def _tell(request: web.Request, file: str | None = None) -> web.Response:
    token = request.match_info["token"]
    found = Verification(status="unknown")
    if TOKEN.fullmatch(token):
        query = {"file": file} if file else None
        found = await request.app[SERVICES].tell(
            "applications", f"/internal/verify/{token}", request[REQUEST_ID], Verification, query=query
        )
    if prefers_json(request):
        return answer(found)
    return page(request, "public/verify.html", {"found": found, "token": token, "typed": ""})


async def _hash(request: web.Request) -> str:
    limit = request.app[SETTINGS].max_upload_mb * 1024 * 1024
    async for part in parts(request):
        if field_name(part) == "file" and file_name(part):
            digest, size = hashlib.sha256(), 0
            async for chunk in chunks(part, CHUNK):
                size += len(chunk)
                if size > limit:
                    raise TooLarge
                digest.update(chunk)
            return digest.hexdigest()
    raise Malformed("请选择要核对的 PDF 文件。", code=codes.NO_FILE)
