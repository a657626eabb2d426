"""Read the parameters of paths."""

from aiohttp import web

from shared.errors import NotFound


def revision_number(request: web.Request) -> int:
    text = request.match_info["n"]
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise NotFound("没有这一版。")
    return int(text)
