"""Serve 统计 to the bureau."""

import asyncio
from uuid import UUID

from aiohttp import web

from services.applications.core.audit import record
from services.applications.core.context import transaction
from services.applications.core.switches import must_be_on
from services.applications.statistics.export import workbook
from services.applications.statistics.overview import Wanted, overview, type_label
from shared import clock, codes
from shared.contract.statistics import Statistics
from shared.errors import Malformed
from shared.http.app import actor, answer
from shared.text.printable import unprintable

LONGEST = 60


def _wanted(request: web.Request) -> Wanted:
    said = request.query.get("round", "")
    latest = said == "latest"
    try:
        round_id = UUID(said) if said and not latest else None
    except ValueError:
        raise Malformed("批次编号无效。", code=codes.BAD_FORMAT) from None
    texts = {name: request.query.get(name, "") for name in ("fund_type", "district")}
    for text in texts.values():
        if len(text) > LONGEST or unprintable(text):
            raise Malformed("筛选条件无效。")
    return Wanted(round_id, latest, **texts)


def _title(found: Statistics, wanted: Wanted) -> str:
    """Say in words which cases they are."""
    rounds = {one.key: one.label for one in found.rounds}
    parts = [rounds[str(found.round)] if found.round else "全部批次"]
    if wanted.fund_type:
        parts.append(type_label(wanted.fund_type))
    if wanted.district:
        parts.append(wanted.district)
    return "，".join(parts)


async def show(request: web.Request) -> web.Response:
    """Return what the cases of a round come to, or those of all."""
    async with transaction(request) as session:
        return answer(await overview(session, _wanted(request)))


async def export(request: web.Request) -> web.Response:
    """Return the same as an XLSX file. Who took it, and of what, is recorded."""
    wanted = _wanted(request)
    async with transaction(request) as session:
        await must_be_on(session, "exports")
        found = await overview(session, wanted)
        title = _title(found, wanted)
        record(session, actor(request), "export", format="xlsx", statistics=title)
    content = await asyncio.to_thread(workbook, found, title)
    name = f"statistics-{clock.today():%Y%m%d}.xlsx"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=content, content_type="application/octet-stream", headers=headers)
