"""Show operators what was promised and what was kept: the last 30 days, each closing, and for one round its last 24 hours with the
extension that follows from them."""

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from aiohttp import web
from markupsafe import Markup

from services.gateway.operator import promise_queries
from services.gateway.operator.promise import (
    JUDGED_BEFORE,
    RULE,
    Minute,
    Stretch,
    bars,
    extension,
    kept,
    stretches,
)
from services.gateway.web import charts
from services.gateway.web.calls import ask
from services.gateway.web.context import DATABASE
from services.gateway.web.form_data import Values, one, read_form
from services.gateway.web.minutes import KEPT
from services.gateway.web.rendering import page
from shared import clock, codes
from shared.contract.rounds import RoundDetail, RoundView
from shared.errors import Conflict, DomainError, FieldError, Invalid, Malformed, NotFound
from shared.http.app import see_other, uuid_in_path

DAY, MONTH = JUDGED_BEFORE, timedelta(days=30)
BAR = timedelta(minutes=5)
# Enterprises on the page, and closings: each is a day of minutes to be added up.
SHOWN, CLOSINGS = 200, 12
TIMES = {"until": "延长至", "begun_before": "开始填写的时间"}
FIELDS = ("whom", "begun_before", "until", "enterprises", "reason")
NOTICES = {
    "proposed": "补时已提出，由另一位人员在“待我复核”中确认后生效。",
    "extended": "已补时，各页面在几秒内生效。",
}
# Between the codes of a list: what people type, and what a spreadsheet gives.
BETWEEN = re.compile(r"[\s,;，；、]+")


@dataclass(frozen=True)
class Closing:
    """A round's close, or what has passed until now of its last 24 hours: requests, missed ones, degraded stretches."""

    id: UUID
    title: str
    closes_at: datetime
    since: datetime
    until: datetime
    minutes: list[Minute]
    stretches: list[Stretch]

    @property
    def total(self) -> int:
        return sum(one.total for one in self.minutes)

    @property
    def bad(self) -> int:
        return sum(one.bad for one in self.minutes)

    @property
    def degraded(self) -> int:
        return sum(one.minutes for one in self.stretches)

    @property
    def extension_minutes(self) -> int:
        return extension(self.stretches) // timedelta(minutes=1)


async def overview(request: web.Request) -> web.Response:
    """服务承诺: objectives of 30 days and of 24 hours, and every closing that is still counted."""
    now = clock.now()
    rounds = (await ask(request, "GET", "/rounds", list[RoundView])).body
    near = [one for one in rounds if one.state in {"open", "closed"} and now - KEPT < one.closes_at < now + DAY]
    near.sort(key=lambda one: one.closes_at, reverse=True)
    closings = [await _closing(request, one, now) for one in near[:CLOSINGS]]
    async with request.app[DATABASE]() as session:
        month, day = [kept(await promise_queries.sums(session, now - time)) for time in (MONTH, DAY)]
        minutes = await promise_queries.minutes(session, now - DAY, now)
    context = {
        "objectives": list(zip(month, day, strict=True)),
        "closings": closings,
        "chart": _chart("近 24 小时各时段的请求数", minutes, now - DAY, now),
        "stretches": stretches(minutes),
        "rule": RULE,
    }
    return page(request, "operator/slo.html", context)


async def one_round(request: web.Request) -> web.Response:
    """One round's last 24 hours: its degraded minutes, the extension that is proposed, whom it concerns."""
    return await _one_round(request)


async def extend(request: web.Request) -> web.Response:
    """提出补时 for a class of enterprises, as long as the minutes say or as somebody decides."""
    form, id = await read_form(request), uuid_in_path(request)
    try:
        done = await ask(request, "POST", f"/rounds/{id}/class-extensions", json=_wanted(form))
    except (Conflict, Invalid, Malformed) as error:
        return await _one_round(request, form, error, 409 if isinstance(error, Conflict) else 422)
    return see_other(f"/ops/slo/{id}?done={'extended' if 'sha256' in done.body else 'proposed'}#extend")


