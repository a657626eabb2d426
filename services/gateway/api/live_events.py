"""Stream live notices as server-sent events (`GET /api/v1/events`), for as long as somebody is signed in: a stream
ends within a second of its session, and says nothing while that could not be known.

One subscription a process, many streams: each gets what its person may see. Streams are bounded, a slow one loses
notices rather than memory, and after Redis was away everybody is told to look again.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from aiohttp import web
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import select

from services.gateway.accounts.models import SessionRow
from services.gateway.accounts.session_watch import SessionWatch
from services.gateway.accounts.sessions import Session
from services.gateway.web.context import DATABASE, SESSION, SETTINGS
from services.gateway.web.ended_sessions import WATCH
from shared import clock
from shared.database import BUSY
from shared.errors import Unavailable
from shared.http.app import VERIFIER
from shared.identity import Role, Verifier
from shared.live_hints import CHANNEL, Hint, end, heard
from shared.roles import STAFF

log = logging.getLogger(__name__)

STREAMS = 5000
PER_SESSION = 6
WAITING = 50
HEARTBEAT_SECONDS = 20
AGAIN_SECONDS = 3.0

Message = tuple[str, str]
REFRESH: Message = ("refresh", "{}")
# The end of a stream.
CLOSE: Message = ("", "")


class Streams:
    """The open streams of this process."""

    def __init__(self, url: str, watch: SessionWatch, verifier: Verifier) -> None:
        self._url = url
        self._verifier = verifier
        self._watch = watch
        self._withheld = False
        self._open: dict[asyncio.Queue[Message], Session] = {}
        self.closing = False

    def __len__(self) -> int:
        return len(self._open)

    def open(self, session: Session) -> asyncio.Queue[Message]:
        """A place for one more stream, or `Unavailable`."""
        if self.closing or len(self._open) >= STREAMS:
            raise Unavailable("即时提示暂不可用，页面会定时更新。", retry_after=60)
        mine = [old for old, other in self._open.items() if other.id_sha256 == session.id_sha256]
        # A page that was left is noticed only at the next heartbeat: the oldest streams make room.
        for old in mine[: max(0, len(mine) - PER_SESSION + 1)]:
            _end(old)
            self.drop(old)
        queue: asyncio.Queue[Message] = asyncio.Queue(WAITING)
        self._open[queue] = session
        return queue

    def drop(self, queue: asyncio.Queue[Message]) -> None:
        self._open.pop(queue, None)

    def tell(self, hint: Hint) -> None:
        """Hand a hint to everybody it is for."""
        if not self._watch.fresh:
            # Some of them may have been signed out.
            self._withheld = True
            return
        if self._withheld:
            self._withheld = False
            self.refresh()
        data = json.dumps(
            {
                "application_id": str(hint.application_id),
                "name": hint.name,
                "state": hint.state,
                "label": hint.label,
            },
            ensure_ascii=False,
        )
        for queue, session in self._open.items():
            if _may_see(session, hint):
                _put(queue, (hint.type, data))

    def refresh(self) -> None:
        """Everybody looks again: something may have been missed."""
        for queue in self._open:
            _put(queue, REFRESH)

    def close(self) -> None:
        """No stream keeps the process from ending."""
        self.closing = True
        for queue in self._open:
            _end(queue)

    async def listen(self) -> None:
        """Until cancelled: pass on what is published; come back whenever Redis does."""
        first = True
        while True:
            client = Redis.from_url(self._url, socket_connect_timeout=2, health_check_interval=15)
            try:
                async with client.pubsub() as subscription:
                    await subscription.subscribe(CHANNEL)
                    if not first:
                        self.refresh()
                    first = False
                    async for message in subscription.listen():
                        if message["type"] == "message":
                            self._pass_on(message["data"])
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("no hints for now", extra={"reason": repr(error)})
            finally:
                with suppress(RedisError, OSError):
                    await client.aclose()
            await asyncio.sleep(AGAIN_SECONDS)

    def _pass_on(self, raw: bytes) -> None:
        hint = heard(self._verifier, raw.decode(errors="replace"))
        if hint is None:
            log.warning("not a hint of ours")
        else:
            self.tell(hint)


STREAMING = web.AppKey("streams", Streams)


def _may_see(session: Session, hint: Hint) -> bool:
    if session.roles & STAFF:
        return hint.staff
    return Role.APPLICANT in session.roles and session.enterprise == hint.enterprise


def _put(queue: asyncio.Queue[Message], message: Message) -> None:
    # A stream that does not keep up is told to look again instead of being told everything.
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        message = REFRESH
    queue.put_nowait(message)


def _end(queue: asyncio.Queue[Message]) -> None:
    while queue.full():
        queue.get_nowait()
    queue.put_nowait(CLOSE)


async def _seconds_left(request: web.Request, session: Session) -> float:
    """How long the session stands. Asked without touching it: a stream is no sign of somebody at work."""
    now = clock.now()
    try:
        async with request.app[DATABASE].begin() as database:
            query = select(SessionRow.last_seen_at).where(SessionRow.id_sha256 == session.id_sha256)
            seen: datetime | None = await database.scalar(query)
    except BUSY:
        # Nothing is said meanwhile.
        return min(AGAIN_SECONDS, (session.expires_at - now).total_seconds())
    if seen is None:
        return 0.0
    idle = timedelta(minutes=request.app[SETTINGS].session_idle_minutes)
    return (min(session.expires_at, seen + idle) - now).total_seconds()


async def stream(request: web.Request) -> web.StreamResponse:
    """Events until the person signs out, goes idle or leaves."""
    if request.method == "HEAD":
        return web.Response(content_type="text/event-stream")
    session = request[SESSION]
    streams = request.app[STREAMING]
    queue = streams.open(session)
    answer = web.StreamResponse()
    answer.content_type = "text/event-stream"
    answer.charset = "utf-8"
    # Proxies in front must not gather events into a buffer.
    answer.headers.update({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    try:
        await answer.prepare(request)
        await answer.write(b"retry: 5000\n\n")
        end = partial(_end, queue)
        with request.app[WATCH].during(session.id_sha256, session.rights, end):
            await _pass_on(request, answer, queue)
    except ConnectionResetError:
        # A window that was closed is no fault.
        pass
    finally:
        streams.drop(queue)
    return answer


async def _pass_on(request: web.Request, answer: web.StreamResponse, queue: asyncio.Queue[Message]) -> None:
    loop = asyncio.get_running_loop()
    look_at = 0.0
    while True:
        if loop.time() >= look_at:
            left = await _seconds_left(request, request[SESSION])
            if left <= 0:
                return
            look_at = loop.time() + min(HEARTBEAT_SECONDS, left)
            await answer.write(b": still here\n\n")
        try:
            kind, data = await asyncio.wait_for(queue.get(), look_at - loop.time())
        except TimeoutError:
            continue
        if (kind, data) == CLOSE:
            return
        await answer.write(f"event: {kind}\ndata: {data}\n\n".encode())


async def listening(app: web.Application) -> AsyncIterator[None]:
    """Subscribe while the gateway runs."""
    app[STREAMING] = streams = Streams(app[SETTINGS].redis_url.get_secret_value(), app[WATCH], app[VERIFIER])
    task = asyncio.create_task(streams.listen())
    yield
    await end(task)


async def close_streams(app: web.Application) -> None:
    """At shutdown, before the server waits for requests to end."""
    app[STREAMING].close()
