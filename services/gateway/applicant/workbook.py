"""用Excel填报: take a workbook, bring it back, look at what it changes cell by cell, and agree."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import groupby

from aiohttp import web
from pydantic import ValidationError

from services.gateway.web.calls import application, ask, form_of
from services.gateway.web.form_data import MAX_TEXT, one, read_form, read_multipart
from services.gateway.web.rendering import page
from services.gateway.web.sent_files import file_form
from shared import codes
from shared.contract.forms import SectionDefinition
from shared.contract.sections import ApplicationView, SectionSummary
from shared.contract.workbooks import WorkbookAgreed, WorkbookChange, WorkbookKept, WorkbookRead
from shared.errors import (
    Conflict,
    DomainError,
    Invalid,
    Malformed,
    NotFound,
    Stale,
    TooLarge,
    TooMany,
    UnsupportedMedia,
)
from shared.http.app import see_other, uuid_in_path

# What is said on the page itself, beside the way to try again.
_SAID = (Conflict, Invalid, Malformed, TooLarge, TooMany, UnsupportedMedia)
# What travels with the page until somebody agrees, with room for the rest of the form.
_CARRIED = MAX_TEXT - 16 * 1024
_STATUS = {
    Conflict: 409,
    Stale: 409,
    Invalid: 422,
    Malformed: 400,
    TooLarge: 413,
    TooMany: 429,
    UnsupportedMedia: 415,
}


@dataclass(frozen=True)
class Material:
    """What a workbook changes in one material."""

    key: str
    label: str
    changes: list[WorkbookChange]


def _has_sheets(section: SectionDefinition) -> bool:
    return bool(section.tables) or any(f.kind not in ("computed", "fixed_text") for f in section.fields)


async def show(request: web.Request) -> web.Response:
    """Say how it is done, with the workbooks to take and a place to bring one back."""
    return await _start(request)


async def _start(request: web.Request, fault: DomainError | None = None) -> web.Response:
    found = await application(request)
    form = await form_of(request, found.fund_type, found.form_version)
    open_ = [s for s in found.sections if s.visible and s.editable and _has_sheets(form.by_key[s.key])]
    kept = set(request.query.get("kept", "").split(",")) if fault is None else set()
    context = {
        "application": found,
        "materials": open_,
        "kept": [s for s in found.sections if s.key in kept and s.status == "draft"],
        "fault": _words(fault, found) if fault else None,
    }
    status = next((code for kind, code in _STATUS.items() if isinstance(fault, kind)), 200)
    return page(request, "applicant/workbook.html", context, status=status)


def _words(fault: DomainError, found: ApplicationView) -> str:
    if isinstance(fault, Stale) and fault.code == codes.FORM_CHANGED:
        return "申报表已更新为新版，工作簿的内容没有写入。请重新下载工作簿。"
    if isinstance(fault, Stale):
        return "对照之后，网页上的内容又有修改，工作簿的内容没有写入。请再次上传工作簿，重新对照。"
    return fault.detail


async def bring(request: web.Request) -> web.Response:
    """Compare a workbook with what stands, and show every cell that changes. Nothing is kept yet."""
    brought: list[WorkbookRead] = []
    faults: list[DomainError] = []

    async def take(name: str, file_name: str, chunks: AsyncIterator[bytes]) -> None:
        if name != "file" or brought or faults:
            raise Malformed
        path = f"/applications/{uuid_in_path(request)}/workbook"
        try:
            data = file_form(file_name, chunks)
            brought.append((await ask(request, "POST", path, WorkbookRead, data=data)).body)
        except _SAID as error:
            async for _ in chunks:
                pass
            faults.append(error)

    await read_multipart(request, take)
    if not (brought or faults):
        faults.append(Malformed("请先选择填好的工作簿（.xlsx）。", code=codes.FILE_MISSING))
    if faults:
        return await _start(request, faults[0])
    return await _compared(request, brought[0])


async def _compared(request: web.Request, read: WorkbookRead) -> web.Response:
    found = await application(request)
    agreed = ""
    if read.sections:
        agreed = WorkbookAgreed(form_version=read.form_version, sections=read.sections).model_dump_json()
        if len(agreed.encode()) > _CARRIED:
            return await _start(request, TooLarge("工作簿内容过多，请按材料分别下载工作簿，分次上传。"))
    labels: dict[str, SectionSummary] = {s.key: s for s in found.sections}
    context = {
        "application": found,
        "materials": [
            Material(key, labels[key].label, list(changes))
            for key, changes in groupby(read.changes, key=lambda change: change.section)
            if key in labels
        ],
        "blocking": [r for r in read.remarks if r.severity == "blocking"],
        "wrong": [r for r in read.remarks if r.severity == "wrong"],
        "told": [r for r in read.remarks if r.severity == "told"],
        "more": read.more_remarks,
        "count": len(read.changes),
        "conflicts": sum(change.conflict for change in read.changes),
        "agreed": agreed,
    }
    return page(request, "applicant/workbook_read.html", context)


async def agree(request: web.Request) -> web.Response:
    """Keep what somebody has looked at, as 暂存: of the materials that are ticked all, or nothing."""
    form = await read_form(request)
    id, wanted = uuid_in_path(request), set(form.get("take", []))
    try:
        agreed = WorkbookAgreed.model_validate_json(one(form, "agreed"))
    except ValidationError as error:
        # Of another enterprise's application nothing is said but that there is none.
        await application(request)
        raise Malformed from error
    chosen = [section for section in agreed.sections if section.key in wanted]
    if not chosen:
        return await _start(request, Malformed("没有选择要采用的材料，工作簿的内容没有写入。"))
    body = {"form_version": agreed.form_version, "sections": [s.model_dump() for s in chosen]}
    try:
        kept = await ask(request, "PUT", f"/applications/{id}/workbook/agreed", WorkbookKept, json=body)
    except (Conflict, Stale, Invalid, NotFound) as error:
        if isinstance(error, NotFound) and error.code != codes.UNKNOWN_SECTION:
            raise
        return await _start(request, error)
    return see_other(f"/applications/{id}/excel?kept={','.join(kept.body.etags)}#done")
