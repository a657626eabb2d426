"""Read the filter of the list of cases from a query."""

from decimal import Decimal
from uuid import UUID

from aiohttp import web

from services.applications.core.params import must_be_short, states
from services.applications.review import case_list
from shared import codes
from shared.errors import Malformed
from shared.text import amounts

# What narrows the queue, beside `cursor` and `limit`.
FILTERS = (
    "state", "q", "fund_type", "round", "district", "min_wan", "max_wan", "min_days", "max_days", "assignee", "batch",
    "unseen", "over", "unlock", "order",
)  # fmt: skip

# By 申报时间, or by a column of the list, from its end with a hyphen before it.
ORDERS = {"", "oldest", "newest", *case_list.SORTS, *(f"-{name}" for name in case_list.SORTS)}


def _amount(request: web.Request, name: str) -> Decimal | None:
    text = request.query.get(name, "").strip()
    if not text:
        return None
    try:
        amount = amounts.read(text, unit="万元")
    except amounts.Unclear as error:
        raise Malformed(str(error), code=codes.BAD_AMOUNT) from error
    except amounts.NotANumber:
        amount = Decimal(-1)
    if not 0 <= amount < 10**10:
        raise Malformed("金额应为不小于 0 的数值（万元）。", code=codes.BAD_AMOUNT)
    return amount


def _days(request: web.Request, name: str) -> int | None:
    text = request.query.get(name, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 4:
        raise Malformed("等待天数应为 0 至 9999 的整数。", code=codes.BAD_DAYS)
    return int(text)


def _id(request: web.Request, code: str, text: str, name: str) -> UUID | None:
    """Return the id that a parameter names; `Malformed` with this code and text for what is none."""
    given = request.query.get(name, "")
    try:
        return UUID(given) if given else None
    except ValueError:
        raise Malformed(text, code=code) from None


def _flag(request: web.Request, code: str, text: str, name: str) -> bool:
    """Return whether a parameter is 1; `Malformed` with this code and text for anything else."""
    given = request.query.get(name, "")
    if given not in {"", "1"}:
        raise Malformed(text, code=code)
    return bool(given)


def wanted(request: web.Request) -> case_list.Filter:
    """Return the filter that a query asks for; `Malformed` for what cannot be one."""
    must_be_short(request)
    order = request.query.get("order", "")
    if order not in ORDERS:
        raise Malformed(
            f"order 应为 {'、'.join(sorted(name for name in ORDERS if name))} 之一。", code=codes.BAD_ORDER
        )
    return case_list.Filter(
        states=tuple(states(request)),
        text=request.query.get("q", "").strip(),
        fund_type=request.query.get("fund_type", ""),
        round=_id(request, codes.BAD_ROUND, "没有这个申报批次。", "round"),
        batch=_id(request, codes.BAD_BATCH, "没有这个审核批。", "batch"),
        unseen=_flag(request, codes.BAD_UNSEEN, "unseen 应为 1。", "unseen"),
        over=_flag(request, codes.BAD_OVER, "over 应为 1。", "over"),
        unlock=_flag(request, codes.BAD_UNLOCK, "unlock 应为 1。", "unlock"),
        district=request.query.get("district", ""),
        min_wan=_amount(request, "min_wan"),
        max_wan=_amount(request, "max_wan"),
        min_days=_days(request, "min_days"),
        max_days=_days(request, "max_days"),
        assignee=request.query.get("assignee", ""),
        sort=order.removeprefix("-") if order.removeprefix("-") in case_list.SORTS else "",
        descending=order == "newest" or order.startswith("-"),
    )
