"""Say for admission control whom a request body counts for, and with which priority a request waits."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from aiohttp import web

from services.gateway.accounts import phone_links
from services.gateway.accounts.sessions import Session
from services.gateway.web.access import SAFE, current
from services.gateway.web.addresses import is_allowed, line
from services.gateway.web.context import KEYS, SETTINGS
from services.gateway.web.resubmission import SUBMIT, proved, quickly
from shared.database import BUSY
from shared.http.intake import TAKEN
from shared.identity import Duty, Role
from shared.overload.priority import Priority, priority_of

# Bodies under way at once: of forms from one address, which a whole building may share; of files from one account; of files
# from one address by people who are not signed in.
FORMS_OF_ADDRESS, FILES_OF_ACCOUNT, FILES_OF_ADDRESS = 64, 6, 4
# The share of the files' places that people who are not signed in may take together.
STRANGERS = 4
# Where telephone links lead.
PHONE = "/phone/"
# Applications of which we know that something is missing: how many, and for how long.
UNREADY_MOST, UNREADY_SECONDS = 10_000, 60.0


async def senders(request: web.Request, large: bool) -> Sequence[tuple[str, int]]:
    """The counts that a body adds to."""
    if is_allowed(request):
        return ()
    address = line(request)
    if not large:
        return ((f"forms of {address}", FORMS_OF_ADDRESS),)
    if (account := account_by_phone(request)) is not None:
        return ((f"files of {account}", FILES_OF_ACCOUNT),)
    with suppress(*BUSY, TimeoutError):
        if (session := await current(request)) is not None:
            return ((f"files of {session.account}", FILES_OF_ACCOUNT),)
    places = request.app[SETTINGS].gateway_transfers_at_once
    return ((f"files of {address}", FILES_OF_ADDRESS), ("files of strangers", max(1, places // STRANGERS)))


def account_by_phone(request: web.Request) -> UUID | None:
    """The account that a telephone link is of, which a request was sent to; None for any other request."""
    if not request.path.startswith(PHONE):
        return None
    names = phone_links.opened(request.app[KEYS], request.path.removeprefix(PHONE))
    return None if names is None else names[1]


class Unready:
    """Applications of which somebody was told just now what is missing."""

    def __init__(self) -> None:
        self._told: OrderedDict[tuple[UUID, str], float] = OrderedDict()

    def note(self, session: Session, application: str) -> None:
        """Let nothing of it go first for a minute, or until something is changed."""
        self._told[session.account, application.lower()] = time.monotonic() + UNREADY_SECONDS
        if len(self._told) > UNREADY_MOST:
            self._told.popitem(last=False)

    def forget(self, session: Session, application: str) -> None:
        """Something was changed: it may be complete now."""
        self._told.pop((session.account, application.lower()), None)

    def __contains__(self, asked: tuple[Session, str]) -> bool:
        session, application = asked
        return time.monotonic() < self._told.get((session.account, application.lower()), 0.0)


UNREADY = web.AppKey("unready", Unready)
PRIORITY: web.RequestKey[Priority | None] = web.RequestKey("priority", Priority)


async def rank(request: web.Request) -> Priority | None:
    """The rank of a request. 提交申请 and its page go before everything only for the enterprise's own person, who has proved to be the
    one that submits, and not while we know that something is missing."""
    found = priority_of(request.method, request.path, request.content_length if request.body_exists else 0)
    if found is not Priority.SUBMIT:
        return found
    if request.body_exists and TAKEN not in request:
        return Priority.TRANSFER
    safe = request.method in SAFE
    session = await (quickly(request) if safe else proved(request))
    named = SUBMIT.fullmatch(request.path)
    if (
        session is None
        or named is None
        or Role.APPLICANT not in session.roles
        or not session.may(Duty.SIGN)
        or (session, named[1]) in request.app[UNREADY]
    ):
        return Priority.READ if safe else Priority.WRITE
    return found


async def ranked(request: web.Request) -> Priority | None:
    """The rank as the line found it."""
    return request[PRIORITY]
