"""Let people in, and through: whoever is in has every request served, the others are told their place in line before anything is done
for them. The rule is `shared.overload.crowd`; here are its names: accounts, and sealed places in cookies.

A place says who it is of and when they first came. It is opened by every gateway, needs no Redis, and outlives the gateway that sealed
it. On a normal day nobody is asked for one. What this process knows of people it counts by the monotonic clock, so that a clock that is
put right sends nobody away; only sealed places speak of the clock on the wall.
"""

import asyncio
import struct
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from random import random
from uuid import UUID, uuid4

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import Gauge

from services.gateway.accounts.sessions import Session, digest
from services.gateway.web.access import SAFE, add_cookie, cookie_name
from services.gateway.web.arriving import PRIORITY, UNREADY, account_by_phone, rank
from services.gateway.web.context import ACCOUNT, KEYS, SESSION, SETTINGS
from services.gateway.web.error_pages import wants_page
from services.gateway.web.rendering import TEMPLATES, frame
from services.gateway.web.resubmission import OF_APPLICATION, SUBMIT, quickly
from services.gateway.web.switches import SWITCHES
from shared.errors import Overloaded
from shared.identity import Role
from shared.overload import crowd
from shared.overload.crowd import Class, Crowd, Place
from shared.overload.priority import Priority
from shared.sealing import CannotOpen

IN = Gauge("gm_people_in", "People who are in")
IN_LINE = Gauge("gm_people_in_line", "People who stand in line")
LEVEL = Gauge("gm_people_level", "How many may be in; 0 while everybody may")

CONTEXT = b"place in line"
# Account or newcomer, name, session, first arrival and last time that it was in, in milliseconds.
_LAYOUT = struct.Struct("!?16s8sQQ")
LONGEST = 200
# A place from before the evening is none; how far gateways' clocks may differ.
OLDEST, CLOCKS = 12 * 3600.0, 2.0
# How old the word of another gateway may be that somebody is in, and how often ours is renewed.
STILL_IN, RENEW = crowd.IDLE, 60.0
# Requests under way of one person while the line stands: as many as a browser opens connections.
AT_ONCE = 6
# What those are told who want a document while others want to submit, and when to ask again.
LATER = (
    "提交高峰期间暂不生成PDF和导出文件。已提交的申请不受影响，PDF 会在高峰过后自动生成，届时可在“我的项目”中打开。"
)
LATER_SECONDS = 120
# The answer to a 提交申请 of which something is missing.
INCOMPLETE = 422
# How late the event loop comes back is looked at so often.
LAG_EVERY = 0.25
# What providers call, the way back from them, whose code is good for some seconds, and the way out.
OPEN = frozenset({"/login/backchannel-logout", "/login/callback", "/logout"})


@dataclass(frozen=True, slots=True)
class Sealed:
    """A place as a cookie holds it. `name`: an account, or a newcomer. `session`: the beginning of the digest of the session cookie that
    it was given to. Instants in seconds of the clock; `in_at` is 0 for somebody who is not in."""

    account: bool
    name: UUID
    session: bytes
    first: float
    in_at: float = 0.0

    @property
    def key(self) -> str:
        return f"{'a' if self.account else 'n'}{self.name.hex}"


class Line:
    """The people of this process, and who asks."""

    def __init__(self) -> None:
        self.crowd = Crowd()
        self.under_way: Counter[str] = Counter()
        # Paths of whatever else this process serves, which has no people of ours.
        self.elsewhere: tuple[str, ...] = ()
        # Newcomers whose place an account has taken over: a place is one person's.
        self._taken_over: OrderedDict[UUID, UUID] = OrderedDict()

    def passes(self, path: str) -> bool:
        """Tell whether a path is for everybody at any time."""
        return path in OPEN or path.startswith(self.elsewhere)

    def take_over(self, newcomer: UUID, account: UUID) -> bool:
        """Tell whether a newcomer's place is this account's: the first that comes with it has it."""
        if len(self._taken_over) > crowd.MOST:
            self._taken_over.popitem(last=False)
        return self._taken_over.setdefault(newcomer, account) == account


