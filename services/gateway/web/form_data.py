"""Read what a page's form sent: the CSRF token first, then values, files as they stream in.

Whatever was typed is kept on the request (`FORM`) before anything else can fail, so that an error page can
give it back for another try.
"""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from services.gateway.accounts.sessions import Session
from services.gateway.web.context import SESSION
from shared import codes
from shared.errors import Malformed, NotAllowed, TooLarge
from shared.http.forms import URLENCODED, chunks, pairs, parts, text
from shared.http.page_token import masked, unmasked
from shared.overload import deadline
from shared.text.file_names import field_name, file_name

MAX_TEXT = 1024 * 1024
MAX_FIELDS = 5000
# Files that nobody takes are read over, for the sake of what was typed below them, up to here.
MAX_SKIPPED = 32 * 1024 * 1024
TOKEN = "csrf_token"  # noqa: S105 (the name of a field)

Values = dict[str, list[str]]
TakeFile = Callable[[str, str, AsyncIterator[bytes]], Awaitable[None]]
FORM: web.RequestKey[Values] = web.RequestKey("form", dict)


def page_token(session: Session) -> str:
    """Write the session's token for a page, with the account that the page belongs to."""
    return f"{masked(session.csrf_token)}.{session.account.hex}"


def check_csrf(session: Session, token: str) -> None:
    """`NotAllowed` unless the token is the session's. What was typed under one account is never saved under another."""
    secret = unmasked(token.partition(".")[0])
    if hmac.compare_digest(session.csrf_token.encode(), secret.encode(errors="replace")):
        return
    if belongs_to_other(session, token):
        raise OtherAccount
    raise NotAllowed("页面已失效，请重试。", code=codes.CSRF)


class OtherAccount(NotAllowed):
    """Somebody else has signed in since the page was opened."""

    def __init__(self) -> None:
        super().__init__("浏览器中现在登录的是另一账号，本页内容没有保存到该账号。", code=codes.OTHER_ACCOUNT)


def belongs_to_other(session: Session, token: str) -> bool:
    """Whether a page's token names another account than the session's."""
    return _account(token) not in (None, session.account.hex)


def token_to_give_back(session: Session | None, sent: str) -> str:
    """Choose the token of a form that is given back for another try: a fresh one only for the account that typed."""
    return page_token(session) if session and _account(sent) == session.account.hex else sent


def _account(token: str) -> str | None:
    return token.partition(".")[2] or None


async def keep_form(request: web.Request) -> None:
    """Read a form's text without looking at its token, to give it back; files have to be chosen again."""
    await _read(request, None)


async def read_form(request: web.Request) -> Values:
    """A form without files; `NotAllowed` unless it carries the session's token."""
    return await read_multipart(request, None)


async def read_multipart(request: web.Request, take_file: TakeFile | None) -> Values:
    """A form with files. Each file is handed to `take_file(name, file name, chunks)` while it arrives; the
    token stands before the first of them, and without it none is taken."""
    values = await _read(request, take_file)
    check_csrf(request[SESSION], one(values, TOKEN))
    return values


async def _read(request: web.Request, take_file: TakeFile | None) -> Values:
    """By the type that the form has, whichever its page would send: a page that tries again may send another."""
    if request.content_type == URLENCODED:
        return await _read_urlencoded(request)
    return await _read_parts(request, take_file)


async def _read_urlencoded(request: web.Request) -> Values:
    raw = await request.read()
    deadline.restart()
    if len(raw) > MAX_TEXT * 3:
        raise TooLarge
    values = request[FORM] = {}
    for name, value in pairs(raw, most=MAX_FIELDS):
        values.setdefault(name, []).append(_lines(value))
    return values


async def _read_parts(request: web.Request, take_file: TakeFile | None) -> Values:
    values: Values = {}
    request[FORM] = values
    size = skipped = 0
    async for part in parts(request, most=MAX_FIELDS):
        if not (name := field_name(part)):
            raise Malformed
        if (chosen := file_name(part)) is None:
            value = await text(part, MAX_TEXT - size)
            size += len(value.encode())
            values.setdefault(name, []).append(_lines(value))
        elif chosen and take_file and _trusted(request, values):
            await take_file(name, chosen, chunks(part))
        else:
            async for chunk in chunks(part):
                skipped += len(chunk)
                if skipped > MAX_SKIPPED:
                    raise TooLarge
    deadline.restart()
    return values


def _trusted(request: web.Request, values: Values) -> bool:
    try:
        check_csrf(request[SESSION], one(values, TOKEN))
    except NotAllowed:
        return False
    return True


def _lines(text: str) -> str:
    # A browser sends line breaks as CRLF whatever the person typed.
    return text.replace("\r\n", "\n")


def one(values: Values, name: str, default: str = "") -> str:
    """The first value of a name."""
    found = values.get(name)
    return found[0] if found else default


def whole_number(text: str) -> int | str:
    """Return a whole number as a service's body has it; anything else as it was typed, which the service refuses in its own words."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text
