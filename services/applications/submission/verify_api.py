"""Serve the gateway's public page of 核验: what a token is worth, and the keys that anybody may check signatures with."""

import re

from aiohttp import web

from services.applications.core.context import SETTINGS, transaction
from services.applications.submission import paper_tokens
from services.applications.submission.verify import public_keys, verify
from shared.errors import Malformed
from shared.http.app import answer


async def verification(request: web.Request) -> web.Response:
    """Return the standing of the revision that a token names, and of a file by its SHA-256 (`?file=`)."""
    file = request.query.get("file")
    if file is not None and not re.fullmatch(r"[0-9a-f]{64}", file):
        raise Malformed("文件摘要应为 64 位十六进制 SHA-256。")
    keys = public_keys(request.app[SETTINGS])
    async with transaction(request) as session:
        return answer(await verify(session, keys, request.match_info["token"], file))


async def keys(request: web.Request) -> web.Response:
    """Our public keys as a JSON Web Key Set; retired ones stay as long as papers signed by them count."""
    settings = request.app[SETTINGS]
    return answer(dict(paper_tokens.key_set(settings.receipt_key, settings.receipt_retired_keys or ())))