LINE = web.AppKey("line", Line)
_PLACE: web.RequestKey[str] = web.RequestKey("place", str)


def place_cookie(request: web.Request) -> str:
    return "__Host-gm_place" if request.config_dict[SETTINGS].https else "gm_place"


def seal(request: web.Request, place: Sealed) -> str:
    plain = _LAYOUT.pack(
        place.account, place.name.bytes, place.session, round(place.first * 1000), round(place.in_at * 1000)
    )
    return urlsafe_b64encode(request.app[KEYS].seal(plain, CONTEXT)).decode().rstrip("=")


def opened(request: web.Request, now: float) -> Sealed | None:
    """The place that a request brings; None for one that is missing, forged, or too old. One from a clock ahead of ours counts from now."""
    text = request.cookies.get(place_cookie(request))
    if not text or len(text) > LONGEST:
        return None
    try:
        account, name, session, first, in_at = _LAYOUT.unpack(
            request.app[KEYS].open(urlsafe_b64decode(text.encode() + b"=="), CONTEXT)
        )
    except (CannotOpen, ValueError, struct.error):
        return None
    place = Sealed(account, UUID(bytes=name), session, min(first / 1000, now), in_at / 1000)
    return None if now - place.first > OLDEST else place


async def _who(request: web.Request, found: Line, now: float) -> Sealed | None:
    """The place of whoever asks, the one they brought if it is theirs; None for the bureau, which stands in no line."""
    brought = opened(request, now)
    newcomer = brought if brought is not None and not brought.account else None
    if (account := account_by_phone(request)) is not None:
        # A telephone at one slot goes where its account goes.
        if brought is not None and brought.account and brought.name == account:
            return brought
        return Sealed(True, account, bytes(8), now)
    id = request.cookies.get(cookie_name(request.app[SETTINGS]))
    if id is not None:
        mark = bytes.fromhex(digest(id)[:16])
        if brought is not None and brought.account and brought.session == mark:
            return brought
        # Looked up once: the place it gets is known again by its cookie.
        if (session := await quickly(request)) is not None:
            mine = Sealed(True, session.account, mark, now)
            return _own(found, mine, brought) if Role.APPLICANT in session.roles else None
    return newcomer or Sealed(False, uuid4(), bytes(8), now)


def _own(found: Line, mine: Sealed, brought: Sealed | None) -> Sealed:
    """An account's place: that of its session before, or what it had as a newcomer."""
    if brought is None:
        return mine
    if brought.account:
        theirs = brought.name == mine.name
    elif theirs := found.take_over(brought.name, mine.name):
        found.crowd.rename(brought.key, mine.key, time.monotonic())
    return replace(mine, first=brought.first, in_at=brought.in_at) if theirs else mine


def line_stands(request: web.Request) -> bool:
    """Whether people wait in line now. Nobody does where a page is only drawn, as a form's author sees it."""
    found = request.app.get(LINE)
    return found is not None and found.crowd.line_stands


