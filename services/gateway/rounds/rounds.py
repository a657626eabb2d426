"""Manage rounds (申报批次) on pages: prepare, publish, change, close, and late acceptance for one enterprise.

Officers write; who publishes and only reads sees the same page without its controls."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from aiohttp import web

from services.gateway.rounds.round_form import (
    Parameter,
    both,
    parameters_of,
    read_parameters,
    read_window,
    rows_of,
)
from services.gateway.web.calls import ask
from services.gateway.web.context import SESSION
from services.gateway.web.form_data import Values, one, read_form
from services.gateway.web.rendering import page
from shared import clock, codes
from shared.contract.applications import TimelineEntry
from shared.contract.rounds import FormSummary, RoundDetail, RoundDifference, RoundView
from shared.errors import Conflict, DomainError, FieldError, Invalid, Malformed, Stale
from shared.http.app import see_other, uuid_in_path
from shared.identity import Role
from shared.roles import ROUND_PUBLISHERS
from shared.text import amounts
from shared.text.capitals import in_words

NOTICES = {
    "created": "批次已建立，尚未发布；申报单位看不到。",
    "changed": "已保存。",
    "proposed": "已保存。对名称、预算、表单版本和参数的修改，由另一位业务管理人员或审定人员确认后生效，见“待确认的修改”。",
    "confirmed": "已确认，修改即时生效。",
    "withdrawn": "已撤回修改，批次保持原样。",
    "published": "批次已发布，申报单位可以看到。",
    "before": "该批次已经发布，没有重复发布。",
    "closed": "批次已截止。",
    "extended": "已为该企业单独延期。",
    "extension_proposed": "已提出单独延期，由另一位业务管理人员或审定人员在“待我复核”中确认后生效。",
    "notice": "已保存申报通知。",
    "notice_proposed": "已提出修改申报通知，由另一位业务管理人员或审定人员确认后生效，见“待确认的修改”。",
    "succeeded": "已沿用上一批次建立，尚未发布；日期已顺延，请核对与上一批次的不同之处。",
}
STATES = {"unpublished": "未发布", "coming": "未开始", "open": "申报中", "closed": "已截止"}
FIELDS = {
    "title": "批次名称", "opens_at": "开始时间", "closes_at": "截止时间", "parameters": "参数", "budget_wan": "预算（万元）",
    "form_version": "表单版本", "fund_type": "资金类型", "notice": "申报通知",
}  # fmt: skip


async def moved(request: web.Request) -> web.Response:
    """Send to where rounds stand now. 308: a form that was open keeps its method and what was typed."""
    return web.Response(status=308, headers={"Location": request.rel_url.raw_path_qs.removeprefix("/ops")})


async def overview(request: web.Request) -> web.Response:
    """Every round, newest closing last."""
    rounds = (await ask(request, "GET", "/rounds", list[RoundView])).body
    return page(
        request, "rounds/rounds.html", {"rounds": rounds[::-1], "states": STATES, "writes": _writes(request)}
    )


def _writes(request: web.Request) -> bool:
    return Role.OFFICER in request[SESSION].roles


async def prepare(request: web.Request) -> web.Response:
    """新建批次: for which form, when."""
    return await _prepare(request, {}, [], None)


async def _prepare(
    request: web.Request, typed: Values, errors: list[FieldError], fault: str | None, status: int = 200
) -> web.Response:
    forms = (await ask(request, "GET", "/forms", list[FormSummary])).body
    context = {"forms": forms, "typed": _first(typed), "wrong": _by_field(errors), "fault": fault}
    return page(request, "rounds/round_new.html", context, status=status)


async def create(request: web.Request) -> web.Response:
    """Create it and go on to its parameters."""
    form = await read_form(request)
    fund_type, _, version = one(form, "form").rpartition("/")
    window, errors = read_window(form)
    if not fund_type or not version.isdecimal() or len(version) > 6:
        errors.append(FieldError(field="form", code=codes.REQUIRED, message="请选择表单"))
    title = one(form, "title").strip()
    if not title:
        errors.append(FieldError(field="title", code=codes.REQUIRED, message="请填写批次名称"))
    if errors:
        return await _prepare(request, form, errors, "请按提示修改。", 422)
    body = {"fund_type": fund_type, "form_version": int(version), "title": title, "publish": False, **window}
    try:
        made = await ask(request, "POST", "/rounds", RoundView, json=body)
    except (Invalid, Malformed) as error:
        return await _prepare(request, form, _errors_of(error), error.detail, 422)
    return see_other(f"/rounds/{made.body.id}?done=created")


async def show(request: web.Request) -> web.Response:
    """One round with everything that can be done to it."""
    return await _show(request, notice=NOTICES.get(request.query.get("done", "")))


async def _show(
    request: web.Request,
    *,
    typed: Values | None = None,
    error: DomainError | None = None,
    notice: str | None = None,
    status: int = 200,
) -> web.Response:
    round_, known = await asyncio.gather(
        ask(request, "GET", f"/rounds/{uuid_in_path(request)}", RoundDetail),
        ask(request, "GET", "/forms", list[FormSummary]),
    )
    found, forms = round_.body, known.body
    listed = _errors_of(error)
    values = _first(typed or {})
    values["title"] = values["title"] or found.title
    values["opens_at"] = values["opens_at"] or _local(found.opens_at)
    values["closes_at"] = values["closes_at"] or _local(found.closes_at)
    values["budget_wan"] = values["budget_wan"] or found.budget_wan or ""
    values["form_version"] = values["form_version"] or str(found.form_version)
    rows: list[Parameter] = rows_of(
        found, read_parameters(typed) if typed and "p.0.name" in typed else None, listed
    )
    context = {
        "round": found,
        "writes": _writes(request),
        "publishes": bool(request[SESSION].roles & ROUND_PUBLISHERS),
        "budget_in_words": in_words(Decimal(found.budget_wan)) if found.budget_wan else None,
        "versions": _versions(found, forms),
        "values": values,
        "rows": rows,
        "wrong": _by_field(listed),
        "states": STATES,
        "fields": FIELDS,
        "proposed": [_difference(d) for d in found.proposal.differences] if found.proposal else [],
        "differences": [_difference(d) for d in found.previous.differences] if found.previous else [],
        "lines": [_line(entry, {need.name: need.label for need in found.needs}) for entry in found.history],
        "fault": error.detail if error else None,
        "missing_numbers": bool(error and error.code == "parameters_missing"),
        "missing_options": any(n.missing and n.kind == "options" for n in found.needs),
        "notice": notice,
    }
    return page(request, "rounds/round.html", context, status=status)


def _versions(round_: RoundDetail, forms: list[FormSummary]) -> list[int]:
    """The versions of its form that a round may go to: any until it is published, then newer ones only."""
    known = {f.version for f in forms if f.fund_type == round_.fund_type and not f.retired} | {round_.form_version}
    return sorted(v for v in known if not round_.published_at or v >= round_.form_version)


async def act(request: web.Request) -> web.Response:
    """Save, publish, confirm or withdraw what is proposed, close, or extend for one enterprise."""
    form = await read_form(request)
    action = one(form, "action", "change")
    try:
        if action == "succeed":
            made = await ask(request, "POST", f"/rounds/{uuid_in_path(request)}/successor", RoundDetail)
            return see_other(f"/rounds/{made.body.id}?done=succeeded")
        done = await _do(request, action, form)
    except (Invalid, Malformed) as error:
        return await _show(request, typed=form, error=error, status=422)
    except (Conflict, Stale) as error:
        if action == "publish" and await _is_published(request):
            # The second of two presses, or somebody else's.
            return see_other(f"/rounds/{uuid_in_path(request)}?done=before")
        return await _show(request, typed=form, error=error, status=409)
    return see_other(f"/rounds/{uuid_in_path(request)}?done={done}")


async def _is_published(request: web.Request) -> bool:
    found = (await ask(request, "GET", f"/rounds/{uuid_in_path(request)}", RoundDetail)).body
    return found.published_at is not None


async def _do(request: web.Request, action: str, form: Values) -> str:
    path, etag = f"/rounds/{uuid_in_path(request)}", one(form, "etag")
    if action == "publish":
        await ask(request, "POST", f"{path}/publish", json={"accept_missing": "accept_missing" in form}, etag=etag)
        return "published"
    if action == "confirm":
        await ask(request, "POST", f"{path}/proposal", etag=etag)
        return "confirmed"
    if action == "withdraw":
        await ask(request, "DELETE", f"{path}/proposal", etag=etag)
        return "withdrawn"
    if action == "close":
        reason = one(form, "close_reason").strip()
        if not reason:
            raise _please([FieldError(field="close_reason", code=codes.REQUIRED, message="请填写理由")])
        await ask(request, "POST", f"{path}/close", json={"reason": reason}, etag=etag)
        return "closed"
    window, errors = read_window(form, ("until",) if action == "extend" else ("opens_at", "closes_at"))
    if errors:
        raise _please(errors)
    if action == "extend":
        late = {"enterprise": one(form, "enterprise").strip(), "reason": one(form, "reason").strip(), **window}
        done = (await ask(request, "POST", f"{path}/extensions", json=late)).body
        return "extension_proposed" if "id" in done else "extended"
    body: dict[str, object] = {"title": one(form, "title").strip(), **window, "budget_wan": None}
    rows = read_parameters(form)
    if twice := both(rows):
        raise _please(twice)
    body["parameters"] = parameters_of(rows)
    if budget := one(form, "budget_wan").strip():
        try:
            body["budget_wan"] = f"{amounts.read(budget, unit='万元'):f}"
        except amounts.NotANumber as error:
            raise _please([FieldError(field="budget_wan", code=codes.BAD_AMOUNT, message=str(error))]) from error
    if (version := one(form, "form_version")).isdecimal() and len(version) < 7:
        body["form_version"] = int(version)
    if reason := one(form, "change_reason").strip():
        body["reason"] = reason
    saved = (await ask(request, "PATCH", path, RoundDetail, json=body, etag=etag)).body
    return "proposed" if saved.proposal else "changed"


def _please(errors: list[FieldError]) -> Invalid:
    return Invalid(errors, "请按提示修改。")


def _errors_of(error: DomainError | None) -> list[FieldError]:
    if isinstance(error, Invalid):
        return error.errors
    if isinstance(error, Malformed):
        # The contract's own names; what they want is said in words people know.
        fields = [str(e.get("field", "")).partition(".")[0] for e in error.extra.get("errors", [])]
        return [FieldError(field=f, code=codes.MALFORMED, message="请检查此项的内容") for f in fields]
    return []


def _by_field(errors: list[FieldError]) -> dict[str, str]:
    return defaultdict(str, {error.field or "": error.message for error in reversed(errors)})


def _first(form: Values) -> dict[str, str]:
    """What was typed, and empty text for the rest."""
    return defaultdict(str, {name: values[0] for name, values in form.items()})


def _local(instant: datetime) -> str:
    """As a date-and-time control wants it, in Beijing's time."""
    return instant.astimezone(clock.SHANGHAI).strftime("%Y-%m-%dT%H:%M:%S")


