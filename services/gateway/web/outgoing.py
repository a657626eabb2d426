"""Make every HTTP call of the gateway: to our services, the identity platform and the legal-person registry.

The framing of a call is made here and never taken from a request. A connection with an unexpected answer is closed: the rest of
one answer must not be read as the beginning of the next.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientError, ClientPayloadError, ClientResponse, ClientSession, ClientTimeout, MultipartWriter
from yarl import URL

# What says where a message ends, or changes how the rest of a connection is read.
FRAMING = frozenset(
    {"connection", "content-length", "content-encoding", "expect", "host", "keep-alive", "te", "trailer",
     "transfer-encoding", "upgrade"}
)  # fmt: skip
# Nothing is asked for compressed: an answer is passed on as it is.
NOT_SENT = frozenset({"Accept-Encoding", "User-Agent"})
Body = bytes | AsyncIterator[bytes] | MultipartWriter


class SourceFailed(Exception):
    """Whoever was sending the body of a call stopped; its cause says why."""


class WrongAnswer(ClientPayloadError):
    """An answer that belongs to another request, or whose framing was not asked for."""


async def source(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A body while it arrives. What breaks off at its sender is no fault of the service it was meant for."""
    try:
        async for chunk in chunks:
            yield chunk
    except Exception as error:
        raise SourceFailed from error


class Outgoing:
    """Makes calls. `http` has no cookies and unpacks nothing."""

    def __init__(self, http: ClientSession) -> None:
        self._http = http

    @asynccontextmanager
    async def call(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str],
        timeout: ClientTimeout,  # noqa: ASYNC109  aiohttp's own
        body: Body | None = None,
        request_id: str | None = None,
    ) -> AsyncIterator[ClientResponse]:
        """One call and its answer. A body that is known has its length, one that still arrives goes in chunks.
        `request_id`: the answer must name it as its own. Raises what the body's sender raised, and aiohttp's errors."""
        if wrong := FRAMING & {name.lower() for name in headers}:
            raise ValueError(f"framing is not the caller's: {sorted(wrong)}")
        # An iterator in `data` is sent in chunks, bytes with the length they have.
        data: Any = source(body) if body is not None and not isinstance(body, bytes | MultipartWriter) else body
        try:
            async with self._http.request(
                method,
                url,
                headers=headers,
                data=data,
                skip_auto_headers=NOT_SENT,
                allow_redirects=False,
                timeout=timeout,
            ) as answer:
                try:
                    _check(answer, request_id)
                    yield answer
                except BaseException:
                    answer.close()
                    raise
                if not answer.content.at_eof():
                    answer.close()
        except ClientError as error:
            if (failed := _sender_of(error)) is not None:
                raise failed from error
            raise


def _check(answer: ClientResponse, request_id: str | None) -> None:
    """`WrongAnswer` unless the answer is to this call and ends where HTTP says that it ends."""
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity" or answer.status < 200:
        raise WrongAnswer("an answer in a form that was not asked for")
    if request_id is not None and answer.headers.get("X-Request-Id") != request_id:
        raise WrongAnswer("an answer to another request")


def _sender_of(error: BaseException | None) -> Exception | None:
    """What the sender of a body raised, if that is why the call failed."""
    while error is not None:
        if isinstance(error, SourceFailed) and isinstance(error.__cause__, Exception):
            return error.__cause__
        error = error.__cause__
    return None


async def whole(answer: ClientResponse, most: int) -> bytes:
    """The whole answer; `ValueError` when it is larger than `most`."""
    found = bytearray()
    async for chunk in answer.content.iter_any():
        found += chunk
        if len(found) > most:
            raise ValueError("an answer that is too large")
    return bytes(found)
