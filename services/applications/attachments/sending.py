"""Send an object of the store as a file."""

from urllib.parse import quote

from aiohttp import web

from services.applications.core.context import STORE
from shared import codes
from shared.errors import NotFound


async def send_file(
    request: web.Request, key: str, name: str, *, media_type: str, size: int, inline: bool = False
) -> web.StreamResponse:
    """Stream an object of the store under a name people know."""
    chunks = request.app[STORE].stream(key)
    try:
        first = await anext(chunks)
    except FileNotFoundError:
        raise NotFound("文件暂时无法读取，请联系技术咨询。", code=codes.FILE_LOST) from None
    except StopAsyncIteration:
        first = b""
    answer = web.StreamResponse(
        headers={
            "Content-Type": media_type,
            "Content-Disposition": content_disposition(name, inline=inline),
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        }
    )
    answer.content_length = size
    await answer.prepare(request)
    await answer.write(first)
    async for chunk in chunks:
        await answer.write(chunk)
    await answer.write_eof()
    return answer


def content_disposition(name: str, *, inline: bool = False) -> str:
    """RFC 6266: the name in UTF-8, and before it what is ASCII of it for clients that know no better."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " -_.()") else "_" for c in name)
    placement = "inline" if inline else "attachment"
    return f"{placement}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
