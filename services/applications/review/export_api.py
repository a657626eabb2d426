"""Export the list of cases as a file, under the list's own filters."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from services.applications.core.audit import record
from services.applications.core.case import form_of
from services.applications.core.context import transaction
from services.applications.core.csv_text import MARK, Cell, csv_lines
from services.applications.review import case_list
from services.applications.review.case_list_params import wanted
from services.applications.review.export import Sheet
from services.applications.tables.applications import Application
from services.applications.workflow import LABELS, State
from shared import clock, codes
from shared.errors import Malformed
from shared.http.app import actor

PAGE = 500


# A file of a season's cases; whoever wants more narrows the list.
AT_MOST = 50_000


# One type for either kind of file, as the description says; its name tells which it is.
FILE = "application/octet-stream"


COLUMNS = (
    ("申报编号", 16), ("版次", 6), ("项目名称", 32), ("申报单位", 32), ("统一社会信用代码", 22), ("所属区", 10),
    ("专项资金名称", 14), ("申报批次", 30), ("审核批", 14), ("申请金额（万元）", 14), ("支持金额（万元）", 14),
    ("平均分", 8), ("状态", 12), ("申报时间", 20), ("办理人", 12), ("补正期限", 20), ("公示截止", 20),
)  # fmt: skip


HEAD = [name for name, _ in COLUMNS]


async def _page(
    request: web.Request, filter_: case_list.Filter, cursor: str
) -> tuple[list[Sequence[Cell]], str | None]:
    async with transaction(request) as session:
        found, following = await case_list.page(session, actor(request), filter_, cursor=cursor, limit=PAGE)
        rounds, batches = await case_list.names(session)
    return [_row(a, rounds[a.round_id], batches.get(a.batch_id) if a.batch_id else None) for a in found], following


def _row(a: Application, round_title: str, batch: str | None) -> Sequence[Cell]:
    return (
        a.number,
        a.revision,
        a.project_name,
        a.enterprise_name,
        a.enterprise,
        a.district,
        form_of(a).label,
        round_title,
        batch,
        a.applied_wan,
        a.approved_wan,
        a.score,
        LABELS[State(a.state)],
        clock.show(a.submitted_at) if a.submitted_at else None,
        a.assignee_name,
        clock.show(a.correct_by) if a.correct_by else None,
        clock.show(a.publicity_until) if a.publicity_until else None,
    )


async def export(request: web.Request) -> web.StreamResponse:
    """Return the queue under the same filters as a file: `format=xlsx` or `csv`. Who took it, and of what, is recorded."""
    kind = request.query.get("format", "xlsx")
    if kind not in {"xlsx", "csv"}:
        raise Malformed("format 应为 xlsx 或 csv。", code=codes.BAD_FORMAT)
    filter_ = wanted(request)
    # The first page before anything is answered: a filter that makes no sense is said as such.
    first = await _page(request, filter_, "")
    async with transaction(request) as session:
        said = {k: v for k, v in request.query.items() if v}
        record(session, actor(request), "export", format=kind, filters=said)
    name = f"applications-{clock.today():%Y%m%d}.{kind}"
    return await (_xlsx if kind == "xlsx" else _csv)(request, filter_, first, name)


async def _csv(
    request: web.Request, filter_: case_list.Filter, first: tuple[list[Sequence[Cell]], str | None], name: str
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Disposition": f'attachment; filename="{name}"'})
    response.content_type = FILE
    await response.prepare(request)
    await response.write(MARK + csv_lines([HEAD]))
    (rows, cursor), count = first, 0
    while True:
        await response.write(csv_lines(rows))
        count += len(rows)
        if not cursor or count >= AT_MOST:
            break
        rows, cursor = await _page(request, filter_, cursor)
    await response.write_eof()
    return response


async def _xlsx(
    request: web.Request, filter_: case_list.Filter, first: tuple[list[Sequence[Cell]], str | None], name: str
) -> web.StreamResponse:
    with tempfile.TemporaryDirectory(prefix="gm-export-") as folder:
        path = Path(folder) / name
        sheet = Sheet(path, "申报", HEAD, [width for _, width in COLUMNS])
        (rows, cursor), count = first, 0
        while True:
            # In a thread: making rows is work, and others are waiting for answers.
            await asyncio.to_thread(sheet.add, rows)
            count += len(rows)
            if not cursor or count >= AT_MOST:
                break
            rows, cursor = await _page(request, filter_, cursor)
        await asyncio.to_thread(sheet.close)
        response = web.StreamResponse(headers={"Content-Disposition": f'attachment; filename="{name}"'})
        response.content_type = FILE
        response.content_length = path.stat().st_size
        await response.prepare(request)
        with path.open("rb") as file:
            while piece := file.read(256 * 1024):
                await response.write(piece)
        await response.write_eof()
        return response