def _wanted(form: Values) -> dict[str, object]:
    """Return the body of an extension; `Invalid` names each field that says nothing usable."""
    whom, errors = one(form, "whom"), list[FieldError]()
    body: dict[str, object] = {"whom": whom, "reason": one(form, "reason").strip()}
    if not whom:
        errors.append(FieldError(field="whom", code=codes.REQUIRED, message="请选择补时的范围"))
    for name in ("until", *(["begun_before"] if whom == "drafts" else [])):
        try:
            instant = datetime.fromisoformat(one(form, name).strip())
            if instant.tzinfo is not None:
                raise ValueError("a zone of its own")
            body[name] = instant.replace(tzinfo=clock.SHANGHAI).isoformat()
        except (ValueError, OverflowError):
            said = f"请填写{TIMES[name]}，如 2026-05-31 17:30:00"
            errors.append(FieldError(field=name, code=codes.NOT_TIME, message=said))
    if not body["reason"]:
        errors.append(FieldError(field="reason", code=codes.REQUIRED, message="请填写补时的理由"))
    if whom == "listed":
        body["enterprises"] = [code[:60] for code in BETWEEN.split(one(form, "enterprises")) if code]
    if errors:
        raise Invalid(errors, "请按提示修改。")
    return body


async def _one_round(
    request: web.Request, typed: Values | None = None, error: DomainError | None = None, status: int = 200
) -> web.Response:
    id, now = uuid_in_path(request), clock.now()
    found = (await ask(request, "GET", f"/rounds/{id}", RoundDetail)).body
    if found.state not in {"open", "closed"}:
        raise NotFound("没有这个批次，或者批次尚未开始申报。")
    closing = await _closing(request, found, now)
    instants = [one.at for one in closing.minutes if one.degraded]
    async with request.app[DATABASE]() as session:
        concerned = await promise_queries.concerned(session, instants, SHOWN + 1) if instants else []
    context = {
        "closing": closing,
        "kept_days": KEPT.days,
        "chart": _chart("截止前 24 小时各时段的请求数", closing.minutes, closing.since, closing.until),
        "concerned": concerned[:SHOWN],
        "more": len(concerned) > SHOWN,
        "rule": RULE,
        "round": found,
        "values": _first(closing, now) if typed is None else {name: one(typed, name) for name in FIELDS},
        "error": error,
        "wrong": _by_field(error),
        "done": NOTICES.get(request.query.get("done", "")),
    }
    return page(request, "operator/slo_round.html", context, status=status)


def _first(closing: Closing, now: datetime) -> dict[str, str]:
    """What the form proposes: as long as the degraded minutes say, for drafts begun before the last of them."""
    until = max(closing.closes_at, now) + timedelta(minutes=closing.extension_minutes or 30)
    begun = closing.stretches[-1].until if closing.stretches else closing.until
    lost = f"截止前 24 小时内服务不畅共 {closing.degraded} 分钟" if closing.stretches else ""
    return {
        "whom": "turned_away" if closing.stretches else "",
        "begun_before": _local(min(begun, now)),
        "until": _local(until),
        "enterprises": "",
        "reason": lost,
    }


def _local(instant: datetime) -> str:
    """As a date-and-time control wants it, in Beijing's time."""
    return instant.astimezone(clock.SHANGHAI).strftime("%Y-%m-%dT%H:%M:%S")


def _by_field(error: DomainError | None) -> dict[str, str]:
    """What is wrong in each field, in words people know."""
    if isinstance(error, Malformed):
        fields = [str(e.get("field", "")).partition(".")[0] for e in error.extra.get("errors", [])]
        return defaultdict(str, dict.fromkeys(fields, "请检查此项的内容"))
    errors = error.errors if isinstance(error, Invalid) else []
    return defaultdict(str, {one.field or "": one.message for one in reversed(errors)})


async def _closing(request: web.Request, round_: RoundView, now: datetime) -> Closing:
    until = min(now, round_.closes_at)
    since = until - DAY
    async with request.app[DATABASE]() as session:
        minutes = await promise_queries.minutes(session, since, until)
    return Closing(round_.id, round_.title, round_.closes_at, since, until, minutes, stretches(minutes))


def _chart(label: str, minutes: list[Minute], since: datetime, until: datetime) -> Markup:
    """The requests of every five minutes, and those of them that were missed."""
    begin = since.replace(minute=since.minute // 5 * 5, second=0, microsecond=0)
    found = bars(minutes, begin, until, BAR)
    series = {
        "全部请求": [(at, total) for at, total, _ in found],
        "婉拒、失败或过慢": [(at, bad) for at, _, bad in found],
    }
    return charts.over_time(label, series)
