"""Serve 生成PDF, previews, the commitment page, and the register of letters."""

from datetime import timedelta

from aiohttp import web

from services.applications.core import round_queries
from services.applications.core.case import form_of
from services.applications.core.context import CODEC, transaction
from services.applications.core.params import revision_number
from services.applications.core.switches import must_be_on
from services.applications.documents import documents as use_case
from services.applications.documents import queries
from services.applications.documents.answers import _status, ask_for, file_or_status, letter_or_status
from services.applications.workbench import queries as workbench_queries
from services.applications.workbench import views as workbench_views
from services.applications.workbench.judge import JUDGE
from shared import clock, codes
from shared.contract.decision import LetterRegister, LetterView, RegisteredLetter
from shared.errors import Conflict
from shared.http.app import actor, answer, uuid_in_path
from shared.http.query_params import number

# Whoever has not opened a letter for so long is called by telephone.
UNOPENED = timedelta(days=3)


async def make_pdf(request: web.Request) -> web.Response:
    """生成PDF: ready, or its place in line. What was given up is queued again, unless `look` is set. Experts and auditors
    get a rendition without personal data, here and below."""
    async with transaction(request) as session:
        document = await use_case.of_revision(
            session, actor(request), uuid_in_path(request), revision_number(request)
        )
        await ask_for(request, session, document)
        status = await use_case.status_of(session, document)
    return _status(status)


async def get_pdf(request: web.Request) -> web.StreamResponse:
    """Return the PDF of a revision, or 202 with its place in line."""
    async with transaction(request) as session:
        document = await use_case.of_revision(
            session, actor(request), uuid_in_path(request), revision_number(request)
        )
    return await file_or_status(request, document)


async def receipt(request: web.Request) -> web.StreamResponse:
    """Return the receipt of a revision as a PDF, for its enterprise; 202 while it is made."""
    return await _sheet(request, "receipt")


async def case_in_short(request: web.Request) -> web.StreamResponse:
    """Return a revision in short (项目简表) as a PDF for a meeting, with no more than an expert is shown; 202 while it is made."""
    return await _sheet(request, "brief")


async def _sheet(request: web.Request, kind: use_case.SheetKind) -> web.StreamResponse:
    async with transaction(request) as session:
        document = await use_case.sheet_of_revision(
            session, actor(request), uuid_in_path(request), revision_number(request), kind
        )
        await ask_for(request, session, document)
    return await file_or_status(request, document)


async def preview(request: web.Request) -> web.StreamResponse:
    """Return a PDF of what is saved so far, watermarked; 202 while it is made."""
    return await _of_what_is_saved(request, "preview")


async def commitment(request: web.Request) -> web.StreamResponse:
    """下载待盖章承诺书: the commitment page filled in, for stamp and scan; 202 while it is made."""
    return await _of_what_is_saved(request, "commitment")


async def _of_what_is_saved(request: web.Request, kind: str) -> web.StreamResponse:
    async with transaction(request) as session:
        if kind == "preview":
            await must_be_on(session, "previews")
        document = await use_case.of_what_is_saved(
            session, request.app[CODEC], actor(request), uuid_in_path(request), kind
        )
        await ask_for(request, session, document)
    return await file_or_status(request, document)


async def form_draft(request: web.Request) -> web.StreamResponse:
    """Return the PDF of a form's draft, empty but for what the form fills in; 202 while it is made."""
    fund_type = request.match_info["fund_type"]
    async with transaction(request) as session:
        draft = await workbench_queries.draft(session, fund_type)
        facts = await workbench_views.round_to_try(session, fund_type)
    made = await request.app[JUDGE].ask(use_case.empty_form, draft.text, facts)
    if made is None:
        raise Conflict("表单还有错误，改正后才能预览。", code=codes.BAD_FORM)
    async with transaction(request) as session:
        document = await use_case.of_form_draft(session, *made)
        await ask_for(request, session, document)
        status = await use_case.status_of(session, document)
    return await letter_or_status(request, document, status, f"{fund_type}-空白表.pdf")


async def form_of_round(request: web.Request) -> web.StreamResponse:
    """Return the empty form of a published round as a PDF, to read before one begins; 202 while it is made."""
    async with transaction(request) as session:
        await queries.forget_form_drafts(session)
        round_ = await round_queries.round_(session, uuid_in_path(request))
        document = await use_case.of_round(session, round_)
        await ask_for(request, session, document)
        status = await use_case.status_of(session, document)
        label = form_of(round_).label
    return await letter_or_status(request, document, status, f"{label}-空白表.pdf")


async def list_letters(request: web.Request) -> web.Response:
    """发文登记簿: the official letters that were issued, newest first, by `series` and `year`; paged by `cursor`. `unopened=1`: those that
    their enterprises have not opened for three days."""
    asked = request.query
    year = number(asked["year"], 9999) if asked.get("year") else None
    async with transaction(request) as session:
        rows, following = await queries.letter_register(
            session,
            series=asked.get("series", ""),
            year=year,
            unopened_since=clock.now() - UNOPENED if asked.get("unopened") else None,
            cursor=asked.get("cursor", ""),
            limit=number(asked.get("limit", "50"), 500),
        )
        series, years = await queries.letter_series(session)
    items = [
        RegisteredLetter(
            **LetterView.model_validate(letter, from_attributes=True).model_dump(),
            application_id=case.id if case else None,
            announcement_id=list_.id if list_ else None,
            application_number=case.number if case else None,
            project_name=case.project_name if case else list_.title if list_ else "",
            enterprise_name=case.enterprise_name if case else "",
        )
        for letter, case, list_ in rows
    ]
    return answer(LetterRegister(items=items, next_cursor=following, series=series, years=years))
