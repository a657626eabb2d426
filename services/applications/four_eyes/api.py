"""Serve what waits for a second person, its confirmation, and 职责分离报告."""

import asyncio
import tempfile
from datetime import datetime
from pathlib import Path
from uuid import UUID

from aiohttp import web

from services.applications.core.audit import record
from services.applications.core.context import CODEC, PEERS, SETTINGS, transaction
from services.applications.core.csv_text import Cell
from services.applications.four_eyes import confirm as use_case
from services.applications.four_eyes import report, waiting
from services.applications.review.export import Sheet
from shared import clock, codes
from shared.contract.four_eyes import Refuse, SeparatedAct, SeparationReport
from shared.database import BUSY
from shared.errors import Malformed, Unavailable
from shared.http.app import actor, answer, body, uuid_in_path
from shared.identity import Actor

FINDINGS = {"two": "两人办理", "one": "一人办理", "exception": "例外"}
COLUMNS = (
    ("时间", 20), ("事项", 18), ("对象", 44), ("提出人", 14), ("确认人", 14), ("情况", 10), ("当年第几次", 12), ("理由", 44),
)  # fmt: skip


async def show_confirmations(request: web.Request) -> web.Response:
    """Return what waits for the person who asks as the second of two, and what they prepared that waits for others."""
    async with transaction(request) as session:
        return answer(await waiting.confirmations(session, request.app[SETTINGS], actor(request)))


async def confirm(request: web.Request) -> web.Response:
    """Make the extension that somebody else proposed; 409 for its proposer, and for what was settled. 503 `outcome_unknown` where the database
    went away before it said what became of it: to confirm again is then safe, and tells."""
    who, id, since = actor(request), uuid_in_path(request), clock.now()
    try:
        async with transaction(request) as session:
            await use_case.confirm(session, request.app[CODEC], request.app[PEERS], who, id)
    except BUSY:
        if not await _was_confirmed(request, who, id, since):
            raise
    return web.Response(status=204)


async def _was_confirmed(request: web.Request, who: Actor, id: UUID, since: datetime) -> bool:
    """Ask by another connection what became of a confirmation whose end was not heard."""
    try:
        async with transaction(request) as session:
            return await use_case.was_confirmed(session, who, id, since)
    except BUSY as error:
        told = "数据库暂时没有答复，尚不能确定是否已经确认。请稍后刷新“待我复核”核对：仍在列表中的即尚未确认，可以再次确认，不会重复办理。"
        raise Unavailable(told, code=codes.OUTCOME_UNKNOWN, retry_after=10) from error


async def refuse(request: web.Request) -> web.Response:
    """Refuse what somebody proposed, with a reason, or give one's own proposal up."""
    async with transaction(request) as session:
        await use_case.refuse(session, actor(request), uuid_in_path(request), body(request, Refuse).reason)
    return web.Response(status=204)


def _year(request: web.Request) -> int:
    said = request.query.get("year") or str(clock.today().year)
    if not (said.isascii() and said.isdecimal() and len(said) == 4 and int(said) in report.YEARS):
        raise Malformed("year 应为四位年份。", code=codes.BAD_NUMBER)
    return int(said)


async def _report(request: web.Request) -> SeparationReport:
    async with transaction(request) as session:
        return await report.report(session, request.app[SETTINGS], _year(request))


async def show_report(request: web.Request) -> web.Response:
    """Return 职责分离报告 of a year (this one unless `year` names another)."""
    return answer(await _report(request))


async def export_report(request: web.Request) -> web.Response:
    """Return 职责分离报告 of a year as XLSX; that it was taken is recorded."""
    found = await _report(request)
    async with transaction(request) as session:
        record(session, actor(request), "export", format="xlsx", filters={"separation": str(found.year)})
    content = await asyncio.to_thread(_sheet, found)
    headers = {"Content-Disposition": f'attachment; filename="separation-{found.year}.xlsx"'}
    return web.Response(body=content, content_type="application/octet-stream", headers=headers)


def _sheet(found: SeparationReport) -> bytes:
    with tempfile.TemporaryDirectory(prefix="gm-export-") as folder:
        path = Path(folder) / "separation.xlsx"
        sheet = Sheet(path, f"{found.year} 年", [name for name, _ in COLUMNS], [width for _, width in COLUMNS])
        sheet.add(_row(act) for act in found.acts)
        sheet.close()
        return path.read_bytes()


def _row(act: SeparatedAct) -> tuple[Cell, ...]:
    return (
        clock.show(act.at),
        act.label,
        act.subject,
        act.proposed_by,
        act.confirmed_by,
        FINDINGS[act.finding],
        act.times if act.times > 1 else None,
        act.reason,
    )
