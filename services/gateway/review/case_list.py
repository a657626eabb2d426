"""Show 申报受理: the list of cases with its filters, assignment, and moves of several cases at once."""

from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from services.gateway.accounts import people
from services.gateway.web.access import actor
from services.gateway.web.calls import ask, filters
from services.gateway.web.context import DATABASE, SESSION, SETTINGS
from services.gateway.web.form_data import one, read_form
from services.gateway.web.rendering import page
from shared.contract.applications import ApplicationSummary
from shared.contract.bureau import QueuePage
from shared.contract.review import Assigned, DeskCounts, FilterView, StaffView
from shared.errors import Conflict, DomainError, Invalid, Malformed, NotFound, Unavailable
from shared.http.app import see_other, uuid_in_path
from shared.identity import Role

FILTERS = (
    "state", "q", "fund_type", "round", "district", "min_wan", "max_wan", "min_days", "max_days", "assignee", "batch",
    "unseen", "over", "unlock", "order",
)  # fmt: skip
STATES = (
    ("pending_acceptance", "待纳批"),
    ("form_review", "形式审查中"),
    ("returned", "退回补正"),
    ("lapsed", "逾期未补正"),
    ("expert_review", "专家评审中"),
    ("decision", "待审定"),
    ("proposed", "拟支持"),
    ("publicity", "公示中"),
    ("approved", "已批复"),
    ("rejected", "不予支持"),
)
# How close the rows of the list stand, kept by the browser.
ROWS = "gm-rows"
YEAR = 366 * 24 * 3600
WAITING = "pending_acceptance,form_review"
# Columns that sort the list by their headings, each with the order of a first press.
SORTS = {
    "submitted": "oldest",
    "enterprise": "enterprise",
    "fund_type": "fund_type",
    "amount": "-amount",
    "assignee": "assignee",
}


@dataclass(frozen=True)
class Heading:
    """A heading by which the list is sorted: the order that pressing it gives, and as which the list stands (`ascending`,
    `descending`), if it is sorted by it."""

    address: str
    sorted: str


def _heading(name: str, first: str, asked: dict[str, str]) -> Heading:
    now = asked.get("order") or "oldest"
    orders = ("oldest", "newest") if name == "submitted" else (name, f"-{name}")
    following = first if now not in orders else orders[1 - orders.index(now)]
    stands = ("ascending", "descending")[orders.index(now)] if now in orders else ""
    return Heading(urlencode({**asked, "order": following}), stands)


@dataclass(frozen=True)
class View:
    """A view that somebody keeps, and whether it is the one that is looked at."""

    id: str
    name: str
    address: str
    current: bool


def _view(kept: FilterView, asked: dict[str, str]) -> View:
    query = {name: str(value) for name, value in kept.query.items()}
    return View(str(kept.id), kept.name, urlencode(query), query == asked)


async def _reviewers(request: web.Request, queue: QueuePage) -> list[StaffView]:
    """To whom cases can be given."""
    async with request.app[DATABASE].begin() as session:
        known = await people.with_role(session, Role.REVIEWER)
    me = actor(request).account
    return [
        StaffView(
            account=m.account,
            name=m.name,
            away=m.account in queue.away,
            mine=m.account == me,
            waiting=queue.waiting.get(m.account, 0),
        )
        for m in known
    ]


async def _queue(
    request: web.Request,
    *,
    error: DomainError | None = None,
    outcomes: list[Assigned] | None = None,
    name: str = "",
    status: int = 200,
) -> web.Response:
    shown, query = filters(request, *FILTERS, "cursor")
    asked = {key: value for key, value in query.items() if key != "cursor"}
    queue = (await ask(request, "GET", "/review/queue", QueuePage, query=query)).body
    if queue.fault:
        # What was typed into the filter stays; the mistake is said above it.
        error, status = Malformed(queue.fault), 400
    reviewers = await _reviewers(request, queue)
    context = {
        "queue": queue,
        "counts": queue.counts,
        "confirmations": queue.confirmations,
        "unread_messages": queue.unread_messages,
        "query": shown,
        "filtered": bool({**asked, "order": ""} != {"order": ""}),
        "address": urlencode(asked),
        "headings": {name: _heading(name, first, asked) for name, first in SORTS.items()},
        "views": [_view(f, asked) for f in queue.filters],
        "dense": request.cookies.get(ROWS) != "wide",
        "states": STATES,
        "waiting": WAITING,
        "reviewers": reviewers,
        "me": next((r for r in reviewers if r.mine), None),
        "error": error,
        "outcomes": outcomes,
        "name": name,
        "done": request.query.get("done"),
    }
    return page(request, "review/case_list.html", context, status=status)