@web.middleware
async def line(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Serve who is in; tell the others their place."""
    found = request.app[LINE]
    priority = request[PRIORITY] = await rank(request)
    if found.crowd.line_stands and priority not in {None, Priority.SUBMIT} and not found.passes(request.path):
        answer = await _ask(request, handler, found, request[PRIORITY])
    else:
        answer = await handler(request)
    session = request.get(SESSION)
    if session is not None and Role.APPLICANT in session.roles:
        _note(request, answer, found, session)
    return answer


def _note(request: web.Request, answer: web.StreamResponse, found: Line, session: Session) -> None:
    """Keep in mind who is there, and who is done."""
    submitted = SUBMIT.fullmatch(request.path)
    changed = request.method not in SAFE and answer.status < 400
    key = f"a{session.account.hex}"
    if submitted and answer.status == INCOMPLETE:
        request.app[UNREADY].note(session, submitted[1])
    elif submitted and changed:
        found.crowd.done(key)
        request[_PLACE] = ""
    elif not submitted:
        if not found.crowd.line_stands:
            found.crowd.seen(key, time.monotonic())
        if changed and (named := OF_APPLICATION.fullmatch(request.path)):
            request.app[UNREADY].forget(session, named[1])


async def _ask(
    request: web.Request, handler: Handler, found: Line, priority: Priority | None
) -> web.StreamResponse:
    mine = await _who(request, found, time.time())
    if mine is None:
        return await handler(request)
    if mine.account:
        request[ACCOUNT] = mine.name
    if mine.account and priority is Priority.LATER:
        # A document: those who are in are told so at once as well, instead of waiting for a refusal from within.
        raise _comes_later()
    key = mine.key
    # After whatever had to be waited for.
    now, here = time.time(), time.monotonic()
    if -CLOCKS <= now - mine.in_at <= STILL_IN:
        # Another gateway's word, or ours of just now.
        found.crowd.welcome(key, here)
    unsaved = mine.account and priority in {Priority.WRITE, Priority.TRANSFER}
    kind = Class.TYPING if unsaved else Class.GOING_ON if mine.account else Class.NEW
    place = found.crowd.ask(key, kind, here - (now - mine.first), here)
    if place is not None or found.under_way[key] >= AT_ONCE:
        request[_PLACE] = seal(request, replace(mine, in_at=0.0))
        return _refuse(request, place or Place(0, 0.0))
    if not -CLOCKS <= now - mine.in_at <= RENEW:
        request[_PLACE] = seal(request, replace(mine, in_at=now))
    found.under_way[key] += 1
    try:
        return await handler(request)
    finally:
        found.under_way[key] -= 1
        if not found.under_way[key]:
            del found.under_way[key]


def _refuse(request: web.Request, place: Place) -> web.StreamResponse:
    again = crowd.again(place.seconds, random())  # noqa: S311  no secret
    if request.method != "GET" or not wants_page(request):
        raise Overloaded(retry_after=again)
    return web.Response(
        status=503,
        body=_page(request, place, again),
        content_type="text/html",
        charset="utf-8",
        headers={"Retry-After": str(again)},
    )


def _comes_later() -> Overloaded:
    return Overloaded(LATER, retry_after=round(LATER_SECONDS * (1 + random())))  # noqa: S311  no secret


def in_words(seconds: float) -> str:
    """How long it takes, as one says it: nobody knows it to the second."""
    if seconds < 60:
        return "不到 1 分钟后"
    if seconds > 3600:
        return "1 小时以后"
    return f"约 {round(seconds / 60)} 分钟后"


def _page(request: web.Request, place: Place, again: int) -> bytes:
    """The page of the line: made once for each 公告, with places for what changes."""
    return (
        _made(request.app[SWITCHES].announcement())
        .replace(b"{before}", str(place.before).encode())
        .replace(b"{time}", in_words(place.seconds).encode())
        .replace(b"{again}", str(again).encode())
        .replace(b"{now}", str(round(time.time() * 1000)).encode())
    )


@lru_cache(4)
def _made(announcement: str) -> bytes:
    said = {"announcement": announcement, "now_ms": "{now}"}
    return TEMPLATES.get_template("web/line.html").render(frame() | said).encode()


async def hand_place(request: web.Request, response: web.StreamResponse) -> None:
    """Give the browser its place, or take it away from somebody who is done."""
    if (text := request.get(_PLACE)) is None:
        return
    name = place_cookie(request)
    if text or name in request.cookies:
        add_cookie(request, response, name, text, "/", round(OLDEST) if text else 0)


async def adapting(app: web.Application) -> AsyncIterator[None]:
    """Move the level by what requests wait, at the doors and for this process itself."""
    found = app[LINE]

    async def judge() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_EVERY
            await asyncio.sleep(LAG_EVERY)
            found.crowd.level.lag(max(0.0, loop.time() - due))
            found.crowd.judge(time.monotonic())
            IN.set(found.crowd.inside)
            IN_LINE.set(found.crowd.in_line)
            LEVEL.set(0 if found.crowd.level.open else found.crowd.level.value)

    task = asyncio.create_task(judge())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
