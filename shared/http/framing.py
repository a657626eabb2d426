"""Decide where a request begins and ends. Whatever leaves room for two readings is refused, and the connection
closed.

Behind the gateway, requests of different people follow each other on one connection. A length that is not the length of what
was sent would make the beginning of one person's request the end of another's.
"""

from aiohttp import HttpVersion11, web, web_urldispatcher
from aiohttp.web_protocol import RequestHandler

from shared import codes
from shared.errors import Malformed, UnsupportedMedia
from shared.text.json_text import dumps, storable

# Requests of these methods bring nothing.
WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "CONNECT"})
# For every server: what comes compressed is not unpacked, since it is refused.
SERVER_OPTIONS = {"auto_decompress": False}
# How many bytes a body that arrives in chunks is said to have, from the gateway to a service.
ANNOUNCED = "GM-Announced-Length"
# Headers that are looked at, or passed on: bytes that are no UTF-8 are refused.
_READ = (
    "Accept", "Accept-Encoding", "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Origin",
    "Range", "Sec-Fetch-Site", "Submission-Ticket", "X-CSRF-Token",
)  # fmt: skip
_INVITED = web.RequestKey("invited", bool)
# An answer has begun: another would be read as the rest of it.
BEGUN = web.RequestKey("begun", bool)


def check(request: web.Request) -> None:
    """Raise `Malformed` or `UnsupportedMedia` for a request whose end another program could see elsewhere."""
    headers = request.headers
    if not request.raw_path.startswith("/"):
        raise Malformed("请求地址应为以 / 开头的路径。", code=codes.TARGET)
    if "Upgrade" in headers:
        raise Malformed("本系统不支持更换协议。", code=codes.UPGRADE)
    if headers.get("Expect", "100-continue").lower() != "100-continue":
        raise Malformed("不支持此 Expect 请求头。", code=codes.EXPECT)
    if any(coding.strip().lower() != "identity" for coding in headers.getall("Content-Encoding", [])):
        raise UnsupportedMedia("请求内容不能压缩，请直接发送。", code=codes.CONTENT_ENCODING)
    if "Transfer-Encoding" in headers and (
        [coding.strip().lower() for coding in headers.getall("Transfer-Encoding")] != ["chunked"]
        or "Content-Length" in headers
        or request.version < HttpVersion11
    ):
        raise Malformed("请求长度的写法无法识别。", code=codes.TRANSFER_ENCODING)
    storable(*(headers.get(name, "") for name in _READ), code=codes.BAD_HEADER)
    if request.method in WITHOUT_BODY and request.body_exists:
        raise Malformed(f"{request.method} 请求不能带有内容。", code=codes.BODY_UNEXPECTED)


def announced(request: web.Request) -> int:
    """Return how much is to come, as far as anybody says: for refusing early, never for reading."""
    text = request.headers.get(ANNOUNCED, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else request.content_length or 0


async def _expected(_: web.Request) -> None:
    """Answer no `Expect` by itself: nobody is asked for a body before somebody is about to read it."""


async def invite(request: web.Request) -> None:
    """Tell a client that waits with its body (`Expect: 100-continue`) to send it now."""
    if "Expect" in request.headers and request.version >= HttpVersion11 and _INVITED not in request:
        request[_INVITED] = True
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # The answer itself has not begun.
        request.writer.output_size = 0


def abort(request: web.Request) -> None:
    """End the connection in the middle of an answer, so that nobody takes what came for the whole."""
    if request.transport is not None:
        request.transport.abort()


def _unreadable(
    self: RequestHandler,
    request: web.BaseRequest,
    status: int = 500,
    exc: BaseException | None = None,
    message: str | None = None,
) -> web.StreamResponse:
    """Return the answer to bytes that are no request. aiohttp would repeat the bytes, which may hold a token of ours."""
    self.log_debug("no request", exc_info=exc)
    if request.writer.output_size > 0:
        raise ConnectionError("an answer has begun")
    known = {400: ("malformed", Malformed), 504: ("unavailable", None)}.get(status, ("internal", None))
    title = (known[1].__doc__ or "") if known[1] else "操作未能完成。"
    body = {"type": known[0], "title": title, "status": status, "detail": title, "request_id": ""}
    answer = web.Response(status=status, body=dumps(body), content_type="application/problem+json")
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.force_close()
    return answer


# aiohttp names both by itself, for unknown paths too: there is no other place to say it.
RequestHandler.handle_error = _unreadable  # type: ignore[method-assign]
web_urldispatcher._default_expect_handler = _expected  # type: ignore[assignment]
