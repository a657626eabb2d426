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


def _id(request: web.Request, name: str, what: str) -> UUID | None:
    text = request.query.get(name, "")
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Malformed(f"没有这个{what}。", code=f"bad_{name}") from None


def wanted(request: web.Request) -> case_list.Filter:
    """Return the filter that a query asks for; `Malformed` for what cannot be one."""
    must_be_short(request)
    order = request.query.get("order", "")
    if order not in {"", "oldest", "newest"}:
        raise Malformed("order 应为 oldest 或 newest。", code=codes.BAD_ORDER)
    for name in ("unseen", "over", "unlock"):
        if request.query.get(name, "") not in {"", "1"}:
            raise Malformed(f"{name} 应为 1。", code=f"bad_{name}")
    return case_list.Filter(
        states=tuple(states(request)),
        text=request.query.get("q", "").strip(),
        fund_type=request.query.get("fund_type", ""),
        round=_id(request, "round", "申报批次"),
        batch=_id(request, "batch", "审核批"),
        unseen=bool(request.query.get("unseen")),
        over=bool(request.query.get("over")),
        unlock=bool(request.query.get("unlock")),
        district=request.query.get("district", ""),
        min_wan=_amount(request, "min_wan"),
        max_wan=_amount(request, "max_wan"),
        min_days=_days(request, "min_days"),
        max_days=_days(request, "max_days"),
        assignee=request.query.get("assignee", ""),
        newest_first=order == "newest",
    )
