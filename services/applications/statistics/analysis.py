"""Export a form version's submissions flat, as a ZIP of CSV files with a dictionary: a page of cases at a time, through a file of one request."""

import asyncio
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.audit import record
from services.applications.core.context import transaction
from services.applications.core.csv_text import MARK, Cell, csv_lines
from services.applications.core.switches import must_be_on
from services.applications.forms import catalogue
from services.applications.forms.definition import Form, RoundFacts
from services.applications.forms.kinds import Choices
from services.applications.statistics import flat
from services.applications.statistics.sums import NOBODY
from services.applications.tables.applications import Application, Revision, Round
from services.applications.workflow import LABELS, State
from shared import clock, codes
from shared.errors import Malformed, NotFound
from shared.http.app import actor

PAGE = 200
AT_MOST = 50_000
PIECE = 256 * 1024
README = """各文件均为 UTF-8 编码的 CSV，第一行为列名；dictionary.csv 说明每一列的含义。
cases.csv 每个申请一行，取其最近一次提交的内容；其余文件对应表单中的表格，每行一条，以 number（申报编号）与 cases.csv 关联。
不含加密保存的信息和联系方式。以 =、+、-、@ 开头的文字前加有一个单引号。
"""
Case = tuple[dict[str, str], dict[str, Any], Choices]


def _asked(request: web.Request) -> tuple[UUID | None, Form]:
    said, key = request.query.get("round", ""), request.query.get("form", "")
    fund_type, _, version = key.rpartition(".")
    try:
        round_id = UUID(said) if said else None
        number = int(version) if version.isascii() and version.isdecimal() and len(version) < 7 else 0
    except ValueError:
        raise Malformed("批次编号无效。", code=codes.BAD_FORMAT) from None
    if not fund_type or not number:
        raise Malformed("请指定表单及其版本，如 abc.2。", code=codes.BAD_FORMAT)
    return round_id, catalogue.form(fund_type, number)


async def export(request: web.Request) -> web.StreamResponse:
    """Return the latest submissions of a form version, flat, as a ZIP of CSV files. Who took it, and of what, is recorded."""
    round_id, form = _asked(request)
    async with transaction(request) as session:
        await must_be_on(session, "exports")
        if round_id is not None and await session.get(Round, round_id) is None:
            raise NotFound("没有这个申报批次。")
        form_key = f"{form.fund_type}.{form.version}"
        record(session, actor(request), "export", format="csv", form=form_key, round=str(round_id or ""))
    name = f"{form.fund_type}-{form.version}-{clock.today():%Y%m%d}.zip"
    with tempfile.TemporaryDirectory(prefix="gm-analysis-") as folder:
        await _gather(request, Path(folder), form, round_id)
        path = Path(folder) / "out.zip"
        await asyncio.to_thread(_pack, Path(folder), path, form)
        response = web.StreamResponse(headers={"Content-Disposition": f'attachment; filename="{name}"'})
        response.content_type = "application/octet-stream"
        response.content_length = path.stat().st_size
        await response.prepare(request)
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                await response.write(piece)
        await response.write_eof()
    return response


async def _gather(request: web.Request, folder: Path, form: Form, round_id: UUID | None) -> None:
    """Write the lines of all cases into the folder, page by page."""
    await asyncio.to_thread(_begin, folder, form)
    after, count = NOBODY, 0
    while count < AT_MOST:
        async with transaction(request) as session:
            after, cases = await _page(session, form, round_id, after)
        if not cases:
            break
        count += len(cases)
        # In a thread: making lines is work, and others are waiting for answers.
        await asyncio.to_thread(_add, folder, form, cases)


async def _page(session: AsyncSession, form: Form, round_id: UUID | None, after: UUID) -> tuple[UUID, list[Case]]:
    query = (
        select(Application, Revision.content["sections"], Round)
        .join(Round, Round.id == Application.round_id)
        .join(Revision, (Revision.application_id == Application.id) & (Revision.number == Application.revision))
        .where(
            Application.id > after,
            Application.fund_type == form.fund_type,
            Application.form_version == form.version,
            Application.deleted_at.is_(None),
            Application.submitted_at.is_not(None),
        )
        .order_by(Application.id)
        .limit(PAGE)
    )
    if round_id is not None:
        query = query.where(Application.round_id == round_id)
    found = (await session.execute(query)).all()
    cases: list[Case] = []
    for application, sections, round_ in found:
        case = {
            "number": application.number or "",
            "revision": str(application.revision),
            "round": round_.title,
            "enterprise": application.enterprise,
            "enterprise_name": application.enterprise_name,
            "district": application.district,
            "state": LABELS[State(application.state)],
            "submitted_at": f"{application.submitted_at.astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M:%S}",
            "applied_wan": _amount(application.applied_wan),
            "approved_wan": _amount(application.approved_wan),
        }
        cases.append((case, sections or {}, form.choices(RoundFacts(parameters=round_.parameters))))
    return (found[-1][0].id if found else after), cases


def _amount(value: object) -> str:
    return "" if value is None else str(value)


def _begin(folder: Path, form: Form) -> None:
    files = flat.files(form)
    for file, of in files.items():
        (folder / file).write_bytes(MARK + csv_lines([flat.head(file, of)]))
    said: list[Sequence[Cell]] = [flat.DICTIONARY, *flat.dictionary(form)]
    (folder / "dictionary.csv").write_bytes(MARK + csv_lines(said))
    (folder / "README.txt").write_text(README, encoding="utf-8")


def _add(folder: Path, form: Form, cases: Sequence[Case]) -> None:
    for file, of in flat.files(form).items():
        with (folder / file).open("ab") as out:
            out.write(csv_lines([line for case in cases for line in flat.rows(file, of, *case)]))


def _pack(folder: Path, path: Path, form: Form) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as whole:
        for file in ("README.txt", "dictionary.csv", *flat.files(form)):
            whole.write(folder / file, file)
