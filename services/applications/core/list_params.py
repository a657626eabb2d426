"""Read the query parameters that lists share."""

from aiohttp import web

from services.applications.workflow import State
from shared.errors import Malformed
from shared.http.query_params import number


def page_limit(request: web.Request) -> int:
    """`limit`, 1 to 100, 20 when it is not given."""
    text = request.query.get("limit", "20")
    try:
        return number(text, 100)
    except Malformed as error:
        raise Malformed("limit 应为 1 至 100 的整数。", code="bad_limit") from error


def states(request: web.Request) -> list[State]:
    """`state`, one or several separated by commas."""
    names = [name for name in request.query.get("state", "").split(",") if name]
    try:
        return [State(name) for name in names]
    except ValueError:
        raise Malformed("没有这种状态。", code="unknown_state") from None


def must_be_short(request: web.Request) -> None:
    """`Malformed` for a query that no list of ours makes."""
    given = request.query.values()
    if any(len(value) > 400 for value in given) or "\x00" in "".join([request.query_string, *given]):
        raise Malformed