@dataclass(frozen=True)
class Line:
    """One line of the history: what stood before and what stands now, in words."""

    at: datetime
    label: str
    actor: str
    text: str


def _line(entry: TimelineEntry, labels: Mapping[str, str]) -> Line:
    """Say an entry of the history in words; `labels` are what parameters are called by their names."""
    details = entry.details
    parts: list[str] = []
    before, after = details.get("before"), details.get("after")
    if details.get("given_up"):
        parts.append("、".join(FIELDS.get(k, k) for k in details["given_up"]))
    if isinstance(before, dict) and isinstance(after, dict):
        parts += _changed(before, after, FIELDS)
        parts += _changed(before.get("parameters") or {}, after.get("parameters") or {}, labels)
    elif after:
        parts.append(f"截止时间：{_said(before)} → {_said(after)}")
    if details.get("notice"):
        parts.append(_of("notice", details["notice"]))
    if details.get("follows"):
        parts.append("沿用上一批次")
    if details.get("enterprise"):
        parts.append(f"{details['enterprise']} 延至 {_said(details.get('until'))}")
    if details.get("missing"):
        parts.append(f"缺少参数 {'、'.join(labels.get(name, name) for name in details['missing'])}，相应核对不作")
    if details.get("proposed_by"):
        parts.append(f"{details['proposed_by']} 提出")
    if details.get("reason"):
        parts.append(f"理由：{details['reason']}")
    return Line(entry.at, entry.label, entry.actor, "；".join(parts))


