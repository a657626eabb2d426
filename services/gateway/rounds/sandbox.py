"""Show 政策沙盘: choose rounds, a form and limits, and read what would become of what was handed in."""

import re
from collections import defaultdict
from dataclasses import dataclass

from aiohttp import web

from services.gateway.rounds.round_form import both, parameters_of, read_parameters, rows_of
from services.gateway.web import charts
from services.gateway.web.calls import ask
from services.gateway.web.form_data import Values, one, read_form
from services.gateway.web.rendering import page
from shared.contract.sandbox import SandboxRunView, SandboxSums, SandboxView
from shared.errors import Conflict, DomainError, FieldError, Invalid, Malformed, NotFound, Stale
from shared.http.app import see_other, uuid_in_path

STATES = {"waiting": "等候中", "running": "推演中", "done": "已完成", "stopped": "已停止", "failed": "未能完成"}
# Bars that a chart has room for.
DRAWN = 12
_TYPE = re.compile("[A-Za-z][A-Za-z0-9_]{0,39}")


def _path(request: web.Request) -> str:
    fund_type = request.match_info["fund_type"]
    if not _TYPE.fullmatch(fund_type):
        raise NotFound("没有这类表单。")
    return f"/sandbox/{fund_type}"


async def show(request: web.Request) -> web.Response:
    """What can be tried, and what was."""
    return await _show(request)


async def _show(
    request: web.Request, typed: Values | None = None, error: DomainError | None = None, status: int = 200
) -> web.Response:
    found = (await ask(request, "GET", _path(request), SandboxView)).body
    errors = error.errors if isinstance(error, Invalid) else []
    if isinstance(error, Malformed):
        errors = [FieldError(field="rounds", code=error.code, message="请重新选择")]
    rows = rows_of(found, read_parameters(typed) if typed and "p.0.name" in typed else None, errors)
    chosen = typed.get("rounds", []) if typed else [str(r.id) for r in found.rounds if r.cases][:1]
    form = one(typed or {}, "form") or ("draft" if found.draft else str(next(iter(found.versions), "")))
    context = {
        "found": found,
        "rows": rows,
        "chosen": chosen,
        "form": form,
        "states": STATES,
        "wrong": defaultdict(str, {e.field or "": e.message for e in reversed(errors)}),
        "fault": error.detail if error else None,
    }
    return page(request, "rounds/sandbox.html", context, status=status)


async def ask_for(request: web.Request) -> web.Response:
    """推演."""
    form, path = await read_form(request), _path(request)
    rows = read_parameters(form)
    chosen = one(form, "form")
    body: dict[str, object] = {"rounds": form.get("rounds", []), "parameters": parameters_of(rows)}
    if chosen == "draft":
        body["draft"] = one(form, "etag")
    elif chosen.isdecimal() and len(chosen) < 7:
        body["version"] = int(chosen)
    try:
        if twice := both(rows):
            raise Invalid(twice, "请按提示修改。")
        made = (await ask(request, "POST", f"{path}/runs", SandboxRunView, json=body)).body
    except (Invalid, Malformed) as error:
        return await _show(request, form, error, 422)
    except (Conflict, Stale, NotFound) as error:
        return await _show(request, form, error, 409)
    return see_other(f"/rounds{path}/{made.id}")


async def show_run(request: web.Request) -> web.Response:
    """One run: how far it has come, or what came of it."""
    run = (await ask(request, "GET", f"{_path(request)}/runs/{uuid_in_path(request)}", SandboxRunView)).body
    result = run.result
    context = {
        "run": run,
        "states": STATES,
        "over": run.ended_at is not None,
        "groups": [
            Sheet(title, sums, _chart(title, sums))
            for title, sums in (("按所属区", result.districts), ("按支持方向", result.directions))
            if sums
        ]
        if result
        else [],
    }
    return page(request, "rounds/sandbox_run.html", context)


@dataclass(frozen=True)
class Sheet:
    """Sums by one thing, as a table and drawn."""

    title: str
    sums: list[SandboxSums]
    chart: str


def _chart(title: str, sums: list[SandboxSums]) -> str:
    rows = [(each.name[:14], float(each.wan), float(each.wan_left)) for each in sums[:DRAWN]]
    return charts.before_and_after(f"{title}的申请金额，万元", rows)


async def stop(request: web.Request) -> web.Response:
    """停止."""
    await read_form(request)
    path = f"{_path(request)}/runs/{uuid_in_path(request)}"
    await ask(request, "DELETE", path, SandboxRunView)
    return see_other(request.path)
