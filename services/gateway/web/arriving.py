"""Say for admission control whom a request body counts for, and with which priority a request waits."""

from collections.abc import Sequence
from contextlib import suppress

from aiohttp import web

from services.gateway.web.access import current
from services.gateway.web.addresses import is_allowed, line
from services.gateway.web.context import SETTINGS
from services.gateway.web.resubmission import proved
from shared.database import BUSY
from shared.http.intake import TAKEN
from shared.overload.priority import Priority, priority_of

# Bodies under way at once: of forms from one address, which a whole building may share; of files from one account; of files
# from one address by people who are not signed in.
FORMS_OF_ADDRESS, FILES_OF_ACCOUNT, FILES_OF_ADDRESS = 64, 6, 4
# The share of the files' places that people who are not signed in may take together.
STRANGERS = 4


async def senders(request: web.Request, large: bool) -> Sequence[tuple[str, int]]:
    """The counts that a body adds to."""
    if is_allowed(request):
        return ()
    address = line(request)
    if not large:
        return ((f"forms of {address}", FORMS_OF_ADDRESS),)
    with suppress(*BUSY, TimeoutError):
        if (session := await current(request)) is not None:
            return ((f"files of {session.account}", FILES_OF_ACCOUNT),)
    places = request.app[SETTINGS].gateway_transfers_at_once
    return ((f"files of {address}", FILES_OF_ADDRESS), ("files of strangers", max(1, places // STRANGERS)))


async def rank(request: web.Request) -> Priority | None:
    """The rank of a request: that of a 提交申请 only for who has proved to be the one that submits."""
    found = priority_of(request.method, request.path, request.content_length if request.body_exists else 0)
    if found is not Priority.SUBMIT:
        return found
    if request.body_exists and TAKEN not in request:
        return Priority.TRANSFER
    return found if await proved(request) is not None else Priority.WRITE
