"""Read the parameters of paths and of lists."""

from aiohttp import web

from services.applications.workflow import State
from shared import codes
from shared.errors import Malformed, NotFound
from shared.http.query_params import number


def revision_number(request: web.Request) -> int:
    return number_of(request.match_info["n"])


def number_of(text: str) -> int:
    """Return a revision's number; `NotFound` for what cannot be one."""
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise NotFound("没有这一版。")
    return int(text)


def page_limit(request: web.Request) -> int:
    """`limit`, 1 to 100, 20 when it is not given."""
    text = request.query.get("limit", "20")
    try:
        return number(text, 100)
    except Malformed as error:
        raise Malformed("limit 应为 1 至 100 的整数。", code=codes.BAD_LIMIT) from error


def states(request: web.Request) -> list[State]:
    """`state`, one or several separated by commas."""
    names = [name for name in request.query.get("state", "").split(",") if name]
    try:
        return [State(name) for name in names]
    except ValueError:
        raise Malformed("没有这种状态。", code=codes.UNKNOWN_STATE) from None


def must_be_short(request: web.Request) -> None:
    """Raise `Malformed` for a query that no list of ours makes."""
    given = request.query.values()
    if any(len(value) > 400 for value in given) or "\x00" in "".join([request.query_string, *given]):
        raise Malformed