async def show(request: web.Request) -> web.Response:
    """Applications that were submitted, oldest first. Without any filter a reviewer begins with what waits."""
    if rows := request.query.get("rows"):
        return _with_rows(request, "wide" if rows == "wide" else "dense")
    if not request.query and Role.REVIEWER in request[SESSION].roles:
        counted = (await ask(request, "GET", "/review/counts", DeskCounts)).body
        mine = any(counted.mine.get(state) for state in WAITING.split(","))
        return see_other(f"/review?state={WAITING}" + ("&assignee=me" if mine else ""))
    return await _queue(request)


def _with_rows(request: web.Request, rows: str) -> web.Response:
    """Send to the same list, and let the browser keep how close its rows stand."""
    rest = urlencode([(name, value) for name, value in request.query.items() if name != "rows"])
    answer = see_other(f"/review?{rest}" if rest else "/review")
    https = request.app[SETTINGS].https
    answer.set_cookie(ROWS, rows, max_age=YEAR, path="/review", httponly=True, samesite="Lax", secure=https)
    return answer


async def assign(request: web.Request) -> web.Response:
    """分配: the ticked cases to one reviewer, to the reviewers in turn, or back to nobody."""
    form = await read_form(request)
    to = one(form, "to")
    body = {
        "applications": form.get("id", []),
        "in_turn": to == "turn",
        "assignee": to if to not in {"turn", "nobody"} else None,
    }
    if not body["applications"] or not to:
        missing = "请先勾选要分配的申请。" if not body["applications"] else "请选择分配给谁。"
        return await _queue(request, error=Malformed(missing), status=400)
    try:
        outcomes = (await ask(request, "POST", "/review/assignments", list[Assigned], json=body)).body
    except (Conflict, Invalid, Malformed, Unavailable) as error:
        return await _queue(request, error=error, status=409)
    return await _queue(request, outcomes=outcomes)


async def move(request: web.Request) -> web.Response:
    """批量纳批, 通过形式审查 or 批复: the ticked cases, each with its own result."""
    form = await read_form(request)
    body: dict[str, str | list[str]] = {"applications": form.get("id", []), "action": one(form, "action")}
    if batch := one(form, "batch"):
        body["batch"] = batch
    if not body["applications"]:
        return await _queue(request, error=Malformed("请先勾选要办理的申请。"), status=400)
    try:
        outcomes = (await ask(request, "POST", "/review/moves", list[Assigned], json=body)).body
    except (Conflict, Invalid, Malformed) as error:
        return await _queue(request, error=error, status=409)
    return await _queue(request, outcomes=outcomes)


async def take_next(request: web.Request) -> web.Response:
    """领取下一件: the oldest case that nobody has."""
    await read_form(request)
    try:
        taken = (await ask(request, "POST", "/review/next", ApplicationSummary, json={})).body
    except NotFound as error:
        return await _queue(request, error=error, status=404)
    return see_other(f"/review/{taken.id}")


async def set_away(request: web.Request) -> web.Response:
    """暂停接件 or 恢复接件."""
    away = one(await read_form(request), "away") == "1"
    await ask(request, "PUT", "/review/away", json={"away": away})
    return see_other(f"/review?{request.query_string}")


async def keep(request: web.Request) -> web.Response:
    """保存常用筛选."""
    name = one(await read_form(request), "name").strip()
    _, query = filters(request, *FILTERS)
    try:
        await ask(request, "POST", "/review/filters", json={"name": name, "query": query})
    except Malformed:
        return await _queue(request, error=Malformed("请填写名称，1 至 40 字。"), name=name, status=400)
    except (Conflict, Invalid) as error:
        return await _queue(request, error=error, name=name, status=409)
    return see_other(f"/review?{urlencode({**query, 'done': 'kept'})}")


async def forget(request: web.Request) -> web.Response:
    """删除常用筛选."""
    await read_form(request)
    await ask(request, "DELETE", f"/review/filters/{uuid_in_path(request)}")
    return see_other(f"/review?{request.query_string}")
