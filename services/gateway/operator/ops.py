"""Show operators the queues (length, age, workers, estimate, parked jobs), and the switches that shed load."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from sqlalchemy import text

from services.gateway.accounts.session_watch import WATCHING
from services.gateway.operator import ops_curves, promise_queries
from services.gateway.synthetic import runs
from services.gateway.web.calls import ask
from services.gateway.web.context import DATABASE, SERVICES
from services.gateway.web.form_data import one, read_form
from services.gateway.web.line import LINE
from services.gateway.web.rendering import page
from services.gateway.web.switches import SWITCHES
from shared import clock
from shared.contract.operations import Overview
from shared.contract.switches import SwitchesView
from shared.errors import Invalid, Malformed, Stale
from shared.http.app import see_other, uuid_in_path
from shared.text import amounts

_GATEWAYS = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :name")
REFUSED = (
    "自动暂存的间隔应为 1 至 300 秒的整数；公告不超过 300 字；截止时间应为有效的日期和时间。其余开关未作改动。"
)


@dataclass(frozen=True)
class Typed:
    """The switches as they stand in the form; `until` is in Beijing's time."""

    autosave_seconds: str
    previews: bool
    exports: bool
    announcement: str
    until: str


async def overview(request: web.Request) -> web.Response:
    """Queues, parked jobs, switches."""
    return await _page(request)


async def _page(
    request: web.Request, typed: Typed | None = None, fault: str | None = None, status: int = 200
) -> web.Response:
    found, known = await asyncio.gather(
        ask(request, "GET", "/ops/overview", Overview),
        ask(request, "GET", "/ops/switches", SwitchesView),
    )
    async with request.app[DATABASE]() as session:
        gateways = int(await session.scalar(_GATEWAYS, {"name": WATCHING}) or 0)
        answers = await promise_queries.minutes(session, found.body.curves[0].since, clock.now())
        walks = await runs.latest(session)
    done = "开关已更改，各页面在几秒内生效。" if request.query.get("done") == "switched" else None
    context = {
        "overview": found.body,
        "known": known.body,
        "shown": typed or _shown(known.body),
        "etag": known.etag,
        "fault": fault,
        "done": done,
        "people": request.app[LINE].crowd,
        "plan": found.body.processes,
        "gateways": gateways,
        "curves": ops_curves.drawn(found.body.curves, answers),
        "hours": ops_curves.hours(found.body.curves, answers),
        "walks": walks,
    }
    return page(request, "operator/ops.html", context, status=status)


def _shown(known: SwitchesView) -> Typed:
    until = known.announcement_until
    return Typed(
        autosave_seconds=str(known.autosave_seconds),
        previews=known.previews,
        exports=known.exports,
        announcement=known.announcement,
        until=until.astimezone(clock.SHANGHAI).strftime("%Y-%m-%dT%H:%M") if until else "",
    )


async def switch(request: web.Request) -> web.Response:
    """更改开关."""
    form = await read_form(request)
    typed = Typed(
        autosave_seconds=one(form, "autosave_seconds"),
        previews="previews" in form,
        exports="exports" in form,
        announcement=one(form, "announcement"),
        until=one(form, "until"),
    )
    try:
        await ask(request, "PUT", "/ops/switches", json=_wanted(typed), etag=one(form, "etag"))
    except (ValueError, Malformed):
        return await _page(request, typed, REFUSED, 422)
    except Invalid as error:
        return await _page(request, typed, error.detail, 422)
    except Stale:
        return await _page(request, typed, "开关刚刚被他人更改，下面是您填写的内容，请核对后再次保存。", 412)
    # Whoever switched sees it at once; other gateways hear within seconds.
    await request.app[SWITCHES].look(request.app[SERVICES])
    return see_other("/ops?done=switched#switches")


def _wanted(typed: Typed) -> dict[str, str | int | bool | None]:
    until, seconds = None, amounts.read(typed.autosave_seconds, unit="秒")
    if seconds != int(seconds):
        raise ValueError(seconds)
    if typed.until:
        until = datetime.strptime(typed.until, "%Y-%m-%dT%H:%M").replace(tzinfo=clock.SHANGHAI).isoformat()
    return {
        "autosave_seconds": int(seconds),
        "previews": typed.previews,
        "exports": typed.exports,
        "announcement": typed.announcement,
        "announcement_until": until,
    }


async def requeue(request: web.Request) -> web.Response:
    """重新排队."""
    await read_form(request)
    await ask(request, "POST", f"/ops/parked/{uuid_in_path(request)}/requeue", json={})
    return see_other("/ops")


async def requeue_all(request: web.Request) -> web.Response:
    """全部重新排队."""
    form = await read_form(request)
    await ask(request, "POST", "/ops/parked/requeue", json={"topic": one(form, "topic", "")})
    return see_other("/ops")