def _changed(before: Mapping[str, Any], after: Mapping[str, Any], labels: Mapping[str, str]) -> list[str]:
    """Say what stands otherwise afterwards, or not at all any more; what has parts of its own is not said here."""
    names = [name for name in dict.fromkeys((*before, *after)) if before.get(name) != after.get(name)]
    return [
        f"{labels.get(name, name)}：{_of(name, before.get(name))} → {_of(name, after.get(name))}"
        for name in names
        if not isinstance(before.get(name, after.get(name)), dict)
    ]


@dataclass(frozen=True)
class Difference:
    """What differs from the round before, in words."""

    name: str
    before: str
    after: str


def _difference(found: RoundDifference) -> Difference:
    label = found.label or FIELDS.get(found.name, found.name)
    return Difference(label, _of(found.name, found.before), _of(found.name, found.after))


def _of(name: str, value: object) -> str:
    """Say a value of a round; its notice by the number of its version."""
    return (f"第 {value} 稿" if value else "无") if name == "notice" else _said(value)


def _said(value: object) -> str:
    if isinstance(value, list):
        return "、".join(value) or "无"
    if not isinstance(value, str):
        return "无" if value is None else str(value)
    # An instant has a time; a day is shown as it stands.
    if "T" not in value:
        return value or "无"
    try:
        return clock.show(datetime.fromisoformat(value))
    except ValueError:
        return value or "无"
