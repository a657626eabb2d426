"""Serve 表单工作台."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.core.context import SETTINGS, transaction
from services.applications.forms.authoring.editing import CannotEdit
from services.applications.forms.catalogue import UnknownForm
from services.applications.tables.forms import FormDraft
from services.applications.workbench import drafts, examples, publication, queries, reading, views
from services.applications.workbench.drafts import must_match
from services.applications.workbench.edits import edited
from services.applications.workbench.judge import JUDGE
from services.applications.workbench.known_forms import KNOWN_FORMS
from services.applications.workbench.reading import Verdict, verdict
from shared import clock, codes
from shared.contract.applications import Nothing
from shared.contract.workbench import (
    FormDraftText,
    FormEdit,
    FormExample,
    FormMerge,
    FormMerged,
    FormNote,
    FormTrial,
    NewFormDraft,
)
from shared.errors import Conflict, FieldError, Invalid, NotFound
from shared.http.app import actor, answer, body, if_match


def _type(request: web.Request) -> str:
    return request.match_info["fund_type"]


def _number(text: str) -> int:
    """Return a version out of an address; what is none is no version."""
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise UnknownForm
    return int(text)


Work = Callable[[AsyncSession], Awaitable[FormDraft]]


async def _draft(request: web.Request, work: Work, status: int = 200) -> web.Response:
    """Do what is asked for in one transaction, and answer with the draft as it is then. Its text is judged without a connection."""
    async with transaction(request) as session:
        draft = await work(session)
        saves = await queries.saves(session, draft.fund_type)
    found = await request.app[JUDGE].look(draft.text, views.before(draft), draft.examples)
    view = views.draft_view(draft, saves, found, actor(request), by_two=request.app[SETTINGS].forms_by_two)
    return answer(view, status, ETag=f'"{draft.version}"')


async def _verdict(request: web.Request) -> Verdict:
    """Return what decides whether the draft may be published; whoever uses it compares its text once more."""
    async with transaction(request) as session:
        draft = await queries.draft(session, _type(request))
        must_match(draft, if_match(request))
    return await request.app[JUDGE].ask(verdict, draft.text, draft.examples)


async def list_types(request: web.Request) -> web.Response:
    """Return every fund type with its versions, the rounds that use them, and the draft of the next one."""
    await request.app[KNOWN_FORMS].look()
    async with transaction(request) as session:
        return answer(await views.types(session))


async def get_version(request: web.Request) -> web.Response:
    """Return a published version's text, and what it changes against the one before or `against`."""
    asked = request.query.get("against", "")
    async with transaction(request) as session:
        against = _number(asked) if asked else None
        return answer(
            await views.version_view(session, _type(request), _number(request.match_info["version"]), against)
        )


async def retire(request: web.Request) -> web.Response:
    """Let no new round take a version; what uses it keeps it."""
    async with transaction(request) as session:
        version = _number(request.match_info["version"])
        await publication.retire(session, actor(request), _type(request), version, body(request, FormNote).note)
        return answer(await views.version_view(session, _type(request), version, None))


async def resume(request: web.Request) -> web.Response:
    """Let new rounds take a retired version again."""
    async with transaction(request) as session:
        version = _number(request.match_info["version"])
        await publication.resume(session, actor(request), _type(request), version)
        return answer(await views.version_view(session, _type(request), version, None))


async def begin(request: web.Request) -> web.Response:
    """Begin the next version of a fund type's form, out of a published version or for a new type."""
    await request.app[KNOWN_FORMS].look()
    new = body(request, NewFormDraft)
    return await _draft(request, lambda session: drafts.begin(session, actor(request), new), 201)


async def get_draft(request: web.Request) -> web.Response:
    """Return a draft with its faults, its outline and what it changes; its ETag is its version."""
    return await _draft(request, lambda session: queries.draft(session, _type(request)))


async def save_draft(request: web.Request) -> web.Response:
    """Keep a draft's text, with faults or without, and make a change in it; 412 brings the text as it is now."""
    who, seen, given = actor(request), if_match(request), body(request, FormDraftText)
    text = await _edited(request, drafts.normal(given.text), given.edit)
    return await _draft(request, lambda session: drafts.save(session, who, _type(request), seen, text))


async def _edited(request: web.Request, text: str, edit: FormEdit | None) -> str:
    """Return a text with a change made in it; `Invalid` where that cannot be done."""
    if edit is None:
        return text
    try:
        return await request.app[JUDGE].ask(edited, text, edit)
    except CannotEdit as error:
        told = FieldError(field="edit", code=codes.BAD_FORM, message=str(error))
        raise Invalid([told], f"没有改动：{error}。") from error


async def merge(request: web.Request) -> web.Response:
    """Return a text joined with what somebody else has saved since, place by place, without keeping it. 409 `gone` where the text that it
    began with is no longer kept."""
    given = body(request, FormMerge)
    async with transaction(request) as session:
        draft = await queries.draft(session, _type(request))
        before = await queries.save_at(session, draft.fund_type, _tag(given.seen))
    if before is None:
        raise Conflict("您开始编辑时的文本已不再保留，请核对两份文本后保存。", code=codes.GONE)
    mine = before.text if given.text is None else drafts.normal(given.text)
    mine = await _edited(request, mine, given.edit)
    text, questions = await request.app[JUDGE].ask(reading.joined, before.text, mine, draft.text, given.choices)
    return answer(
        FormMerged(
            text=text,
            mine=mine,
            theirs=draft.text,
            etag=str(draft.version),
            changed_by=draft.changed_by_name,
            questions=questions,
        )
    )


