"""Serve 政策沙盘."""

from aiohttp import web

from services.applications.core.context import transaction
from services.applications.forms import catalogue
from services.applications.forms.definition import Form
from services.applications.sandbox import pure, queries, runs
from services.applications.tables.forms import FormDraft
from services.applications.workbench.judge import JUDGE
from shared import codes
from shared.contract.sandbox import SandboxInput
from shared.errors import Conflict, DomainError
from shared.http.app import actor, answer, body, uuid_in_path

FAULTY = "草稿还有错误，改正并保存后才能推演。"


def _type(request: web.Request) -> str:
    return request.match_info["fund_type"]


async def _form_of(request: web.Request, draft: FormDraft) -> Form | None:
    """Return the form of a draft, judged in the process for texts of forms; None while it has faults."""
    found = await request.app[JUDGE].ask(pure.form_of_text, draft.text)
    return Form.model_validate_json(found) if found else None


async def show(request: web.Request) -> web.Response:
    """Return what a run can be made of, and the last runs."""
    async with transaction(request) as session:
        draft = await runs.draft_of(session, _type(request))
    form, fault = None, None
    if draft is not None:
        try:
            form = await _form_of(request, draft)
            fault = None if form else FAULTY
        except DomainError as error:
            fault = error.detail
    async with transaction(request) as session:
        return answer(await runs.view(session, _type(request), draft, form, fault))


async def ask(request: web.Request) -> web.Response:
    """Ask for a run: it waits until everything that people and papers wait for is done. One of a fund type at a time."""
    given, fund_type = body(request, SandboxInput), _type(request)
    runs.must_be_chosen(given)
    draft = None
    if given.draft is not None:
        async with transaction(request) as session:
            draft = await runs.draft_of(session, fund_type)
        if draft is None:
            raise Conflict("草稿已不在，可能已经发布或被放弃，请刷新后再推演。", code=codes.BAD_FORM)
        form = await _form_of(request, draft)
        if form is None:
            raise Conflict(FAULTY, code=codes.BAD_FORM)
    else:
        form = catalogue.form(fund_type, given.version or 0)
    async with transaction(request) as session:
        # As it is now: what was judged above is what is kept only where nobody saved meanwhile.
        current = await session.get(FormDraft, fund_type, with_for_update=True) if draft else None
        run = await runs.ask(session, actor(request), fund_type, given, form, current or draft)
        rounds = [round_ for round_, _ in await queries.rounds(session, fund_type)]
        return answer(runs.run_view(run, rounds, current), 201)


async def get_run(request: web.Request) -> web.Response:
    """Return one run: how far it has come, or what came of it."""
    async with transaction(request) as session:
        run = await queries.run(session, _type(request), uuid_in_path(request))
        rounds = [round_ for round_, _ in await queries.rounds(session, run.fund_type)]
        draft = await runs.draft_of(session, run.fund_type)
        return answer(runs.run_view(run, rounds, draft))


async def stop(request: web.Request) -> web.Response:
    """Stop a run; what was judged until then stays to be read."""
    async with transaction(request) as session:
        run = await runs.stop(session, actor(request), _type(request), uuid_in_path(request))
        rounds = [round_ for round_, _ in await queries.rounds(session, run.fund_type)]
        return answer(runs.run_view(run, rounds, await runs.draft_of(session, run.fund_type)))
