"""Show the audit (审计记录): what accounts did and what happened to applications, filtered, and exported as CSV."""

from collections.abc import AsyncIterator, Iterable
from datetime import date, datetime, time, timedelta

from aiohttp import web

from services.gateway.accounts.accounts import note
from services.gateway.operator import audit_reading
from services.gateway.web import csv_file
from services.gateway.web.addresses import client_address
from services.gateway.web.calls import ask
from services.gateway.web.context import DATABASE, SESSION
from services.gateway.web.form_data import one, read_form
from services.gateway.web.rendering import ROLE_LABELS, page
from services.gateway.web.switches import must_be_on
from shared import clock, codes
from shared.contract.operations import AuditPage
from shared.errors import Malformed
from shared.http.app import answer
from shared.text.json_text import dumps

SOURCES = {"accounts": "登录与账号", "applications": "申报与审核"}
FILTERS = ("actor", "action", "application")
DETAILS = {
    "roles": "角色",
    "route": "页面",
    "method": "方法",
    "reason": "理由",
    "source": "来源",
    "session": "登录",
    "count": "数量",
}
ROLES = {role.value: label for role, label in ROLE_LABELS.items()}
RESULTS = {"ok": "成功", "failed": "失败", "refused": "拒绝"}
COLUMNS = (
    "id", "at", "actor", "actor_name", "unit", "role", "action", "label", "application_id", "from_state", "to_state",
    "address", "result", "request_id", "details",
)  # fmt: skip
MAX_EXPORT = 100_000
Rows = AuditPage | audit_reading.AccountAudit


def _day(text: str, later: timedelta) -> str:
    try:
        day = date.fromisoformat(text) + later
    except (ValueError, OverflowError):
        raise Malformed("请选择有效的日期。", code=codes.BAD_DATE) from None
    return datetime.combine(day, time(), clock.SHANGHAI).isoformat()


def _query(asked: dict[str, str]) -> dict[str, str]:
    """The API's filters out of the page's: days of Beijing, both included."""
    query = {name: asked[name] for name in FILTERS if asked.get(name)}
    if asked.get("from"):
        query["since"] = _day(asked["from"], timedelta())
    if asked.get("to"):
        query["until"] = _day(asked["to"], timedelta(days=1))
    return query


async def _rows(request: web.Request, source: str, query: dict[str, str]) -> Rows:
    if source == "applications":
        return (await ask(request, "GET", "/audit", AuditPage, query=query)).body
    query.pop("application", None)
    async with request.app[DATABASE].begin() as session:
        return await audit_reading.rows(session, query)


def _asked(values: dict[str, str]) -> tuple[str, dict[str, str]]:
    source = values.get("source", "accounts")
    if source not in SOURCES:
        raise Malformed
    return source, {name: values.get(name, "").strip()[:200] for name in (*FILTERS, "from", "to")}


async def show(request: web.Request) -> web.Response:
    """The newest rows of one audit."""
    source, asked = _asked(dict(request.query))
    query = _query(asked)
    if cursor := request.query.get("cursor"):
        query["cursor"] = cursor
    context = {
        "source": source,
        "sources": SOURCES,
        "asked": asked,
        "found": await _rows(request, source, query),
        "results": RESULTS,
        "actions": audit_reading.LABELS if source == "accounts" else {},
        "text": _said,
    }
    return page(request, "operator/audit.html", context)


def _said(details: dict[str, object]) -> str:
    """What a row adds, for people; the export keeps it as it was written."""
    return "；".join(f"{DETAILS.get(name, name)}：{_value(value)}" for name, value in details.items())


def _value(value: object) -> str:
    if isinstance(value, list):
        return "、".join(_value(item) for item in value)
    if isinstance(value, str):
        return ROLES.get(value, value)
    return dumps(value).decode()


async def export(request: web.Request) -> web.StreamResponse:
    """The same rows as a CSV file, written down as exported."""
    form = await read_form(request)
    must_be_on(request, "exports")
    source, asked = _asked({name: one(form, name) for name in form})
    query = {**_query(asked), "limit": "500"}
    found = await _rows(request, source, dict(query))
    async with request.app[DATABASE].begin() as session:
        filters = {name: value for name, value in asked.items() if value}
        note(
            session, "audit_exported", request[SESSION].subject, client_address(request), source=source, **filters
        )

    async def pages() -> AsyncIterator[Iterable[list[object]]]:
        read, count = found, 0
        while True:
            rows = [row.model_dump(mode="json") for row in read.items]
            yield ([row.get(column) for column in COLUMNS] for row in rows)
            count += len(rows)
            if not read.next_cursor or count >= MAX_EXPORT:
                return
            read = await _rows(request, source, {**query, "cursor": read.next_cursor})

    return await csv_file.send(request, f"audit-{source}-{clock.today():%Y%m%d}.csv", COLUMNS, pages())


async def read_accounts(request: web.Request) -> web.Response:
    """Sign-ins, refusals, rights and consents, newest first; for auditors."""
    async with request.app[DATABASE].begin() as session:
        return answer(await audit_reading.rows(session, request.query))
