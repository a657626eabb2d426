"""Show operators what was promised and what was kept: the last 30 days, each closing, and for one round its last 24 hours with the
extension that follows from them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from aiohttp import web
from markupsafe import Markup

from services.gateway.operator import promise_queries
from services.gateway.operator.promise import RULE, Minute, Stretch, bars, extension, kept, stretches
from services.gateway.web import charts
from services.gateway.web.calls import ask
from services.gateway.web.context import DATABASE
from services.gateway.web.minutes import KEPT
from services.gateway.web.rendering import page
from shared import clock
from shared.contract.rounds import RoundView
from shared.errors import NotFound
from shared.http.app import uuid_in_path

DAY, MONTH = timedelta(hours=24), timedelta(days=30)
BAR = timedelta(minutes=5)
# Enterprises on the page, and closings: each is a day of minutes to be added up.
SHOWN, CLOSINGS = 200, 12


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
    id, now = uuid_in_path(request), clock.now()
    rounds = (await ask(request, "GET", "/rounds", list[RoundView])).body
    found = next((one for one in rounds if one.id == id and one.state in {"open", "closed"}), None)
    if found is None:
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
    }
    return page(request, "operator/slo_round.html", context)


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
