"""Build what the form page and the page before 提交申请 show, of an application whose form is judged once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.applications.attachments import earlier
from services.applications.core import repository, round_queries
from services.applications.core.case import form_of
from services.applications.core.codec import Codec, SectionCodec
from services.applications.core.moves import facts_of
from services.applications.core.return_seen import mark_seen
from services.applications.filling import sections
from services.applications.filling.filled_form import Filled, of_rows
from services.applications.filling.filled_form import facts as form_facts
from services.applications.filling.judgement import Judged, judged, with_reasons
from services.applications.filling.sections import Opened
from services.applications.filling.views import full, left_over, section_view
from services.applications.forms.definition import Form
from services.applications.forms.definition import Section as Definition
from services.applications.forms.filled.checks import name_in
from services.applications.forms.filled.reading_view import change_line
from services.applications.review.unlock_requests import listed
from services.applications.review.views import opinion_view, request_view
from services.applications.rounds.parameters import asks_confirmation
from services.applications.submission import unit_confirmation
from services.applications.submission.obstacles import obstacles
from services.applications.submission.pending_changes import pending_changes
from services.applications.submission.tickets import arrival
from services.applications.tables.applications import Application, Attachment, Section
from services.applications.workflow import Facts, State
from shared import codes
from shared.contract.checks import Obstacle
from shared.contract.confirmation import ConfirmationView
from shared.contract.pages import SectionPage, SubmissionPage
from shared.contract.returns import OpinionView
from shared.contract.review import UnlockRequestView
from shared.contract.sections import EarlierFiles, SectionValues, SectionView
from shared.errors import NotFound
from shared.identity import Actor
from shared.messages import Profile


@dataclass(frozen=True)
class Case:
    """An application with everything of it that pages show, loaded once."""

    application: Application
    form: Form
    codec: SectionCodec
    rows: Mapping[str, Section]
    files: list[Attachment]
    judged: Judged
    facts: Facts


async def load(session: AsyncSession, codec: Codec, actor: Actor, id: UUID, profile: Profile) -> Case:
    """Load an application of the actor's and judge its form; `NotFound` for anybody else's."""
    application = await repository.application(session, actor, id)
    await mark_seen(session, application, actor)
    form = form_of(application)
    opener = codec.of(application, form)
    rows = await repository.sections(session, id)
    files = await repository.attachments(session, id)
    filled = (await of_rows(session, application, form, opener, rows, files)).with_profile(profile)
    facts = await _facts(session, application, actor)
    return Case(application, form, opener, rows, files, judged(filled, rows, opener), facts)


async def save(
    session: AsyncSession,
    codec: Codec,
    actor: Actor,
    id: UUID,
    key: str,
    etag: str,
    given: SectionValues,
    profile: Profile,
) -> Case:
    """保存表单, and the application after it: nothing is loaded twice, and what was just judged is not judged again."""
    rows: dict[str, Section] = {}
    files: list[Attachment] = []
    names: list[str | None] = []

    async def whole(session: AsyncSession, opened: Opened) -> Filled:
        rows.update(await repository.sections(session, id))
        files.extend(await repository.attachments(session, id))
        found = await of_rows(session, opened.application, opened.form, opened.codec, rows, files)
        names.append(name_in(opened.form, found.saved))
        return found

    saved = await sections.save(session, codec, actor, id, key, etag, given, whole)
    application, form = saved.opened.application, saved.opened.form
    filled = saved.filled
    if [name_in(form, filled.saved)] != names:
        # Another name has other applications beside it.
        filled = replace(filled, facts=await form_facts(session, application, form, filled.saved))
    found = judged(filled.with_profile(profile), rows, saved.opened.codec, {key: saved.kept})
    return Case(
        application, form, saved.opened.codec, rows, files, found, await _facts(session, application, actor)
    )


async def _facts(session: AsyncSession, application: Application, actor: Actor) -> Facts:
    """Return the facts that guards look at. Without a return there are no opinions to answer."""
    returned = application.round_trips > 0
    return facts_of(
        application,
        await round_queries.round_(session, application.round_id),
        await round_queries.extension(session, application.round_id, application.enterprise),
        at=actor.received_at,
        actor=actor.account,
        unanswered=await repository.unanswered(session, application.id, application.round_trips)
        if returned
        else 0,
    )


async def section_page(
    session: AsyncSession, codec: Codec, actor: Actor, case: Case, key: str, *, persons: bool
) -> SectionPage:
    """Return all that the form page of one material shows; `NotFound` where the form has no such material. `persons`: with who of the
    bureau gave opinions."""
    definition = case.form.section(key)
    if definition is None:
        raise NotFound("没有这份申报材料。", code=codes.UNKNOWN_SECTION)
    opinions, requests = await _said(session, case.application, persons=persons)
    view = await _section(session, case, key, actor)
    filled = await full(session, codec, case.application, actor, case.rows, case.judged.filled)
    return SectionPage(
        application=filled,
        section=view,
        problems=obstacles(case.judged, case.facts),
        checks=case.judged.typed_checks,
        opinions=opinions,
        requests=requests,
        left_over=await left_over(session, codec, case.application) if filled.left_over else [],
        confirmation=unit_confirmation.view(
            case.form, await unit_confirmation.latest(session, case.application.id), None
        )
        if asks_confirmation(case.judged.filled.facts.round.parameters)
        else None,
        earlier=await _earlier(session, case, definition, view, actor),
    )


async def _earlier(
    session: AsyncSession, case: Case, section: Definition, view: SectionView, actor: Actor
) -> dict[str, EarlierFiles]:
    """Return what may be taken over into the slots that are shown and hold nothing, until the material is saved: what is empty then is meant
    to be, and nobody's page asks for it on a deadline's evening."""
    if view.saved is not None:
        return {}
    typed = view.draft or {}
    empty = [slot for slot in section.slots if slot.key not in view.now.hidden and not typed.get(slot.key)]
    found = await earlier.offered(session, actor, case.application, section, empty)
    return {
        key: EarlierFiles(
            source=one.source,
            project_name=one.project_name,
            submitted_at=one.submitted_at,
            names=[file.name for file in one.files],
        )
        for key, one in found.items()
    }


async def submission_page(
    session: AsyncSession, codec: Codec, actor: Actor, case: Case, *, persons: bool
) -> SubmissionPage:
    """Return all that the page before 提交申请 shows."""
    opinions, requests = await _said(session, case.application, persons=persons)
    choices = case.form.choices(case.judged.filled.facts.round)
    newer = [key for key, row in case.rows.items() if row.draft is not None and row.saved is not None]
    checks = case.judged.checks
    if case.application.revision:
        before = await repository.revision(session, case.application.id, case.application.revision)
        checks = with_reasons(checks, before.content)
    confirmation, missing = await _confirmation(session, actor, case)
    return SubmissionPage(
        application=await full(session, codec, case.application, actor, case.rows, case.judged.filled),
        problems=obstacles(case.judged, case.facts, missing),
        confirmation=confirmation,
        checks=checks,
        changes=[
            change_line(case.form, change, choices)
            for change in await pending_changes(session, case.application, case.codec, case.judged.filled)
        ],
        opinions=opinions,
        requests=requests,
        drafts=[
            await _section(session, case, section.key, actor)
            for section in case.form.sections
            if section.key in newer
        ],
    )


async def _confirmation(
    session: AsyncSession, actor: Actor, case: Case
) -> tuple[ConfirmationView | None, Obstacle | None]:
    """Return what was said of the draft within its enterprise, and what of it keeps it from being submitted; nothing is asked for in a
    round without 单位确认."""
    if not asks_confirmation(case.judged.filled.facts.round.parameters):
        return None, None
    found = await unit_confirmation.latest(session, case.application.id)
    digest = unit_confirmation.digest_of(case.judged.filled, case.files)
    at = await arrival(session, case.application, actor, case.facts, None)
    counts_from = at if at < actor.received_at else None
    return unit_confirmation.view(case.form, found, digest, counts_from), unit_confirmation.obstacle(found, digest)


async def _section(session: AsyncSession, case: Case, key: str, actor: Actor) -> SectionView:
    definition, row = case.form.by_key[key], case.rows[key]
    opened = Opened(case.application, case.form, definition, row, case.codec)
    typed = opened.shown()
    filled = case.judged.filled
    now = filled.now(definition, filled.untyped(definition) if typed is None else typed)
    round_ = await round_queries.round_(session, case.application.round_id)
    return section_view(opened, [file for file in case.files if file.section == key], now, round_, actor, filled)


async def _said(
    session: AsyncSession, application: Application, *, persons: bool
) -> tuple[list[OpinionView], list[UnlockRequestView]]:
    """Return what was said of an application that was returned, and which materials were asked for."""
    if application.state != State.RETURNED:
        return [], []
    opinions = await repository.opinions(session, application.id, up_to=application.round_trips)
    requests = await listed(session, application)
    return (
        [opinion_view(application, o, persons=persons) for o in opinions],
        [request_view(application, r, persons=persons) for r in requests],
    )