def _tag(text: str) -> int:
    """Return a draft's tag as the number that it is; what is none is that of no save."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


async def discard_draft(request: web.Request) -> web.Response:
    """Throw a draft away."""
    async with transaction(request) as session:
        await drafts.discard(session, actor(request), _type(request), if_match(request))
    return answer(Nothing())


async def take_back(request: web.Request) -> web.Response:
    """Let a draft be as it was saved before."""
    number, seen = _number(request.match_info["n"]), if_match(request)
    return await _draft(
        request, lambda session: drafts.take_back(session, actor(request), _type(request), seen, number)
    )


async def look_at(request: web.Request) -> web.Response:
    """Return a text's faults, outline and changes without keeping it: for a page while somebody types."""
    async with transaction(request) as session:
        draft = await queries.draft(session, _type(request))
    text = drafts.normal(body(request, FormDraftText).text)
    return answer(await request.app[JUDGE].look(text, views.before(draft), draft.examples))


async def preview(request: web.Request) -> web.Response:
    """Return a section of a draft as an applicant meets it; `filled=1` fills in by example what is asked for."""
    return await _preview(request, None)


async def preview_typed(request: web.Request) -> web.Response:
    """Return the same of a text that is not kept: for a page while somebody types."""
    return await _preview(request, drafts.normal(body(request, FormDraftText).text))


async def _preview(request: web.Request, text: str | None) -> web.Response:
    asked, filled = request.query.get("section", ""), "filled" in request.query
    async with transaction(request) as session:
        draft = await queries.draft(session, _type(request))
        facts = await views.round_to_try(session, draft.fund_type)
    try:
        found = await request.app[JUDGE].ask(reading.preview, text or draft.text, facts, asked, filled)
    except KeyError:
        raise NotFound("表单里没有这项材料。") from None
    if found is None:
        raise Conflict("表单还有错误，改正后才能预览。", code=codes.BAD_FORM)
    return answer(found)


async def add_example(request: web.Request) -> web.Response:
    """Keep an example more: filled in by example, or as an application was handed in, without persons and texts."""
    who, seen, given = actor(request), if_match(request), body(request, FormExample)
    async with transaction(request) as session:
        draft = await queries.draft(session, _type(request))
        must_match(draft, seen)
        facts = await views.round_to_try(session, draft.fund_type)
        made = await examples.of_application(session, who, given.number.strip()) if given.number.strip() else None
    if made is None:
        found = await request.app[JUDGE].ask(reading.example_made, draft.text, facts)
        if found is None:
            raise Conflict("表单还有错误，改正后才能制作样例。", code=codes.BAD_FORM)
        made = (*found, clock.today())
    return await _draft(request, lambda s: examples.add(s, who, _type(request), seen, given, made), 201)


async def change_example(request: web.Request) -> web.Response:
    """Keep an example as it is now."""
    who, seen, given = actor(request), if_match(request), body(request, FormExample)
    number = _number(request.match_info["n"])
    return await _draft(request, lambda s: examples.change(s, who, _type(request), seen, number, given))


async def remove_example(request: web.Request) -> web.Response:
    """Keep an example no longer."""
    who, seen, number = actor(request), if_match(request), _number(request.match_info["n"])
    return await _draft(request, lambda s: examples.remove(s, who, _type(request), seen, number))


async def try_formula(request: web.Request) -> web.Response:
    """Return what comes of a formula with values that are given, in the draft as it is saved."""
    async with transaction(request) as session:
        draft = await queries.draft(session, _type(request))
        facts = await views.round_to_try(session, draft.fund_type)
    return answer(await request.app[JUDGE].ask(reading.tried, draft.text, facts, body(request, FormTrial)))


async def propose(request: web.Request) -> web.Response:
    """Ask a second person to publish a draft as it is."""
    who, seen, note = actor(request), if_match(request), body(request, FormNote).note
    judged = await _verdict(request)
    return await _draft(
        request, lambda session: publication.propose(session, who, _type(request), seen, note, judged)
    )


async def withdraw(request: web.Request) -> web.Response:
    """Give up a proposal; the draft goes on."""
    seen = if_match(request)
    return await _draft(
        request, lambda session: publication.withdraw(session, actor(request), _type(request), seen)
    )


async def publish(request: web.Request) -> web.Response:
    """Publish a proposed draft for good; every process knows it within seconds."""
    fund_type, by_two = _type(request), request.app[SETTINGS].forms_by_two
    judged = await _verdict(request)
    async with transaction(request) as session:
        published = await publication.publish(
            session, actor(request), fund_type, if_match(request), judged, by_two=by_two
        )
        version = published.version
    # Whoever asks next may meet this very process.
    await request.app[KNOWN_FORMS].look()
    async with transaction(request) as session:
        return answer(await views.version_view(session, fund_type, version, None), 201)
